"""Cuts text that arrives in pieces into lines; the sizes of the pieces make no difference."""

from collections.abc import Iterator

__all__ = ["LONG", "LineReader"]

LONG = 1 << 14  # characters: longer lines are returned in parts of this length

_LINE_ENDS = str.maketrans({"\x85": "\n", "\u2028": "\n", "\u2029": "\n\n"})


class LineReader:
    """Takes text in pieces of any size with `feed`, then `finish`, and returns lines. It holds the incomplete line."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def feed(self, text: str) -> Iterator[tuple[str, bool]]:
        """Return the lines (or parts of long lines) that the next piece completes, and whether each ends its line."""
        if not text.isascii():
            text = text.translate(_LINE_ENDS)
        *complete, rest = text.split("\n")
        for line in complete:
            yield from self._add(line)
            yield self._take(), True
        yield from self._add(rest)

    def finish(self) -> Iterator[tuple[str, bool]]:
        """Return the line that the end of the text completes."""
        if self._parts:
            yield self._take(), True

    def _add(self, text: str) -> Iterator[tuple[str, bool]]:
        while self._length + len(text) > LONG:
            room = LONG - self._length
            self._parts.append(text[:room])
            text = text[room:]
            yield self._take(), False
        if text:
            self._parts.append(text)
            self._length += len(text)

    def _take(self) -> str:
        line = "".join(self._parts)
        self._parts, self._length = [], 0
        return line
