"""The parent's side of a worker that a fork server has forked, or is about to fork."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from .fork_server import ANSWER, CODE, FORKED, HAS_THREADS
from .wire import Lost

GRACE = 2.0
"""Seconds to wait for the server to report an exit code."""


class CannotFork(Exception):
    """Raised when the server cannot fork, because the main module has started threads."""


class Server(Protocol):
    """The part of a fork server that is needed here.

    Attributes:
        is_ready: Whether it has answered.
        workers: The processes that need the server.
    """

    is_ready: bool
    workers: set[ForkedProcess]

    def exit_code(self) -> int | None:
        """Wait briefly for the end of the server; return its exit code, or None if it has not ended."""
        ...


class ForkedProcess:
    """A worker process; like a process of `multiprocessing`, but it is a child of the server.

    Args:
        server: The server.
        answer: The socket on which the server answers.
        pipe: The parent's end of the worker's pipe.
        arguments: The worker's first message.
    """

    def __init__(
        self, server: Server, answer: socket.socket, pipe: Connection[Any, Any], arguments: tuple[Any, ...]
    ) -> None:
        self._server = server
        self._answer = answer
        self._pipe = pipe
        self._arguments = arguments
        self._lock = threading.Lock()  # a handle may be closed while another thread uses it
        self._handle: int | None = None
        self._is_killed = False
        self._is_given_up = False
        self._code: int | None = None
        self.pid: int | None = None
        server.workers.add(self)

    def begin(self) -> None:
        """Wait until the process is forked, and send it its first message.

        Raises:
            CannotFork: The server cannot fork.
            OSError: The system has no process or handle for it.
            Lost: The process was killed or has ended, or the server has ended.
        """
        data, handles, *_ = socket.recv_fds(self._answer, ANSWER.size, 1)
        if not data:
            self._lose()
        self._server.is_ready = True
        number, pid = ANSWER.unpack(data)
        if number == HAS_THREADS:
            raise CannotFork
        if number != FORKED:
            raise OSError(number, os.strerror(number))
        if not handles:
            raise OSError("there is no handle for another process")
        with self._lock:
            self.pid, (self._handle,) = pid, handles
            os.set_inheritable(self._handle, False)
        if self._is_given_up:
            self.kill()
        try:
            self._pipe.send(self._arguments)
        except OSError:
            raise Lost from None

    def _lose(self) -> None:
        """Raise the suitable error if there is no answer."""
        if self._is_given_up:
            self._code = -signal.SIGKILL
            raise Lost
        self._code = self._server.exit_code()
        if self._code is None:
            raise OSError("the fork server has too few handles")
        raise Lost

    @property
    def sentinel(self) -> int:
        """A handle that is ready to be read when the process has ended."""
        return self._answer.fileno() if self._handle is None else self._handle

    @property
    def exitcode(self) -> int | None:
        """The exit code; None if the process has not ended, or if the code is not known."""
        if self._handle is None or self._code is not None or not wait([self._handle], 0):
            return self._code
        if wait([self._answer], GRACE):
            data = self._answer.recv(CODE.size)
            if data:
                (self._code,) = CODE.unpack(data)
            elif self._is_killed:  # the server has ended, so nothing else is known
                self._code = -signal.SIGKILL
        return self._code

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the process, and for its exit code."""
        wait([self.sentinel], timeout)
        _ = self.exitcode

    def kill(self) -> None:
        """End the process at once."""
        self._is_killed = True
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock, suppress(OSError):  # it may have ended
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, number)
            else:
                self._is_given_up = True
                self._answer.shutdown(socket.SHUT_RDWR)  # this wakes a thread that waits for the answer

    def begin_anew(self) -> None:
        """Release a process of the parent; called in a forked child."""
        self._lock = threading.Lock()
        self.close()

    def close(self) -> None:
        """Release its handles, and the server."""
        self._server.workers.discard(self)
        with self._lock:
            self._answer.close()
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
