"""The pipe between a worker process and its thread in the parent: messages, handles of shared memory, log records."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from time import monotonic
from typing import Any

from ..base.shared_memory import Handle
from .log_records import Fields, handle
from .slots import Shared

# To the worker
START = "start"
"""Get ready. The worker sends nothing before this: macOS, and Python from 3.15 on, reply to a handle, and this reply
must not get mixed with a message."""
ARENA = "arena"
"""Size, name, number: map this arena, or memory with this number, too; the handle follows if there is no name."""
FORGET = "forget"
"""Number: this memory is not used any more."""
FUNCTION = "function"
"""Number, pickle: the function for work with this number."""
WORK = "work"
"""Number of the function, whether it expands, whether strict, time limit, name of the block, items, slots for results,
room for the first part of the outputs of an item; room is 0 if the outputs have to come together."""
END = "end"
"""No more work: the worker sends the log records that it still has, calls `worker_exit`, and ends."""
GO = "go"
"""Room: the part was taken, and the next one may have up to this number of outputs; 0 if no more are needed."""
SLOT = "slot"
"""Slot: the slot that the worker has requested; None if there is no memory."""

# From the worker
EXITED = "exited"
"""Record of an exception, or None: `worker_exit` was called; nothing follows."""
READY = "ready"
REFUSED = "refused"
"""Record of an exception: the worker cannot work at all, or not with this function."""
NEED = "need"
"""Count: the worker needs a slot for `count` bytes."""
LOG = "log"
"""Fields: a log record of the worker, at any time while the parent waits for a message."""
PART = "part"
"""How many items have ended before, some outputs of the current item, which may have more.

The worker goes on, so the journal may be ahead of this message. Before it sends the next part, it waits for `GO`.
"""
RECORD = "record"
"""Kind, data: a record that does not fit into the journal."""
DONE = "done"
"""Seconds, processor seconds, slots that the worker no longer uses, results: the request is done.

The results are there if all are plain; they are the same as in the journal, but quicker to read. Otherwise None.
"""


ASIDE = frozenset({ARENA, FORGET, LOG})
"""Messages between the others, for which no call waits."""


class Lost(Exception):
    """Raised when the other side has ended."""


class Wire:
    """One end of the pipe.

    Args:
        connection: One end of a duplex pipe.
        shared: The arenas on this side; announced arenas are added.

    Attributes:
        on_record: Called with each log record that comes, in the thread that receives.
    """

    __slots__ = ("_connection", "on_record", "shared")

    def __init__(self, connection: Connection[Any, Any], shared: Shared) -> None:
        self._connection = connection
        self.shared: Shared = shared
        self.on_record: Callable[[Fields], None] = handle

    def send(self, *message: Any) -> None:
        """Send a message; raises `Lost`."""
        try:
            self._connection.send_bytes(pickle.dumps(message, 5))
        except OSError:
            raise Lost from None

    def receive(self) -> tuple[Any, ...]:
        """Wait for the next message; map the arenas, and handle the records, that come before it; raises `Lost`."""
        while True:
            try:
                message: tuple[Any, ...] = pickle.loads(self._connection.recv_bytes())
                if message[0] not in ASIDE:
                    return message
                if message[0] == ARENA:
                    _, size, place, number = message
                    if place is None:  # pragma: no branch  # Windows
                        place = recv_handle(self._connection)
                    self.shared.expect(place, size, number)
                elif message[0] == FORGET:
                    self.shared.forget(message[1])
            except (OSError, EOFError, MemoryError):  # without memory in mid-message, it is useless
                raise Lost from None
            if message[0] == LOG:
                self.on_record(message[1])

    def drain(self, seconds: float) -> tuple[Any, ...] | None:
        """Handle the log records that come until the other side closes its end, for up to this time.

        Return the last message of the other side, if that is how it has ended.
        """
        deadline = monotonic() + seconds
        with suppress(OSError, EOFError):
            while self._connection.poll(max(0.0, deadline - monotonic())):
                message: tuple[Any, ...] = pickle.loads(self._connection.recv_bytes())
                if message[0] == EXITED:
                    return message
                if message[0] == LOG:
                    self.on_record(message[1])
        return None

    def announce(self, handle: Handle, size: int, number: int | None = None) -> None:
        """Let the other side map the next arena, or memory with a number of its own; raises `Lost`."""
        if isinstance(handle, str):  # pragma: no cover  # Windows
            self.send(ARENA, size, handle, number)
            return
        self.send(ARENA, size, None, number)
        try:
            send_handle(self._connection, handle, 0)
        except (OSError, RuntimeError):  # RuntimeError: where handles get a reply
            raise Lost from None

    def forget(self, number: int) -> None:
        """Let the other side forget memory; raises `Lost`."""
        self.send(FORGET, number)

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
