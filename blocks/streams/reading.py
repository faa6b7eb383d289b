"""Reads files and streams of trio in chunks, as generators. What they read is closed on every way out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from trio.abc import ReceiveStream, SendStream

from .files import Claim, Path, ReadableFile, close_file, would_block


def read_path(who: str, path: Path, size: int) -> Generator[bytes]:
    """Open a file, and read it."""
    with open(path, "rb", buffering=0) as file:
        yield from chunks_of(who, file, size)


def read_file(who: str, file: ReadableFile, claim: Claim, size: int) -> Generator[bytes]:
    """Read a file, unless it was closed before."""
    if claim.take():
        try:
            yield from chunks_of(who, file, size)
        finally:
            close_file(file)


def chunks_of(who: str, file: ReadableFile, size: int) -> Generator[bytes]:
    """Read a file; a pipe gives what is there."""
    read = getattr(file, "read1", file.read)
    while True:
        chunk: object = read(size)
        if chunk is None:
            raise would_block(who)
        if not isinstance(chunk, bytes):
            raise TypeError(f"{who}: read() of its file must return bytes, got {type(chunk).__name__}")
        if not chunk:
            return
        yield chunk


async def read_stream(who: str, stream: ReceiveStream, size: int) -> AsyncGenerator[bytes]:
    """Read a stream; close it if it has only this direction."""
    try:
        while True:
            chunk: object = await stream.receive_some(size)
            if not isinstance(chunk, (bytes, bytearray)):
                raise TypeError(f"{who}: receive_some() of its stream must return bytes, got {type(chunk).__name__}")
            if not chunk:
                return
            yield bytes(chunk)
    finally:
        if not isinstance(stream, SendStream):
            await stream.aclose()
