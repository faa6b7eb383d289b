"""What the library says through the logger "penstock"."""

import ast
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import penstock.blocks
from penstock.blocks import Call, DeadLetter, Network, Retry, UnboundedBuffer
from penstock.blocks.functions.policies import Action
from tests.blocks.tools import Fussy, faults

QUIET = """
import trio
from penstock.blocks import Call, Network

async def main():
    call = Call(lambda item: 1 / item, on_error="skip")
    async with Network(call):
        await call.send(0)

trio.run(main)
"""


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "penstock" and record.levelno == level]


async def test_the_beginning_and_the_end_of_a_run_are_for_who_looks_closely(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "penstock"):
        async with Network(Call[int](abs), name="small"):
            pass
    start, end = said(caplog, logging.DEBUG)
    assert start == "network 'small': starts with 1 blocks and agents"
    assert end.startswith("network 'small': ended after ")
    assert end.endswith("error: None")


async def test_what_a_policy_does_is_told_item_by_item(caplog: pytest.LogCaptureFixture) -> None:
    letters: UnboundedBuffer[object] = UnboundedBuffer()
    skips = Call[int](Fussy(1), on_error="skip", name="skips")
    dies = Call[int](Fussy(1), on_error=DeadLetter(letters), name="dies")
    tries = Call[int](Fussy(1, times=1), on_error=Retry(2, backoff=0), name="tries")
    with caplog.at_level(logging.INFO, "penstock"):
        for block in (skips, dies, tries):
            async with Network(block):
                await block.send(0)
                await block.send(1)
    assert [line.rpartition(": ")[0] for line in said(caplog, logging.INFO)] == [
        "call 'skips': item 2: skip",
        "call 'dies': item 2: dead letter",
        "call 'tries': item 2: retry",
    ]


async def test_a_fault_is_told_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    call = Call[int](Fussy(1), name="call")
    with caplog.at_level(logging.INFO, "penstock"), faults(ValueError):
        async with Network(call, name="small"):
            await call.send(1)
    (line,) = said(caplog, logging.INFO)
    assert line.startswith("network 'small': fault in call, item 1: ")


class Mute(Exception):
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


def refuse(item: object) -> None:
    raise Mute(item)


async def test_an_exception_that_cannot_be_shown_is_told_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "penstock"):
        async with Network(call := Call[int](refuse, on_error="skip", name="call")):
            await call.send(1)
    assert said(caplog, logging.INFO) == ["call 'call': item 1: skip: <Mute whose repr raised ZeroDivisionError>"]


def test_by_itself_it_is_quiet() -> None:
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """The fields of each record, without those that the standard library makes."""
    return [
        {name.removeprefix("penstock_"): value for name, value in vars(record).items() if name.startswith("penstock_")}
        for record in caplog.records
    ]


async def test_records_of_a_run_have_fields(caplog: pytest.LogCaptureFixture) -> None:
    call = Call[int](Fussy(1), name="call")
    with caplog.at_level(logging.DEBUG, "penstock"), faults(ValueError):
        async with Network(call, name="small"):
            await call.send(1)
    start, fault, end = told(caplog)
    assert start == {"event": "network_starts", "network": "small"}
    assert fault == {"event": "fault", "network": "small", "block": "call", "item": 1, "error": "ValueError"}
    assert isinstance(end.pop("seconds"), float)
    assert end == {"event": "network_ended", "network": "small", "error": "ExceptionGroup"}


async def test_records_of_items_have_fields(caplog: pytest.LogCaptureFixture) -> None:
    letters: UnboundedBuffer[object] = UnboundedBuffer()
    tries = Call[int](Fussy(0, 1, times=1), on_error=Retry(2, backoff=0), name="tries")
    skips = Call[int](refuse, on_error="skip", name="skips")
    dies = Call[int](refuse, on_error=DeadLetter(letters), name="dies")
    with caplog.at_level(logging.INFO, "penstock"):
        async with Network(tries, skips, dies, name="small"):
            for block in (tries, skips, dies):
                await block.send(1)
    error = f"{__name__}.Mute"
    assert told(caplog) == [
        {"event": "item_retry", "network": "small", "block": "tries", "item": 1, "error": "ValueError"},
        {"event": "item_skip", "network": "small", "block": "skips", "item": 1, "error": error},
        {"event": "item_dead_letter", "network": "small", "block": "dies", "item": 1, "error": error},
    ]


async def test_a_program_may_put_fields_with_plain_names_into_all_records(caplog: pytest.LogCaptureFixture) -> None:
    plain = logging.getLogRecordFactory()

    def make(*args: Any, **others: Any) -> logging.LogRecord:
        record = plain(*args, **others)
        record.network, record.block, record.event, record.item = "mine", "mine", "mine", "mine"
        return record

    logging.setLogRecordFactory(make)
    try:
        with caplog.at_level(logging.DEBUG, "penstock"):
            async with Network(Call[int](abs), name="small"):
                pass
    finally:
        logging.setLogRecordFactory(plain)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["network 'small'"] * 2


def calls_of_the_log() -> Iterator[tuple[Path, ast.Call]]:
    root = Path(penstock.blocks.__path__[0]).parent
    for layer in ("agents", "blocks"):
        for path in (root / layer).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "log." not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and re.fullmatch(r"log\.(debug|info|warning|error|log)", unparse(node)):
                    yield path, node


def unparse(call: ast.Call) -> str:
    return ast.unparse(call.func)


@pytest.mark.checkout
def test_every_record_of_the_library_has_fields() -> None:
    found = list(calls_of_the_log())
    assert len(found) > 10
    assert [
        f"{path}:{call.lineno}" for path, call in found if "extra" not in {keyword.arg for keyword in call.keywords}
    ] == []


@pytest.mark.checkout
def test_every_event_of_the_log_is_in_the_documentation() -> None:
    root = Path(penstock.blocks.__path__[0]).parent
    texts = [
        path.read_text(encoding="utf-8") for layer in ("agents", "blocks") for path in (root / layer).rglob("*.py")
    ]
    events = set(re.findall(r"fields\(\s*\"(\w+)\"", "\n".join(texts)))
    assert len(events) > 8
    events |= {f"item_{action.name.lower()}" for action in Action if action is not Action.FAIL}
    page = (root / "docs/how-to/observe.md").read_text(encoding="utf-8")
    assert [event for event in sorted(events) if f"`{event}`" not in page] == []
