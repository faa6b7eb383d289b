"""The pipe between a worker process and its thread in the parent; carries messages and handles of shared memory."""

from __future__ import annotations

import pickle
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

from .slots import Handle, Shared

# To the worker
START = "start"
"""Get ready. The worker sends nothing before this: macOS, and Python from 3.15 on, reply to a handle, and this reply
must not get mixed with a message."""
ARENA = "arena"
"""Size, name: map this arena too; the handle follows if there is no name."""
FUNCTION = "function"
"""Number, pickle: the function for work with this number."""
WORK = "work"
"""Number of the function, whether it expands, whether strict, time limit, name of the block, items, slots for results,
room for the first part of the outputs of an item; room is 0 if the outputs have to come together."""
GO = "go"
"""Room: the part was taken, and the next one may have up to this number of outputs; 0 if no more are needed."""
SLOT = "slot"
"""Slot: the slot that the worker has requested; None if there is no memory."""

# From the worker
READY = "ready"
REFUSED = "refused"
"""Record of an exception: the worker cannot work at all, or not with this function."""
NEED = "need"
"""Count: the worker needs a slot for `count` bytes."""
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


class Lost(Exception):
    """Raised when the other side has ended."""


class Wire:
    """One end of the pipe.

    Args:
        connection: One end of a duplex pipe.
        shared: The arenas on this side; announced arenas are added.
    """

    __slots__ = ("_connection", "shared")

    def __init__(self, connection: Connection[Any, Any], shared: Shared) -> None:
        self._connection = connection
        self.shared: Shared = shared

    def send(self, *message: Any) -> None:
        """Send a message; raises `Lost`."""
        try:
            self._connection.send_bytes(pickle.dumps(message, 5))
        except OSError:
            raise Lost from None

    def receive(self) -> tuple[Any, ...]:
        """Wait for the next message, and map the arenas that are announced before it; raises `Lost`."""
        while True:
            try:
                message: tuple[Any, ...] = pickle.loads(self._connection.recv_bytes())
                if message[0] != ARENA:
                    return message
                _, size, handle = message
                if handle is None:  # pragma: no branch  # Windows
                    handle = recv_handle(self._connection)
            except (OSError, EOFError, MemoryError):  # without memory in mid-message, it is useless
                raise Lost from None
            self.shared.expect(handle, size)

    def announce(self, handle: Handle, size: int) -> None:
        """Let the other side map an arena; raises `Lost`."""
        if isinstance(handle, str):  # pragma: no cover  # Windows
            self.send(ARENA, size, handle)
            return
        self.send(ARENA, size, None)
        try:
            send_handle(self._connection, handle, 0)
        except (OSError, RuntimeError):  # RuntimeError: where handles get a reply
            raise Lost from None

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
