"""What a fork server does, done here, where it can be looked at: its processes are others, or none."""

from __future__ import annotations

import errno
import gc
import os
import random
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing import Pipe, process, util
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np
import pytest

from penstock.blocks.executors import fork_server
from penstock.blocks.executors.fork_server import (
    ANSWER,
    CODE,
    FORKED,
    HAS_THREADS,
    ForkServer,
    count_threads,
    reseed,
    serve,
)
from tests.blocks.executors.process_functions import SECONDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the system has no handles of processes")


class Parent:
    """The parent of a server that runs in a thread."""

    def __init__(self, fork: Callable[[], int]) -> None:
        self.control, theirs = pair()
        self.theirs = theirs
        self.server = ForkServer(theirs)
        self.server._has_threads = False
        self.server._fork = fork  # type: ignore[method-assign]  # the test says what is forked
        self.result: list[Connection[Any, Any] | None] = []
        self.thread = threading.Thread(target=lambda: self.result.append(self.server.run()))

    def request(self, name: str = "worker", handles: int = 2) -> tuple[Connection[Any, Any], socket.socket]:
        """Ask for a worker; gives this end of its pipe and where the answer comes."""
        ours, theirs = Pipe()
        answer, to_answer = pair()
        with to_answer, theirs:
            socket.send_fds(self.control, [name.encode()], [theirs.fileno(), to_answer.fileno()][:handles])
        return ours, answer

    def start(self) -> None:
        """Let the server run."""
        self.thread.start()

    def end(self) -> None:
        """Let it end."""
        self.control.close()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()
        self.theirs.close()
        for handle, (pid, answer) in self.server._workers.items():  # at its end, the system does this
            os.waitpid(pid, 0)
            os.close(handle)
            answer.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """A pair of sockets as the server has them."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def spawned(program: str) -> int:
    """The id of a process that runs a program of the shell."""
    return os.posix_spawn("/bin/sh", ["sh", "-c", program], os.environ)


@pytest.mark.parametrize(("program", "code"), [("exit 3", 3), ("kill -9 $$", -9)])
def test_it_answers_with_a_handle_of_the_worker_and_tells_its_exit_code(program: str, code: int) -> None:
    pids: list[int] = []

    def fork() -> int:
        pids.append(spawned(program))
        return pids[-1]

    parent = Parent(fork)
    ours, answer = parent.request()
    parent.start()
    with ours, answer:
        data, (handle,), *_ = socket.recv_fds(answer, ANSWER.size, 1)
        assert ANSWER.unpack(data) == (FORKED, *pids)
        assert wait([handle], SECONDS)
        assert CODE.unpack(answer.recv(CODE.size)) == (code,)
        assert answer.recv(1) == b""
        os.close(handle)
    parent.end()
    assert parent.result == [None]


def test_at_the_end_of_the_program_the_workers_are_ended_with_their_children() -> None:
    """The worker is a shell in a group of its own, and its child holds a pipe open."""
    program = ["sh", "-c", "sleep 1000 & wait"]
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    parent = Parent(lambda: os.posix_spawn("/bin/sh", program, os.environ, setpgroup=0))
    ours, answer = parent.request()
    parent.start()
    with ours, answer:
        _, (handle,), *_ = socket.recv_fds(answer, ANSWER.size, 1)
        os.close(handle)
        os.close(writing)
        parent.end()
        assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_parent_that_has_lost_interest_is_no_error() -> None:
    parent = Parent(lambda: spawned("exit 0"))
    ours, answer = parent.request()
    answer.close()
    other, to_stay = parent.request()
    parent.start()
    with ours, other, to_stay:
        _, (handle,), *_ = socket.recv_fds(to_stay, ANSWER.size, 1)
        os.close(handle)
        assert CODE.unpack(to_stay.recv(CODE.size)) == (0,)
    parent.end()


def refused(number: int) -> Callable[[], int]:
    """A fork that fails."""

    def fork() -> int:
        raise OSError(number, "no")

    return fork


@pytest.mark.parametrize("number", [HAS_THREADS, errno.EAGAIN])
def test_it_says_why_there_is_no_worker(number: int) -> None:
    parent = Parent(refused(number))
    ours, answer = parent.request()
    parent.start()
    with ours, answer:
        assert ANSWER.unpack(answer.recv(ANSWER.size)) == (number, 0)
        assert wait([ours], SECONDS)
    parent.end()


def test_without_a_handle_for_the_worker_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(pid: int) -> int:
        os.waitpid(pid, 0)
        raise OSError(errno.EMFILE, "no")

    monkeypatch.setattr(os, "pidfd_open", fail)
    parent = Parent(lambda: spawned("exit 0"))
    ours, answer = parent.request()
    parent.start()
    with ours, answer:
        assert ANSWER.unpack(answer.recv(ANSWER.size)) == (errno.EMFILE, 0)
    parent.end()


def test_a_request_that_has_lost_its_handles_gets_no_answer() -> None:
    parent = Parent(refused(0))
    ours, answer = parent.request(handles=1)
    parent.start()
    with ours, answer:
        assert answer.recv(1) == b""
        assert wait([ours], SECONDS)
    parent.end()


@pytest.fixture
def as_child(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Has the test be the forked process; what was done then."""
    done: list[str] = []
    monkeypatch.setattr(util, "_run_after_forkers", lambda: done.append("locks"))
    monkeypatch.setattr(fork_server, "reseed", lambda: done.append("random numbers"))
    name = process.current_process().name
    yield done
    process.current_process().name = name


