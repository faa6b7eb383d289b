"""Opens files, pipes and standard input, and makes the blocks that read, decompress and cut them into lines."""

from __future__ import annotations

import errno
import os
import stat
import zlib
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from io import FileIO
from pathlib import Path

import attrs
import trio
from trio.abc import ReceiveStream

from penstock.blocks import ByteTransformer, StreamSource, Threads, TransformMany
from penstock.samples.command.show import STANDARD, name_of
from penstock.samples.command.streams import why
from penstock.samples.streams.lines.chunk import Chunk, Cutter, LongLineError

__all__ = ["Inputs", "Lines", "UnreadableFileError", "chunks_of", "open_inputs"]

GZIP = b"\x1f\x8b"
CHUNK = 256 << 10
LEAST = 16 << 10
CAPACITY = 4
"""The number of chunks that wait between two blocks."""


Lines = TransformMany[bytes, Chunk]
"""The last block that reads a file; it gives the lines."""


class UnreadableFileError(Exception):
    """A file cannot be opened or read, or is not what its name says; the message has its name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"cannot read {name}: {reason}")


@attrs.frozen
class Input:
    """One open file.

    Args:
        number: its number, from 0.
        name: its name for messages.
        source: the file or stream.
        is_gzip: whether it is compressed.
    """

    number: int
    name: str
    source: FileIO | ReceiveStream
    is_gzip: bool

    @property
    def blocks(self) -> tuple[str, str, str]:
        """The names of its blocks."""
        return f"read {self.name}", f"unpack {self.name}", f"lines of {self.name}"


class Inputs(tuple[Input, ...]):
    """The open files of a run."""

    __slots__ = ()

    def explained(self, error: BaseException) -> UnreadableFileError | None:
        """Return an error of reading with the name of the file; None for any other error."""
        notes: list[str] = getattr(error, "__notes__", [])
        for each in self:
            read, unpack, cut = each.blocks
            if (isinstance(error, OSError) and _is_of(notes, read)) or (
                isinstance(error, LongLineError) and _is_of(notes, cut)
            ):
                return UnreadableFileError(each.name, why(error) if isinstance(error, OSError) else str(error))
            if isinstance(error, EOFError) and _is_of(notes, unpack):
                return UnreadableFileError(each.name, str(error).removeprefix(f"byte transformer {unpack!r}: "))
            if isinstance(error, zlib.error) and _is_of(notes, unpack):
                return UnreadableFileError(each.name, f"{error}, {notes[0]}")
        return None


def _is_of(notes: Sequence[str], block: str) -> bool:
    return any(note == f"in {block}" or note.startswith(f"in {block}, ") for note in notes)


async def open_inputs(paths: Sequence[Path], stack: AsyncExitStack) -> Inputs:
    """Open all files; they are closed with `stack`.

    Raises:
        UnreadableFileError: one cannot be opened.
    """
    inputs: list[Input] = []
    for number, path in enumerate(paths):
        name = name_of(path, "standard input")
        try:
            source, head = await _open(path, stack)
        except OSError as error:
            raise UnreadableFileError(name, why(error)) from error
        is_gzip = head == GZIP or (len(head) < len(GZIP) and path.suffix == ".gz")
        inputs.append(Input(number, name, source, is_gzip))
    return Inputs(inputs)


async def _open(path: Path, stack: AsyncExitStack) -> tuple[FileIO | ReceiveStream, bytes]:
    """Open a file, and return its first two bytes, too."""
    if path == STANDARD:
        file = FileIO(os.dup(0))
    else:  # in a thread, because the opening of a named pipe waits for its writer
        file = await trio.to_thread.run_sync(FileIO, path, abandon_on_cancel=True)
    stack.callback(file.close)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file, os.pread(file.fileno(), len(GZIP), os.lseek(file.fileno(), 0, os.SEEK_CUR))
    stream = Begun(trio.lowlevel.FdStream(os.dup(file.fileno())))
    stack.push_async_callback(stream.aclose)
    try:
        return stream, await stream.head(len(GZIP))
    except trio.ClosedResourceError:  # what trio makes of it, as for standard input that is closed
        raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None


class Begun(ReceiveStream):
    """A stream of which the first bytes were looked at.

    Args:
        stream: the stream.
    """

    def __init__(self, stream: ReceiveStream) -> None:
        self._stream = stream
        self._begin = b""

    async def head(self, size: int) -> bytes:
        """Return the first bytes, fewer if there are no more; they stay in the stream."""
        while len(self._begin) < size and (more := await self._stream.receive_some()):
            self._begin += more
        return self._begin[:size]

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return some bytes, none at the end."""
        if not self._begin:
            return await self._stream.receive_some(max_bytes)
        await trio.lowlevel.checkpoint()
        size = len(self._begin) if max_bytes is None else max_bytes
        data, self._begin = self._begin[:size], self._begin[size:]
        return data

    async def aclose(self) -> None:
        """Close it."""
        await self._stream.aclose()


def chunks_of(inputs: Inputs, chunk_size: int = CHUNK) -> list[Lines]:
    """Make the blocks that read the files, and return the last one for each file, which gives its lines."""
    size = max(LEAST, chunk_size // max(1, len(inputs) // 4))
    threads = Threads(min(len(inputs), 4), name="unpack")
    return [_chunks_of(each, size, threads) for each in inputs]


def _chunks_of(given: Input, size: int, executor: Executor) -> Lines:
    read, unpack, cut = given.blocks
    source = StreamSource(given.source, chunk_size=size, name=read)
    cutter = Cutter(given.number)
    lines = TransformMany(cutter.add, at_end=cutter.finish, capacity=CAPACITY, name=cut)
    if given.is_gzip:
        unpacker = ByteTransformer(_gunzip, executor=executor, capacity=CAPACITY, name=unpack)
        source.link_target(unpacker)
        unpacker.link_target(lines)
    else:
        source.link_target(lines)
    return lines


def _gunzip() -> object:
    return zlib.decompressobj(wbits=31)
