"""Log records on their way from a worker process: what arrives of them, and who handles them."""

import logging
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.blocks.executors.log_records import Levels, Portable, RecordsOfWorker, handle, pack, unpack
from tests.blocks.executors.process_functions import MakeableThere, Unmakeable

NAME = "tests.log_records"


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger(NAME)
    yield logger
    logger.setLevel(logging.NOTSET)
    logger.handlers.clear()


def record(msg: object = "text", args: Any = (), **extra: Any) -> logging.LogRecord:
    made = logging.getLogger(NAME).makeRecord(NAME, logging.WARNING, "file.py", 7, msg, args, None, extra=extra)
    made.created = 12.5
    return made


def sent(made: logging.LogRecord) -> logging.LogRecord:
    """What arrives of a record."""
    return unpack(pickle.loads(pickle.dumps(pack(made))))


def test_a_record_arrives_as_it_is() -> None:
    made = record("%s has %d of %r", ("call", 2, None), user="ada", sizes=(1, 2))
    assert vars(sent(made)) == vars(made)
    assert sent(made).getMessage() == "call has 2 of None"


def test_so_does_one_with_a_dictionary_of_arguments() -> None:
    made = sent(record("%(who)s is here", ({"who": "ada"},)))
    assert (made.args, made.getMessage()) == ({"who": "ada"}, "ada is here")


def test_arguments_arrive_as_they_were_when_it_was_logged() -> None:
    items = [1]
    fields = pack(record("%s", (items,)))
    items.append(2)
    assert unpack(fields).args == ([1],)


@pytest.mark.parametrize("value", [lambda: 1, Unmakeable(), sys.stdout])
def test_arguments_that_cannot_be_sent_or_made_again_are_formatted(value: Any) -> None:
    made = sent(record("%s of %d", (value, 3), extra=value))
    assert (made.args, made.getMessage()) == (None, f"{value} of 3")
    assert vars(made)["extra"] == repr(value)


def test_values_of_a_class_that_the_parent_knows_arrive() -> None:
    kept = Portable.of(MakeableThere(), "text")
    assert kept.open() == ("text", False)  # it is made again only elsewhere
    assert Portable.of({"a": 1}, "text").open() == ({"a": 1}, True)


def test_a_message_that_is_no_text_becomes_one() -> None:
    made = sent(record(ValueError("odd")))
    assert made.msg == made.getMessage() == "odd"


def test_a_traceback_arrives_as_text() -> None:
    made = record()
    try:
        raise KeyError("missing")
    except KeyError:
        made.exc_info = sys.exc_info()
    arrived = sent(made)
    assert arrived.exc_info is None
    assert "raise KeyError" in (arrived.exc_text or "")
    assert "KeyError: 'missing'" in logging.Formatter().format(arrived)
    made.exc_text = "made before"
    assert sent(made).exc_text == "made before"


def test_the_logger_of_the_same_name_handles_it(caplog: pytest.LogCaptureFixture) -> None:
    origin = RecordsOfWorker(3)
    origin.handle(pack(record("at the start")))
    origin.block = "scale"
    origin.handle(pack(record("in a call")))
    assert [(made.name, made.getMessage()) for made in caplog.records] == [(NAME, "at the start"), (NAME, "in a call")]
    first, second = map(vars, caplog.records)
    assert (first["penstock_worker"], second["penstock_worker"]) == (2, 2)
    assert "penstock_block" not in first
    assert second["penstock_block"] == "scale"


def test_one_below_the_level_of_its_logger_is_dropped(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    logger.setLevel(logging.ERROR)
    handle(pack(record()))
    assert not caplog.records


def test_an_error_in_a_handler_does_not_disturb_the_work(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise ZeroDivisionError(record.getMessage())

    logger.addHandler(Broken())
    handle(pack(record("this one")))
    assert "ZeroDivisionError: this one" in capsys.readouterr().err


def test_another_process_gets_the_levels_of_this_one(logger: logging.Logger) -> None:
    other = logging.getLogger(f"{NAME}.other")
    root = logging.root.level
    logger.setLevel(logging.DEBUG)
    try:
        logging.root.setLevel(logging.CRITICAL)
        logging.disable(5)
        here = Levels.here()
        assert here.of[NAME] == logging.DEBUG
        assert here.of["root"] == logging.CRITICAL
        assert other.name not in here.of
        levels = pickle.loads(pickle.dumps(here))
        logging.disable(logging.NOTSET)
        logging.root.setLevel(logging.INFO)
        logger.setLevel(logging.NOTSET)
        other.setLevel(logging.ERROR)
        levels.set()
        assert Levels.here() == here
    finally:
        logging.disable(logging.NOTSET)
        logging.root.setLevel(root)
