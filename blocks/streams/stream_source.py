"""A block that reads a file or a stream of trio."""

from __future__ import annotations

import os
from typing import ClassVar

from trio.abc import ReceiveStream

from ..base.checks import check_count
from ..base.names import given_name
from ..functions.own_thread import own_thread
from ..iterable_source import IterableSource, SourceCore
from .chunks import CHUNK
from .files import Claim, Path, ReadableFile, check_file, close_file
from .reading import read_file, read_path, read_stream


class StreamSourceCore(SourceCore[bytes]):
    """The core of a stream source.

    Attributes:
        given: The file that was given, with the claim to close it; None for a path or a stream.
    """

    __slots__ = ("given",)
    given: tuple[ReadableFile, Claim] | None

    def stop_reading(self) -> None:
        """Read no further; close a file that was given, unless a worker reads it and closes it."""
        super().stop_reading()
        if self.given is not None and self.given[1].take():
            close_file(self.given[0])


class StreamSource(IterableSource[bytes]):
    """Hands on the bytes of a file or of a stream of trio, in chunks. Works in a network only.

    A file is read in a thread of its own, and is closed at the end, also after a fault, a cancellation or `aclose()`,
    whether the block has opened it or it was given. Only the standard input of the process stays open. A stream in one
    direction is closed in the same way. A stream in both directions stays open, because the other direction may still
    be in use.

    A network that is stopped waits for a thread that reads. What a pipe, a terminal or a socket gives next may never
    come: give the block a stream of trio for these, for example `trio.lowlevel.FdStream(os.dup(0))` for the standard
    input.

    - Inputs and outputs: has no input; each chunk goes to the first linked target that accepts it, or to a receiver.
    - Order: that of the file or stream.
    - Holds: the chunks that it has read and that are not taken yet: one of a stream, or what is read of a file in a
      millisecond.
    - Back-pressure: reads on only when all earlier chunks were taken.
    - Ends: at the end of the file or stream, when every chunk was taken.
    - Fails: every error is a fault, for example that there is no such file.

    Args:
        where: The path of a file, which is opened when the block begins to read; or a binary file; or a
            `trio.abc.ReceiveStream`.
        chunk_size: The largest number of bytes in a chunk, >= 1. A pipe or a stream gives what is there. Default: 256
            KiB.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `chunk_size` is less than 1.
        TypeError: `where` is none of these, or a file for text.
    """

    __slots__ = ()
    kind: ClassVar[str] = "stream source"

    def __init__(
        self, where: Path | ReadableFile | ReceiveStream, *, chunk_size: int = CHUNK, name: str | None = None
    ) -> None:
        name = given_name(type(self).__name__, name)
        who = f"{self.kind} {name!r}"
        check_count(who, "chunk_size", chunk_size)
        given: tuple[ReadableFile, Claim] | None = None
        if isinstance(where, ReceiveStream):
            core = StreamSourceCore(self, read_stream(who, where, chunk_size), None, name)
        elif isinstance(where, (str, os.PathLike)):
            core = StreamSourceCore(self, read_path(who, where, chunk_size), own_thread(), name)
        else:
            check_file(who, where, "read")
            given = where, Claim()
            core = StreamSourceCore(self, read_file(who, *given, chunk_size), own_thread(), name)
        core.given = given
        self._core = core
