"""The lines that are not as expected: how many for each reason, and which were the first ones."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import attrs

__all__ = ["BadLine", "BadLines"]

NAMED = 5
"""The number of lines that are named."""


class BadLine(NamedTuple):
    """A line that is not as expected: its file and its number, from 1, and the reason."""

    file: int
    line: int
    reason: str


@attrs.define
class BadLines:
    """Bad lines of a chunk, or of all files.

    Args:
        counts: how many there are for each reason.
        first: the first ones, in the order of the files.
    """

    counts: Counter[str] = attrs.field(factory=Counter[str])
    first: list[BadLine] = attrs.field(factory=list[BadLine])

    def add(self, file: int, line: int, reason: str) -> None:
        """Add a line of a file, behind those that were added."""
        self.counts[reason] += 1
        if len(self.first) < NAMED:
            self.first.append(BadLine(file, line, reason))

    def join(self, other: BadLines) -> None:
        """Add other lines."""
        if other.counts:
            self.counts.update(other.counts)
            self.first = sorted([*self.first, *other.first])[:NAMED]

    @property
    def total(self) -> int:
        """How many there are."""
        return self.counts.total()
