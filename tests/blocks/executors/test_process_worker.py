"""What is a worker process's own: signals, its end, and what it does if it is not ready."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from penstock.blocks import worker_state
from penstock.blocks.executors import process_worker
from penstock.blocks.executors.journal import SIZE
from penstock.blocks.executors.process_group import own_group
from penstock.blocks.executors.process_worker import end_with_parent, ignore_interrupts, main
from penstock.blocks.executors.remote import ErrorRecord
from penstock.blocks.executors.setup import Setup
from penstock.blocks.executors.slots import BIG, Pool, Shared
from penstock.blocks.executors.wire import FUNCTION, NEED, READY, REFUSED, START, WORK, Lost, Wire
from penstock.blocks.executors.worker_state import local
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.in_thread import start_in_thread
from tests.blocks.executors.process_functions import SECONDS


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """What the main thread of a worker does to its process, the test's process must not keep."""
    handler = signal.getsignal(signal.SIGINT)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.signal(signal.SIGINT, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    local.__dict__.clear()


class Parent:
    """The other side of the pipe."""

    def __init__(self) -> None:
        ours, self.connection = Pipe()
        self.wire = Wire(ours, Shared())

    def start(self) -> None:
        """Say the first words."""
        Pool(self.wire.shared, self.wire.announce).add_arena(SIZE)
        self.wire.send(START)


def test_a_worker_process_serves_until_the_pipe_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = Parent()
    told: list[Any] = []
    done: list[str] = []
    here = SimpleNamespace(daemon=True)
    watching = threading.Event()

    def start_and_hear() -> None:  # in a thread: a handle may be sent only once it is received
        parent.start()
        told.append(parent.wire.receive())
        parent.wire.close()

    monkeypatch.setattr(process_worker, "end_with_parent", watching.set)
    monkeypatch.setattr(own_group, "lead", lambda: done.append("group"))
    monkeypatch.setattr(multiprocessing, "current_process", lambda: here)
    hearing = threading.Thread(target=start_and_hear)
    hearing.start()
    main(parent.connection, Setup(pickle.dumps(os.getpid)))
    hearing.join(SECONDS)
    assert told == [(READY,)]
    assert done == ["group"]
    assert not here.daemon
    assert watching.wait(SECONDS)
    assert worker_state() == os.getpid()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize("init", [pickle.dumps(functions.broken_init), pickle.dumps(functions.Unmakeable())])
def test_if_it_is_not_ready_it_lets_the_parent_read_why(init: bytes) -> None:
    parent = Parent()
    worker = threading.Thread(target=process_worker.WorkerProcess(parent.connection).serve, args=(Setup(init),))
    worker.start()
    parent.start()
    parent.wire.send(FUNCTION, 0, b"")
    kind, record = parent.wire.receive()
    assert kind == REFUSED
    assert isinstance(record, ErrorRecord)
    assert worker.is_alive()
    parent.wire.close()
    worker.join(SECONDS)
    assert not worker.is_alive()
    with pytest.raises(Lost):
        parent.wire.receive()


def test_an_interrupt_that_came_before_is_forgotten() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    ignore_interrupts()
    assert not signal.sigpending()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_without_masks_it_just_ignores_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "pthread_sigmask")
    ignore_interrupts()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_it_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        pass

    class ParentProcess:
        sentinel, end = Pipe(duplex=False)

    def leave(code: int) -> NoReturn:
        raise Ended(code)

    monkeypatch.setattr(multiprocessing, "parent_process", ParentProcess)
    monkeypatch.setattr(os, "_exit", leave)
    ParentProcess.end.close()
    with pytest.raises(Ended):
        end_with_parent()
    ParentProcess.sentinel.close()


@pytest.mark.parametrize("before", [[], [-1]])  # after a failure it works item by item
def test_if_the_parent_goes_while_it_waits_for_a_slot_it_just_ends(before: list[int]) -> None:
    parent = Parent()
    worker = threading.Thread(target=process_worker.WorkerProcess(parent.connection).serve, args=(Setup(),))
    worker.start()
    parent.start()
    assert parent.wire.receive() == (READY,)
    parent.wire.send(FUNCTION, 0, pickle.dumps(bytes))
    parent.wire.send(WORK, 0, False, False, 1e9, "call 'test'", pickle.dumps([*before, BIG, 1]), [], 0)
    assert parent.wire.receive() == (NEED, BIG)
    parent.wire.close()
    worker.join(SECONDS)
    assert not worker.is_alive()


def test_if_the_parent_goes_at_once_it_just_ends() -> None:
    parent = Parent()
    parent.wire.close()
    process_worker.WorkerProcess(parent.connection).serve(Setup())


def test_if_it_is_not_needed_it_ends_without_a_start() -> None:
    child = start_in_thread("processes 'test'", Setup())
    assert child.leave() is None
    assert child.reap() == "exit code 0"
