"""The fork servers of this program: they import the main module once, and each worker is forked from one of them.

There is no server if the system has no handles of processes (pidfd, Linux has them), if the main module starts threads,
or if the program has chosen the start method "spawn". Then each worker process is spawned.

Servers live as long as a worker may start a process. There is nearly always one server. There are more if something
that a new process would inherit has changed, such as an environment variable. An old server forks no more; it
ends when it has no workers and another server starts.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import threading
from contextlib import suppress
from multiprocessing import process as process_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from .fork_server import LONGEST_NAME, serve
from .forked import forkable
from .forked_process import ForkedProcess
from .inherited import inherited
from .starting import interrupts_blocked

GRACE = 2.0
"""Seconds to wait for a server to end by itself."""


class ForkServer:
    """A running server.

    Args:
        state: What the server has inherited from this process.

    Attributes:
        is_ready: Whether it has answered.
        workers: The processes that need the server.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        self.state: dict[str, Any] = state
        self.is_ready: bool = False
        self.workers: set[ForkedProcess] = set()
        self._lock = threading.Lock()  # only one thread can wait for a process
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        context = multiprocessing.get_context("spawn")
        self.process: BaseProcess = context.Process(
            target=serve, args=(theirs,), name="penstock fork server", daemon=True
        )
        try:
            with theirs, interrupts_blocked():
                self.process.start()
            assert self.process.pid is not None
            self._handle: int = os.pidfd_open(self.process.pid)  # its sentinel stays open in the workers
        except BaseException:
            self.control.close()
            raise

    def request(self, name: str, theirs: Connection[Any, Any], answer: socket.socket) -> None:
        """Request a worker; raise an `OSError` if the server has ended."""
        data = (name or "worker").encode()[:LONGEST_NAME]
        socket.send_fds(self.control, [data], [theirs.fileno(), answer.fileno()])

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        with self._lock:
            return self.process.is_alive()

    def exit_code(self) -> int | None:
        """Wait briefly for the end of the server; return its exit code, or None if it has not ended."""
        with self._lock:
            if wait([self._handle], GRACE):
                self.process.join()
            return self.process.exitcode

    def end(self) -> None:
        """Let the server end, and wait for this; if it still imports the main module, end it at once."""
        self.control.close()
        if not self.is_ready or self.exit_code() is None:
            self.process.kill()
            self.exit_code()
        os.close(self._handle)

    def let_go(self) -> None:
        """Release a server that belongs to the parent; called in a forked child."""
        self.control.close()
        os.close(self._handle)
        known: set[BaseProcess] = getattr(process_module, "_children", set())
        known.discard(self.process)


class ForkServers:
    """The servers of this program.

    Attributes:
        is_refused: Whether the servers of this program cannot fork.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._servers: list[ForkServer] = []
        self.is_refused: bool = False
        forkable.add(self)

    def begin_anew(self) -> None:
        """Release everything that belongs to the parent; called in a forked child."""
        self._lock = threading.Lock()
        self._users = 0
        for server in self._servers:
            server.let_go()
        self._servers = []

    def enter(self) -> None:
        """Count one more user: the servers stay until it leaves."""
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        """Count one user less; after the last one, the servers end."""
        with self._lock:
            self._users = max(0, self._users - 1)  # in a forked child, users of the parent may leave
        self.end_unused()

    def end_unused(self) -> None:
        """End the servers if there is no user; a worker that was just starting may have left one behind."""
        with self._lock:
            servers: list[ForkServer] = []
            if not self._users:
                servers, self._servers = self._servers, []
        for server in servers:
            server.end()

    def end(self) -> None:
        """End all servers at the exit of the interpreter."""
        with self._lock:
            servers, self._servers = self._servers, []
        for server in servers:
            server.control.close()
        for server in servers:
            server.end()

    def are_possible(self) -> bool:
        """Whether workers can be forked."""
        return not self.is_refused and has_handles() and multiprocessing.get_start_method(allow_none=True) != "spawn"

    def start(
        self, name: str, ours: Connection[Any, Any], theirs: Connection[Any, Any], arguments: tuple[Any, ...]
    ) -> ForkedProcess:
        """Let a server fork a worker, which may not exist yet on return.

        Args:
            name: The name of the process.
            ours: This end of its pipe.
            theirs: Its end of the pipe.
            arguments: Its first message.
        """
        with self._lock:
            answer, to_answer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                with to_answer:
                    server = self._request(name, theirs, to_answer)
            except BaseException:
                answer.close()
                raise
            return ForkedProcess(server, answer, ours, arguments)

    def _request(self, name: str, theirs: Connection[Any, Any], answer: socket.socket) -> ForkServer:
        state = inherited()
        if self._servers and self._servers[-1].state == state and self._servers[-1].is_alive():
            with suppress(OSError):  # it has just ended
                self._servers[-1].request(name, theirs, answer)
                return self._servers[-1]
        for old in [old for old in self._servers if not old.workers]:
            self._servers.remove(old)
            old.end()
        server = ForkServer(state)
        self._servers.append(server)
        server.request(name, theirs, answer)
        return server


def has_handles() -> bool:
    """Whether the system has handles of processes."""
    if sys.platform != "linux":  # pragma: no cover
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


fork_servers: ForkServers = ForkServers()
