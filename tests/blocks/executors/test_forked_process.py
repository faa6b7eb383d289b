"""The parent's side of a worker that a fork server forks; the server is the test."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Any

import pytest

from penstock.blocks.executors import forked_process
from penstock.blocks.executors.fork_server import ANSWER, CODE, FORKED, HAS_THREADS
from penstock.blocks.executors.forked_process import CannotFork, ForkedProcess
from penstock.blocks.executors.wire import Lost
from tests.blocks.executors.process_functions import SECONDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the system has no handles of processes")


class Server:
    """A server that is none, and the process that it says it has forked."""

    def __init__(self) -> None:
        self.is_ready = False
        self.workers: set[ForkedProcess] = set()
        self.code: int | None = None
        answer, self.answer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours, self.pipe = Pipe()
        self.ours = ours
        self.process = ForkedProcess(self, answer, ours, (b"init", (), 1))

    def exit_code(self) -> int | None:
        """How the server has ended."""
        return self.code

    def fork(self) -> int:
        """Answer with a process; gives its id."""
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exec sleep 100"], os.environ)
        handle = os.pidfd_open(pid)
        socket.send_fds(self.answer, [ANSWER.pack(FORKED, pid)], [handle])
        os.close(handle)
        return pid

    def reap(self, pid: int) -> None:
        """Tell how a process has ended."""
        self.answer.send(CODE.pack(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    for each in (server.process, server.answer, server.ours, server.pipe):
        each.close()


def test_it_begins_when_the_server_has_forked_it(server: Server) -> None:
    process = server.process
    assert (process.pid, process.exitcode, process.sentinel) == (None, None, process._answer.fileno())
    pid = server.fork()
    process.begin()
    assert (process.pid, process.exitcode) == (pid, None)
    assert not os.get_inheritable(process.sentinel)
    assert server.is_ready
    assert server.pipe.recv() == (b"init", (), 1)
    process.kill()
    server.reap(pid)
    process.join()
    assert wait([process.sentinel], 0)
    for _ in range(2):
        assert process.exitcode == -signal.SIGKILL
        process.close()
        process.terminate()
    assert not server.workers


def test_it_can_be_asked_to_end(server: Server) -> None:
    pid = server.fork()
    server.process.begin()
    server.process.terminate()
    server.reap(pid)
    server.process.join()
    assert server.process.exitcode == -signal.SIGTERM


@pytest.mark.parametrize(("is_killed", "code"), [(False, None), (True, -signal.SIGKILL)])
def test_if_the_server_has_ended_nobody_knows_how_it_ended_unless_it_was_killed(
    server: Server, is_killed: bool, code: int | None
) -> None:
    pid = server.fork()
    server.process.begin()
    server.answer.close()
    if is_killed:
        server.process.kill()
    else:
        os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    server.process.join(SECONDS)
    assert server.process.exitcode == code


def test_a_server_that_is_stuck_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked_process, "GRACE", 0.0)
    pid = server.fork()
    server.process.begin()
    server.process.kill()
    os.waitpid(pid, 0)
    server.process.join(SECONDS)
    assert server.process.exitcode is None
    server.process.join(0)


@pytest.mark.parametrize(
    ("number", "error"), [(HAS_THREADS, CannotFork), (errno.EAGAIN, BlockingIOError), (FORKED, OSError)]
)
def test_without_a_process_it_says_why(server: Server, number: int, error: type[Exception]) -> None:
    server.answer.send(ANSWER.pack(number, 7))  # without a handle
    with pytest.raises(error):
        server.process.begin()


def test_if_the_server_ends_before_its_exit_code_counts(server: Server) -> None:
    server.code = 1
    server.answer.close()
    with pytest.raises(Lost):
        server.process.begin()
    assert server.process.exitcode == 1


def test_an_answer_that_never_comes_from_a_server_that_lives_is_a_lack_of_handles(server: Server) -> None:
    server.answer.close()
    with pytest.raises(OSError, match="too few handles"):
        server.process.begin()
    assert server.process.exitcode is None


def test_killed_before_it_is_forked_it_does_not_begin(server: Server) -> None:
    lost = threading.Event()

    def begin() -> None:
        with pytest.raises(Lost):
            server.process.begin()
        lost.set()

    beginning = threading.Thread(target=begin)
    beginning.start()
    server.process.kill()
    beginning.join(SECONDS)
    assert lost.is_set()
    assert server.process.exitcode == -signal.SIGKILL
    assert wait([server.process.sentinel], 0)


def test_killed_while_the_answer_is_on_its_way_it_is_killed_then(server: Server) -> None:
    pid = server.fork()
    server.process.kill()
    server.process.begin()
    os.waitpid(pid, 0)
    assert server.process.exitcode == -signal.SIGKILL


def test_a_worker_that_has_ended_before_it_was_told_what_to_do_is_lost(server: Server) -> None:
    server.pipe.close()
    pid = server.fork()
    with pytest.raises(Lost):
        server.process.begin()
    server.process.kill()
    os.waitpid(pid, 0)


def test_in_a_forked_child_it_belongs_to_the_parent(server: Server) -> None:
    pid = server.fork()
    server.process.begin()
    server.process._lock.acquire()  # by a thread that the child does not have
    handle: Any = server.process._handle
    server.process.begin_anew()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
