"""Where a stream of bytes is written to: a path, a file, a stream of trio.

States of a sink: new → open → finished or discarded. It is discarded if the input was not whole, in any state but
finished; then a path is as it was before.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import FileIO
from typing import Any, Protocol, TypeVar

import trio
from trio.abc import HalfCloseableStream, ReceiveStream, SendStream

from ..base.error_info import annotate
from .chunks import Data, as_view
from .files import Path, WritableFile, close_file, would_block

T = TypeVar("T")
RESET = struct.pack("ii", 1, 0)
"""The option of a socket by which closing it tells the peer that the data are not complete."""


class Sink(Protocol):
    """Where a stream is written to."""

    async def open(self) -> None:
        """Make it ready."""
        ...

    async def write(self, chunks: Sequence[Data]) -> None:
        """Write chunks."""
        ...

    async def finish(self) -> None:
        """Say that everything was written."""
        ...

    async def discard(self) -> None:
        """Say that not everything was written; callable in every state."""
        ...


class Threaded:
    """Calls functions in a thread, one after the other; none is abandoned."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(1)  # of its own: a clean-up must not wait for other threads

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in a thread."""
        return await trio.to_thread.run_sync(function, *args, limiter=self._limiter)


def write_all(who: str, file: WritableFile, chunks: Sequence[Data]) -> None:
    """Write chunks; a file without a buffer may take only a part at a time."""
    for chunk in chunks:
        rest = as_view(who, chunk)
        while rest:
            count = file.write(rest)  # type: ignore[arg-type]  # files take views
            if count is None:
                raise would_block(who)
            rest = rest[count:]


class FileSink:
    """A binary file that was given; it is closed at the end.

    Args:
        who: The block.
        file: The file.
    """

    def __init__(self, who: str, file: WritableFile) -> None:
        self._who = who
        self._file = file
        self._thread = Threaded()

    async def open(self) -> None:
        """Do nothing: it is open."""

    async def write(self, chunks: Sequence[Data]) -> None:
        await self._thread.run(write_all, self._who, self._file, chunks)

    async def finish(self) -> None:
        await self._thread.run(self._finish)

    def _finish(self) -> None:
        self._file.flush()
        close_file(self._file)

    async def discard(self) -> None:
        await self._thread.run(close_file, self._file)


class PathSink:
    """A path: a file beside it is written, which takes the name at the end.

    Args:
        who: The block.
        path: The path.
    """

    def __init__(self, who: str, path: Path) -> None:
        self._who = who
        self._path = path
        self._target = ""  # the file that the path leads to
        self._beside: str | None = None  # the file that is written; None if that is the target: a device, or a pipe
        self._mode: int | None = None
        self._file: FileIO | None = None
        self._thread = Threaded()

    async def open(self) -> None:
        await self._thread.run(self._open)

    def _open(self) -> None:
        self._target = target = os.path.realpath(self._path)
        with suppress(FileNotFoundError):
            mode = os.stat(target).st_mode
            self._mode = stat.S_IMODE(mode)
            if not stat.S_ISREG(mode):
                self._file = FileIO(target, "w")
                return
        folder, name = os.path.split(target)
        beside = os.path.join(folder, f".{name[:200]}.{secrets.token_hex(4)}.part")
        try:
            self._file = FileIO(beside, "x")
        except OSError as error:
            annotate(error, f"{self._who} writes to {os.fspath(self._path)!r}, at first under this name")
            raise
        self._beside = beside

    async def write(self, chunks: Sequence[Data]) -> None:
        assert self._file is not None
        await self._thread.run(write_all, self._who, self._file, chunks)

    async def finish(self) -> None:
        await self._thread.run(self._finish)

    def _finish(self) -> None:
        assert self._file is not None
        with self._file as file:
            if self._beside is not None:
                os.fsync(file.fileno())  # otherwise the name may be there before the data, after a power failure
        if self._beside is not None:
            if self._mode is not None:
                os.chmod(self._beside, self._mode)
            os.replace(self._beside, self._target)

    async def discard(self) -> None:
        await self._thread.run(self._discard)

    def _discard(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._beside is not None:
            with suppress(FileNotFoundError):
                os.unlink(self._beside)


class StreamSink:
    """A stream of trio.

    Args:
        who: The block.
        stream: The stream.
    """

    def __init__(self, who: str, stream: SendStream) -> None:
        self._who = who
        self._stream = stream

    async def open(self) -> None:
        """Do nothing: it is open."""

    async def write(self, chunks: Sequence[Data]) -> None:
        for chunk in chunks:
            await self._stream.send_all(chunk if isinstance(chunk, bytes) else as_view(self._who, chunk))

    async def finish(self) -> None:
        if isinstance(self._stream, HalfCloseableStream):
            await self._stream.send_eof()
        elif not isinstance(self._stream, ReceiveStream):
            await self._stream.aclose()

    async def discard(self) -> None:
        if isinstance(self._stream, trio.SocketStream):
            with suppress(OSError, trio.ClosedResourceError):  # the peer may have gone, or it is no TCP
                self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        await trio.aclose_forcefully(self._stream)