def test_a_forked_process_has_nothing_of_the_server_and_of_other_workers(as_child: list[str]) -> None:
    running = spawned("sleep 100")
    pids = iter([running, 0])
    parent = Parent(lambda: next(pids))
    first, second = parent.request(), parent.request("pool worker 2")
    parent.start()
    parent.thread.join(SECONDS)
    (connection,) = parent.result
    assert connection is not None
    assert process.current_process().name == "pool worker 2"
    assert as_child == ["locks", "random numbers"]
    assert parent.theirs.fileno() == -1
    ((handle, (_, answer)),) = parent.server._workers.items()
    assert answer.fileno() == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)
    with connection:
        second[0].send("hello")
        assert connection.recv() == "hello"
    os.kill(running, signal.SIGKILL)
    os.waitpid(running, 0)
    for each in (*first, *second, parent.control):
        each.close()


def test_the_real_fork_is_refused_while_other_threads_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: 7)
    monkeypatch.setattr(fork_server, "count_threads", lambda: 1)
    ours, theirs = pair()
    with ours, theirs:
        server = ForkServer(theirs)
        server._has_threads = False
        assert server._fork() == 7
        server._has_threads = True
        with pytest.raises(OSError, match="threads"):
            server._fork()
        release = threading.Event()
        thread = threading.Thread(target=release.wait)
        thread.start()
        assert ForkServer(theirs)._has_threads
        release.set()
        thread.join(SECONDS)


def test_a_process_that_was_forked_beside_a_thread_of_a_library_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []

    def fork() -> int:
        pids.append(spawned("exec sleep 100"))
        return pids[-1]

    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr(fork_server, "count_threads", lambda: 2)
    ours, theirs = pair()
    with ours, theirs:
        server = ForkServer(theirs)
        server._has_threads = False
        for _ in range(2):
            with pytest.raises(OSError, match="threads"):
                server._fork()
    assert len(pids) == 1
    with pytest.raises(ChildProcessError):
        os.waitpid(pids[0], 0)


def test_threads_are_counted_where_the_system_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    assert count_threads() > 1
    release.set()
    thread.join(SECONDS)
    monkeypatch.setattr(fork_server, "TASKS", "/nowhere")
    assert count_threads() == 1


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Keeps `serve` from changing this process; gives what it has done."""
    done: list[Any] = []
    monkeypatch.setattr(fork_server, "ignore_interrupts", lambda: done.append("deaf"))
    monkeypatch.setattr(gc, "freeze", lambda: done.append("frozen"))
    monkeypatch.setattr(fork_server, "main", lambda *args: done.append(args))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    return done


def test_the_server_is_no_worker_and_ends_at_once(no_process: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "_exit_function", lambda: no_process.append("processes"))
    monkeypatch.setattr(os, "_exit", no_process.append)
    ours, theirs = pair()
    ours.close()
    with theirs:
        serve(theirs)
    assert no_process == ["deaf", "frozen", "processes", 0]


@pytest.mark.parametrize("is_wanted", [True, False])
def test_a_forked_process_is_a_worker_if_it_is_still_wanted(
    no_process: list[Any], is_wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = Pipe()
    if is_wanted:
        ours.send((b"init", (), 1))
    else:
        ours.close()
    monkeypatch.setattr(ForkServer, "run", lambda self: theirs)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    control, other = pair()
    with control, other:
        serve(control)
    assert no_process[2:] == ([(theirs, b"init", (), 1)] if is_wanted else [])
    assert theirs.closed != is_wanted
    ours.close()
    theirs.close()


def test_numpy_is_seeded_anew_unless_the_program_has_done_it(monkeypatch: pytest.MonkeyPatch) -> None:
    state, of_python = np.random.get_state(), random.getstate()
    try:
        np.random.seed(1)
        first = np.random.random()
        np.random.seed(1)
        reseed()
        assert np.random.random() == first
        fresh = np.random.RandomState()._bit_generator
        monkeypatch.setattr(np.random, "get_bit_generator", lambda: fresh)
        np.random.seed(1)
        reseed()
        assert np.random.random() != first
        monkeypatch.delitem(sys.modules, "numpy.random")
        reseed()
    finally:
        np.random.set_state(state)
    assert random.getstate() == of_python
