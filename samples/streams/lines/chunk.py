"""Pieces of a text file that consist of whole lines."""

from __future__ import annotations

import attrs

__all__ = ["Chunk", "Cutter", "LongLineError"]

LONGEST = 16 << 20
"""The number of bytes in the longest line that is read."""


class LongLineError(Exception):
    """A line is too long to be one."""


@attrs.frozen
class Chunk:
    """Whole lines of a file.

    Args:
        file: the number of the file, from 0.
        line: the number of the first line, from 1.
        start: the position of its first byte in the text, from 0.
        data: the lines; each of them ends with a line feed.
    """

    file: int
    line: int
    start: int
    data: bytes = attrs.field(repr=False)


class Cutter:
    """Makes chunks of whole lines from chunks with any bounds. It holds the line that is not complete.

    Args:
        file: the number of the file.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._line = 1
        self._start = 0
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, data: bytes) -> list[Chunk]:
        """Return the lines that are complete with these data.

        Raises:
            LongLineError: one line is longer than 16 MiB.
        """
        end = data.rfind(b"\n") + 1
        if not end:
            self._keep(data)
            return []
        whole = b"".join([*self._parts, data[:end]]) if self._parts else data[:end]
        self._parts, self._length = [], 0
        chunk = self._chunk(whole)
        self._keep(data[end:])
        return [chunk]

    def finish(self) -> list[Chunk]:
        """Return the last line if it has no line feed; it gets one."""
        if not self._parts:
            return []
        rest = b"".join([*self._parts, b"\n"])
        self._parts = []
        return [self._chunk(rest)]

    def _chunk(self, data: bytes) -> Chunk:
        chunk = Chunk(self._file, self._line, self._start, data)
        self._line += data.count(b"\n")
        self._start += len(data)
        return chunk

    def _keep(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
        self._length += len(data)
        if self._length > LONGEST:
            raise LongLineError(f"line {self._line} is longer than {LONGEST >> 20} MiB; is it a text with lines?")
