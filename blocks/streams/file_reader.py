"""A file object that reads from a block, for a worker thread."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ..core.source import Source
from .bridge import Bridge
from .chunks import CHUNK
from .ends import ReceiveEnd

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class RawReader(io.RawIOBase):
    """Reads from a block, one chunk at a time."""

    def __init__(self, end: ReceiveEnd) -> None:
        self._source = end.source  # the deadlock detection looks for blocks among the attributes of variables
        self._end = end
        self._bridge = Bridge(end.name, end.outbox.block, reads=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._end.name} {'closed' if self.closed else 'open'}>"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._bridge.call("read", self._end.read, len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._bridge.tell(self._leave)

    def _leave(self) -> None:
        self._bridge.enters_call()
        self._end.leave()


def open_reader(source: Source[bytes], *, name: str | None = None) -> io.BufferedReader:
    """Make a binary file object that reads from a block of bytes, for a library that needs a file.

    Call it in the thread of the loop, and use the file in another thread: one of `trio.to_thread.run_sync`, or any
    other. Its end is the end of the block. It cannot seek.

    If the network of the block stops, a thread that waits in `read` gets a `BrokenPipeError` that names the first
    fault. In a thread of `trio.to_thread.run_sync`, `read` raises `trio.Cancelled` if the task that waits for the
    thread is cancelled. If the file is closed before its end, the blocks that feed nothing else end, as for
    `receive_stream`.

    Args:
        source: The block.
        name: The name of the reader in reports and errors.

    Raises:
        TypeError: `source` is not a source.
    """
    return io.BufferedReader(RawReader(ReceiveEnd("open_reader", source, name)), CHUNK)
