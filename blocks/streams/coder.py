"""Calls the methods of codec objects: one for each chunk of the input, and one at the end.

A codec object is what the modules for compression, encryption and encoding give. Its method for data has one of five
names; its method for the end has one of two, or is the first one with `final=True`. An object with an `eof` reads
members, see `members.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, cast

from ..base.error_info import annotate, shorten
from .chunks import Data, as_view, pieces
from .members import Members

METHODS: Final = ("compress", "decompress", "update", "encode", "decode")
"""The names of a method that takes data; the first one that an object has is called."""
INCREMENTAL: Final = ("encode", "decode")
"""Those that take `final=True` at the end."""
ENDINGS: Final = ("flush", "finalize")
"""The names of a method that gives what is left at the end."""


class Coding(Protocol):
    """The work of a codec object."""

    def add(self, chunk: Data, start: int) -> Iterable[bytes]:
        """Take in a chunk that begins at this position of the input; give what comes out."""
        ...

    def finish(self, end: int) -> Iterable[bytes]:
        """Give what is left, because the input ends at this position."""
        ...


class Coder:
    """Turns chunks into chunks with a codec object, which it makes where it works, when it is first needed.

    Args:
        who: The block.
        make: Makes a codec object.
    """

    __slots__ = ("_coding", "_make", "_position", "_who")

    def __init__(self, who: str, make: Callable[[], object]) -> None:
        self._who = who
        self._make = make
        self._coding: Coding | None = None
        self._position = 0

    def add(self, chunk: Data) -> Iterable[bytes]:
        """Take in a chunk; give what comes out."""
        view = as_view(self._who, chunk)
        coding = self._coding or self._begin()
        if not view:
            return ()
        start, self._position = self._position, self._position + len(view)
        return coding.add(chunk if isinstance(chunk, bytes) else view, start)

    def finish(self) -> Iterable[bytes]:
        """Give what is left at the end of the input."""
        return (self._coding or self._begin()).finish(self._position)

    def _begin(self) -> Coding:
        codec = self._make()
        is_reader = hasattr(codec, "eof")
        coding: Coding = Members(self._who, self._make, codec) if is_reader else OneStream(self._who, codec)
        self._coding = coding
        return coding


class OneStream:
    """The work of an object that takes data until the input ends.

    Args:
        who: The block.
        codec: The object.

    Raises:
        TypeError: It has no method that takes data.
    """

    __slots__ = ("_call", "_codec", "_name", "_who")

    def __init__(self, who: str, codec: Any) -> None:
        name = next((name for name in METHODS if callable(getattr(codec, name, None))), None)
        if name is None:
            raise TypeError(
                f"{who}: make() must return an object with one of the methods {', '.join(METHODS)}, got "
                f"{shorten(codec)}"
            )
        self._who = who
        self._codec = codec
        self._name: str = name
        self._call: Callable[..., Any] = getattr(codec, name)

    def add(self, chunk: Data, start: int) -> Iterable[bytes]:
        """Take in a chunk; give what comes out."""
        try:
            return self._checked(self._name, self._call(chunk))
        except Exception as error:
            annotate(error, f"in the chunk that begins at byte {start:,} of the input")
            raise

    def finish(self, end: int) -> Iterable[bytes]:
        """Give what is left."""
        del end
        ending = next((name for name in ENDINGS if hasattr(self._codec, name)), None)
        if ending is not None:
            return self._checked(ending, getattr(self._codec, ending)())
        return self._checked(self._name, self._call(b"", True)) if self._name in INCREMENTAL else ()

    def _checked(self, name: str, output: object) -> Iterable[bytes]:
        if isinstance(output, (bytes, bytearray, memoryview)):
            return pieces(cast("Data", output))
        hint = "; to give text, use a TransformMany with at_end=" if isinstance(output, str) else ""
        raise TypeError(
            f"{self._who}: {name}() of {shorten(self._codec)} must return bytes, got {type(output).__name__}{hint}"
        )
