"""A file object that writes to a block, for a worker thread."""

from __future__ import annotations

import io
import warnings
from types import TracebackType
from typing import TYPE_CHECKING

from ..core.target import Target
from .bridge import Bridge
from .chunks import CHUNK
from .ends import SendEnd

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class RawWriter(io.RawIOBase):
    """Writes to a block, up to one chunk at a time. If a write fails, the stream is broken from then on."""

    def __init__(self, end: SendEnd) -> None:
        self._target = end.target  # the deadlock detection looks for blocks among the attributes of variables
        self._end = end
        self._bridge = Bridge(end.name, end.inbox.block, reads=False)
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._end.name} {'closed' if self.closed else 'open'}>"

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        chunk = bytes(memoryview(data).cast("B")[:CHUNK])
        if self._failure is not None:
            raise BrokenPipeError(f"{self._end.name}: an earlier write has failed") from self._failure
        if chunk:
            try:
                self._bridge.call("write", self._end.send, chunk)
            except BaseException as error:
                self._failure = error
                raise
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._failure is None:
                self._bridge.tell(self._end.complete)
            else:
                self._bridge.tell(self._end.break_off, self._failure)

    def abandon(self, error: BaseException | None) -> None:
        """Close it, and say that the stream is not complete."""
        if not self.closed:
            super().close()
            self._bridge.tell(self._end.break_off, error)


class BlockWriter(io.BufferedWriter):
    """Collects what is written into chunks; see `open_writer`."""

    def __init__(self, raw: RawWriter) -> None:
        super().__init__(raw, CHUNK)
        self._file = raw

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if value is None:
            self.close()
        else:
            self._file.abandon(value)

    def __del__(self) -> None:
        if not self.closed:
            warnings.warn(f"{self._file!r} was never closed; use it in a with block", ResourceWarning, stacklevel=1)
            self._file.abandon(None)


def open_writer(target: Target[bytes], *, name: str | None = None) -> io.BufferedWriter:
    """Make a binary file object that writes to a block of bytes, for a library that needs a file.

    Call it in the thread of the loop, and use the file in another thread: one of `trio.to_thread.run_sync`, or any
    other. What is written is collected into chunks of 256 KiB, unless it is flushed before. The file cannot seek.

    The file is a producer of the target: the target completes after the file was closed. Use it in a `with` block of
    its own, in the thread that writes. If an exception leaves this block, the stream is not complete: as for
    `send_stream`, the exception is a fault of the target's network. The same holds after a write that has failed, and
    for a file that is never closed.

    If the network stops, or the reader stops before the end, a thread that waits in `write` gets a `BrokenPipeError`.
    In a thread of `trio.to_thread.run_sync`, `write` raises `trio.Cancelled` if the task that waits for the thread is
    cancelled.

    Args:
        target: The block. It must keep all chunks, in their order.
        name: The name of the writer in reports and errors.

    Raises:
        TypeError: `target` is not a target.
    """
    return BlockWriter(RawWriter(SendEnd("open_writer", target, name)))
