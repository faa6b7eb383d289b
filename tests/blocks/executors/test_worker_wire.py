"""The worker's end of the pipe: when log records leave, from any thread, and in a forked child."""

import gc
import logging
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from typing import Any

import pytest

from penstock.blocks.executors import worker_wire
from penstock.blocks.executors.log_records import Levels, pack
from penstock.blocks.executors.slots import Shared
from penstock.blocks.executors.wire import DONE, END, LOG, READY, START, WORK, Lost, Wire
from penstock.blocks.executors.worker_wire import LogSender, WorkerWire, send_logs_home
from tests.blocks.executors.process_functions import SECONDS


class Ends:
    """Both ends of the pipe, and the messages of the records that have come."""

    def __init__(self) -> None:
        ours, theirs = Pipe()
        self.parent = Wire(ours, Shared())
        self.worker = WorkerWire(theirs, Shared())
        self.said: list[str] = []
        self.parent.on_record = lambda fields: self.said.append(fields["msg"])

    def log(self, text: str) -> None:
        """Log something in the worker."""
        self.worker.post(pack(record(text)))


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("tests", logging.WARNING, "file.py", 1, text, None, None)


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def _as_before() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """What a worker does to its loggers, the test's process must not keep."""
    loggers = [logging.root, *(one for one in logging.root.manager.loggerDict.values() if type(one) is logging.Logger)]
    before = [(one, one.handlers[:], one.propagate, one.level) for one in loggers]
    yield
    for one, handlers, propagate, level in before:
        one.handlers[:] = handlers
        one.propagate = propagate
        one.setLevel(level)


def test_records_leave_while_the_parent_listens_and_before_the_answer(ends: Ends) -> None:
    ends.parent.send(WORK)
    ends.worker.receive()
    ends.log("one")
    ends.log("two")
    ends.worker.send(DONE)
    assert ends.parent.receive() == (DONE,)
    assert ends.said == ["one", "two"]


def test_others_wait_in_the_worker_until_the_next_question(ends: Ends) -> None:
    ends.parent.send(START)
    ends.log("before the start")
    ends.worker.receive()
    ends.worker.send(READY)
    ends.log("between two jobs")
    assert ends.parent.receive() == (READY,)
    ends.parent.drain(0)
    assert ends.said == ["before the start"]
    ends.parent.send(WORK)
    ends.worker.receive()
    ends.parent.drain(0)
    assert ends.said == ["before the start", "between two jobs"]


def test_if_too_many_wait_the_parent_is_told_so(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_wire, "MOST_WAITING", 2)
    for n in range(5):
        ends.log(str(n))
    ends.parent.send(END)
    ends.worker.receive()
    ends.parent.drain(0)
    assert ends.said[:2] == ["0", "1"]
    assert "%d log records of a worker process were lost" in ends.said[2]


def test_a_worker_that_has_ended_leaves_its_records_in_the_pipe(ends: Ends) -> None:
    ends.parent.send(WORK)
    ends.worker.receive()
    ends.log("the last words")
    ends.worker.close()
    ends.parent.drain(SECONDS)
    assert ends.said == ["the last words"]


def test_a_wait_for_records_has_an_end_and_forgets_other_messages(ends: Ends) -> None:
    ends.worker.send(READY)
    ends.parent.drain(0.01)
    assert ends.said == []


def test_without_a_parent_records_are_dropped(ends: Ends) -> None:
    ends.parent.send(WORK)
    ends.worker.receive()
    ends.parent.close()
    ends.log("to nobody")
    with pytest.raises(Lost):
        ends.worker.receive()


def test_a_finalizer_may_log_while_a_message_is_sent(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    class Last:
        def __del__(self) -> None:
            ends.log("a finalizer")

    send = Wire.send

    def send_and_collect(wire: Wire, *message: Any) -> None:
        if message[0] != LOG:
            garbage = [Last()]
            garbage.append(garbage)  # type: ignore[arg-type]  # a circle
            del garbage
            gc.collect()
        send(wire, *message)

    ends.parent.send(WORK)
    ends.worker.receive()
    monkeypatch.setattr(Wire, "send", send_and_collect)
    ends.worker.send(DONE)
    monkeypatch.undo()
    assert ends.parent.receive() == (DONE,)
    ends.parent.send(WORK)
    ends.worker.receive()
    ends.parent.drain(0)
    assert ends.said == ["a finalizer"]


def test_a_thread_that_logs_waits_for_the_parent_and_another_one_for_it(ends: Ends) -> None:
    """The parent is busy with a handler; more is logged than the pipe holds."""
    ends.parent.send(WORK)
    ends.worker.receive()
    threads = [threading.Thread(target=log_much, args=(ends, name)) for name in "ab"]
    for thread in threads:
        thread.start()

    def answer() -> None:
        for thread in threads:
            thread.join(SECONDS)
        ends.worker.send(DONE)

    answering = threading.Thread(target=answer)
    answering.start()
    assert ends.parent.receive() == (DONE,)
    answering.join(SECONDS)
    for name in "ab":
        assert [text for text in ends.said if text[0] == name] == [f"{name}{n:01000d}" for n in range(500)]


def log_much(ends: Ends, name: str) -> None:
    for n in range(500):
        ends.log(f"{name}{n:01000d}")


@pytest.mark.usefixtures("_as_before")
def test_loggers_of_a_worker_send_home_what_the_parent_would_handle(ends: Ends, capsys: Any) -> None:
    own = logging.getLogger("tests.worker_wire")
    own.addHandler(logging.StreamHandler())
    own.propagate = False
    levels = Levels({"root": logging.WARNING, own.name: logging.INFO}, logging.NOTSET)
    send_logs_home(ends.worker, levels)
    ends.parent.send(WORK)
    ends.worker.receive()
    own.debug("not handled there")
    own.info("of a logger with a level")
    logging.info("not handled there")
    logging.warning("of the root logger")
    ends.worker.send(DONE)
    ends.parent.receive()
    assert ends.said == ["of a logger with a level", "of the root logger"]
    assert capsys.readouterr().err == ""


def test_a_record_that_cannot_be_formatted_is_an_error_of_the_worker(ends: Ends, capsys: Any) -> None:
    bad = record("%d")
    bad.args = (bad,)
    bad.msg = "%d of %d"
    LogSender(ends.worker).handle(bad)
    assert "Logging error" in capsys.readouterr().err


def test_a_child_of_a_worker_has_neither_the_pipe_nor_the_handler(ends: Ends) -> None:
    sender = LogSender(ends.worker)
    logging.root.addHandler(sender)
    sender.begin_anew()
    ends.worker.begin_anew()
    assert sender not in logging.root.handlers
    with pytest.raises(Lost):
        ends.parent.receive()
    ends.log("nowhere")
