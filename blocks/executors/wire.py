"""The pipe between a worker process and the thread that it works for: messages, and handles of shared memory."""

from __future__ import annotations

import pickle
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

from .slots import Handle, Shared

# To the worker
START = "start"
"""Get ready. Until then the worker says nothing: macOS and Python from 3.15 on answer to a handle, and that answer must
not get into a message."""
ARENA = "arena"
"""Size, name: map this, too; the handle follows if there is no name."""
FUNCTION = "function"
"""Number, pickle: what work with that number is about."""
WORK = "work"
"""Number of the function, whether it expands, whether strict, for how long, name of the block, items, slots for
results, room for the first part of the outputs of an item; 0 if they have to come together."""
GO = "go"
"""Room: the chunk was taken, and the next one may have so many outputs; 0 if no more is wanted."""
SLOT = "slot"
"""Slot: the one it has asked for; None if there is no memory."""

# From the worker
READY = "ready"
REFUSED = "refused"
"""Record of an exception: it cannot begin to work, or not with that function."""
NEED = "need"
"""Count: it needs a slot for that many bytes."""
PART = "part"
"""How many items have ended before, some outputs of the item that it works on, which has more.

It goes on meanwhile, so the journal may be ahead of this. Before it sends the next part it waits for `GO`.
"""
RECORD = "record"
"""Kind, data: what does not fit into the journal."""
DONE = "done"
"""Seconds, processor seconds, slots that it has no more use for, results: the hand-over is done.

The results are there if all are plain; they are the same as in the journal, but quicker to read.
"""


class Lost(Exception):
    """The other side is gone."""


class Wire:
    """One end of the pipe.

    Args:
        connection: One end of a duplex pipe.
        shared: The arenas on this side; one that is announced is added.
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
        """Wait for the next message that is not about an arena; raises `Lost`."""
        while True:
            try:
                message: tuple[Any, ...] = pickle.loads(self._connection.recv_bytes())
                if message[0] != ARENA:
                    return message
                _, size, handle = message
                if handle is None:  # pragma: no branch  # Windows
                    handle = recv_handle(self._connection)
            except (OSError, EOFError, MemoryError):  # out of memory in the middle of a message, it is of no use
                raise Lost from None
            self.shared.expect(handle, size)

    def announce(self, handle: Handle, size: int) -> None:
        """Have the other side map an arena; raises `Lost`."""
        if isinstance(handle, str):  # pragma: no cover  # Windows
            self.send(ARENA, size, handle)
            return
        self.send(ARENA, size, None)
        try:
            send_handle(self._connection, handle, 0)
        except (OSError, RuntimeError):  # RuntimeError: where handles are answered to
            raise Lost from None

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
