"""The worker's end of the pipe, on which any thread may also post log records.

While the parent waits for the reply to a handle (macOS, and Python from 3.15 on), it must get nothing else. So records
leave only while the parent waits for a message: from a message of the parent that asks for something until the answer.
In this time they leave at once, so a worker that is killed loses none. Others wait in the worker until then: these are
records of threads that a function has left behind.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from .forked import forkable
from .log_records import Fields, Levels, loggers, pack
from .slots import Shared
from .wire import DONE, END, LOG, NEED, READY, REFUSED, SLOT, START, WORK, Lost, Wire

QUESTIONS = frozenset({START, WORK, SLOT, END})
ANSWERS = frozenset({READY, REFUSED, DONE, NEED})
MOST_WAITING = 10_000
"""The number of records that wait in the worker; further ones are counted."""


class WorkerWire(Wire):
    """The worker's end of the pipe.

    Args:
        connection: One end of a duplex pipe.
        shared: The arenas on this side.
    """

    __slots__ = ("__weakref__", "_is_heard", "_is_sending", "_lock", "_lost", "_waiting")

    def __init__(self, connection: Connection[Any, Any], shared: Shared) -> None:
        super().__init__(connection, shared)
        self._lock = threading.RLock()
        self._is_heard = False
        self._is_sending = False
        self._waiting: deque[Fields] = deque()
        self._lost = 0
        forkable.add(self)

    def begin_anew(self) -> None:
        """Close the pipe in a process that the worker has forked: it would stay open after the worker's end."""
        self._lock = threading.RLock()
        self._is_heard = False
        self.close()

    def send(self, *message: Any) -> None:
        """Send a message; raises `Lost`."""
        with self._lock:
            self._is_sending = True  # a finalizer may post a record now, in this thread
            try:
                super().send(*message)
            finally:
                self._is_sending = False
            if message[0] in ANSWERS:
                self._is_heard = False

    def receive(self) -> tuple[Any, ...]:
        """Wait for the next message; raises `Lost`."""
        message = super().receive()
        if message[0] in QUESTIONS:
            with self._lock:
                self._is_heard = True
                self._send_waiting()
        return message

    def post(self, fields: Fields) -> None:
        """Send a log record, at once or when the parent listens again; from any thread."""
        with self._lock:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append(fields)
            else:
                self._lost += 1
            if self._is_heard and not self._is_sending:
                self._send_waiting()

    def _send_waiting(self) -> None:
        with suppress(Lost):  # the parent has ended
            while self._waiting:
                self.send(LOG, self._waiting.popleft())
            if self._lost:
                lost, self._lost = self._lost, 0
                text = "%d log records of a worker process were lost: its threads logged too much between two jobs"
                self.send(LOG, pack(logging.LogRecord("penstock", logging.WARNING, __file__, 0, text, (lost,), None)))


class LogSender(logging.Handler):
    """Sends the records of a worker process to the parent.

    Args:
        wire: The worker's end of the pipe.
    """

    def __init__(self, wire: WorkerWire) -> None:
        super().__init__()
        self._wire = wire
        forkable.add(self)

    def begin_anew(self) -> None:
        """Leave a process that the worker has forked: it is not the worker."""
        logging.root.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record."""
        try:
            self._wire.post(pack(record))
        except Exception:
            self.handleError(record)


def send_logs_home(wire: WorkerWire, levels: Levels) -> None:
    """Let the parent handle all records of this process, in place of handlers that the program made at its import."""
    for logger in loggers():
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        logger.propagate = True
    levels.set()
    logging.root.addHandler(LogSender(wire))
