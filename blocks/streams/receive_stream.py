"""A stream of trio that reads from a block."""

from __future__ import annotations

import trio
from trio.abc import ReceiveStream

from ..core.source import Source
from .ends import ReceiveEnd
from .one_at_a_time import OneAtATime


class BlockReceiveStream(ReceiveStream):
    """Reads from a block; see `receive_stream`."""

    def __init__(self, source: Source[bytes], name: str | None) -> None:
        self._end = ReceiveEnd("receive_stream", source, name)
        self._source = source  # the deadlock detection looks for blocks among the attributes of variables
        self._calls = OneAtATime(self._end.name)

    def __repr__(self) -> str:
        state = "closed" if self._calls.is_closed else "at its end" if self._end.is_at_end else "open"
        return f"<{type(self).__name__} {self._end.name} {state}>"

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return some bytes; wait until there are any. At the end, return b"".

        Args:
            max_bytes: Return at most this number, >= 1. Default: None, a chunk as it is.

        Raises:
            trio.BrokenResourceError: The network of the source has stopped; the message names the first fault.
            trio.ClosedResourceError: The stream was closed.
            trio.BusyResourceError: Another task uses the stream.
        """
        if max_bytes is not None:
            if not isinstance(max_bytes, int):
                raise TypeError(f"{self._end.name}: max_bytes must be an int or None, got {max_bytes!r}")
            if max_bytes < 1:
                raise ValueError(f"{self._end.name}: max_bytes must be >= 1, got {max_bytes!r}")
        with self._calls.call("receive_some"):
            await trio.lowlevel.checkpoint()
            return await self._end.read(max_bytes)

    async def aclose(self) -> None:
        """Take no more. If the stream is not at its end, blocks that feed only it end, and discard what they hold."""
        if not self._calls.is_closed:
            self._calls.close()
            self._end.leave()
        await trio.lowlevel.checkpoint()


def receive_stream(source: Source[bytes], *, name: str | None = None) -> ReceiveStream:
    """Make a `trio.abc.ReceiveStream` that reads from a block of bytes.

    Its end is the end of the block. An empty chunk is not the end, and is left out. Chunks that come are handed on as
    they are, unless the reader wants fewer bytes.

    If the stream is closed before the end, the blocks that feed nothing else take no more, and what they hold is
    discarded and counted. A `send_stream` before them raises `trio.BrokenResourceError`.

    Args:
        source: The block.
        name: The name of the reader in reports and errors.

    Raises:
        TypeError: `source` is not a source.
    """
    return BlockReceiveStream(source, name)
