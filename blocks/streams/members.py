"""Reads members: parts of the input of which each says itself where it ends, as in a file of several gzip members.

States: before the first member → in a member → (its object says `eof`) → between two members → in a member. After a
member, zero bytes are padding, and anything else begins the next member, with a new object. The input must not end in
a member or before the first one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterable
from typing import Any, Final, cast

from ..base.error_info import annotate
from .chunks import CHUNK, Data, pieces

ZLIB: Final = type(zlib.decompressobj())
KINDS: Final = {b"\x1f\x8b": "gzip member", b"BZ": "bzip2 stream", b"\xfd7": "xz stream", b"\x28\xb5": "zstd frame"}
"""What begins with these two bytes."""
LEAST: Final = 1024
"""The least number of bytes that are given to an object at a time, if there are as many."""


class Members:
    """The work of objects that decompress.

    Args:
        who: The block.
        make: Makes the object for each member.
        first: The object for the first member.
    """

    __slots__ = ("_codec", "_count", "_head", "_is_inside", "_make", "_start", "_who", "_window")

    def __init__(self, who: str, make: Callable[[], object], first: object) -> None:
        self._who = who
        self._make = make
        self._codec: Any = first
        self._count = 0  # how many members have begun
        self._is_inside = False
        self._start = 0  # the position at which the present member began
        self._head = b""  # its first two bytes
        self._window = CHUNK  # the largest piece for the object, which copies what is behind the end of its member

    def add(self, chunk: Data, start: int) -> Generator[bytes]:
        """Take in a chunk; give what comes out, read only as far as it is wanted."""
        view = memoryview(chunk)
        place = 0
        while place < len(view):
            is_new = not self._is_inside
            if is_new:
                if self._count:
                    place += zeros_at(view, place)
                    if place == len(view):
                        return
                self._begin(start + place)
            piece = view[place : place + self._window]
            self._head += bytes(piece[: 2 - len(self._head)])
            try:
                yield from outputs(self._codec, piece)
            except Exception as error:
                where = f"{self._kind} {self._count}, which begins at byte {self._start:,} of the input"
                annotate(error, f"in {where}, in the chunk that begins at byte {start:,}")
                raise
            place += self._ended(piece, start + place, is_new)

    def _ended(self, piece: memoryview, start: int, is_new: bool) -> int:
        """Note whether the member has ended in a piece, and return how many bytes of the piece belong to it."""
        self._is_inside = not self._codec.eof
        if self._is_inside:
            self._window *= 4
            return len(piece)
        size = len(piece) - len(self._codec.unused_data)
        if is_new and not size:
            raise ValueError(f"{self._who}: {self._codec!r} says that its data end before they begin")
        self._window = max(LEAST, 2 * (start + size - self._start))
        return size

    def _begin(self, position: int) -> None:
        if self._count:
            before, self._codec = self._codec, self._make()
            if self._codec is before:
                raise TypeError(
                    f"{self._who}: make() must return a new object at each call, got {before!r} again; make it in the "
                    "function: lambda: zlib.decompressobj(31)"
                )
        self._count += 1
        self._start, self._head, self._is_inside = position, b"", True

    @property
    def _kind(self) -> str:
        return KINDS.get(self._head, "compressed member")

    def finish(self, end: int) -> Iterable[bytes]:
        """Give what is left, and check that the last member is whole.

        Raises:
            EOFError: The input was cut off.
        """
        if not self._count:
            raise EOFError(f"{self._who}: the input is empty, and has no compressed data; was its file written?")
        rest = self._codec.flush() if self._is_inside and hasattr(self._codec, "flush") else b""
        if not self._codec.eof:
            which = f"{self._kind} (number {self._count}, from byte {self._start:,} on)"
            raise EOFError(
                f"{self._who}: the input ended in the middle of a {which}, after {end:,} bytes; it was cut off"
            )
        return pieces(rest)


def outputs(codec: Any, data: Data) -> Generator[bytes]:
    """Decompress data into chunks; a small input may give any number of them."""
    if type(codec) is ZLIB:
        while True:
            output = codec.decompress(data, CHUNK)
            if output:
                yield output
            data = codec.unconsumed_tail
            if not data and len(output) < CHUNK:
                return
    elif hasattr(codec, "needs_input"):
        output = codec.decompress(data, CHUNK)
        while True:
            if output:
                yield output
            if codec.eof or codec.needs_input:
                return
            output = codec.decompress(b"", CHUNK)
    else:
        yield from pieces(cast("bytes", codec.decompress(bytes(data))))


def zeros_at(view: memoryview, place: int) -> int:
    """Return how many zero bytes there are at a place."""
    if view[place]:
        return 0
    rest = bytes(view[place:])
    return len(rest) - len(rest.lstrip(b"\0"))
