"""Merges sorted files by the times of their lines: which file is read on next, and what can be written.

It holds up to one chunk of each file. A line goes out when every file that goes on has a later one, or one of the same
time and a higher number. As long as one file is ahead of all others, its lines go out together, found by bisection.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from penstock.samples.streams.lines.timed import Timed
from penstock.samples.streams.lines.times import Time

__all__ = ["Merger", "OutOfOrderError"]

BLOCK = 128 << 10
"""The number of bytes that are written at a time, about."""


class OutOfOrderError(Exception):
    """A file is not sorted by time."""

    def __init__(self, name: str, line: int) -> None:
        super().__init__(f"{name} is not sorted by time: line {line} is earlier than a line before it")


class Head:
    """The lines of one file that are not written yet."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.times: list[Time] = []
        self.place = 0
        self.last: Time = -math.inf


class Merger:
    """Merges files.

    Args:
        names: the names of the files.

    Attributes:
        lines: how many lines were merged.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._heads = [Head() for _ in names]
        self._waiting = set(range(len(names)))
        self._heap: list[tuple[Time, int]] = []
        self._out: list[bytes] = []
        self._size = 0
        self.lines = 0

    @property
    def wants(self) -> int | None:
        """The file that is read on next; None if all have ended."""
        return min(self._waiting, default=None)

    def add(self, timed: Timed) -> None:
        """Take in the next lines of the file that is wanted.

        Raises:
            OutOfOrderError: they are not sorted.
        """
        if not timed.lines:
            return
        head = self._heads[timed.file]
        last = head.last
        times: list[Time] = []
        for place, time in enumerate(timed.times):
            if time is None:
                time = last
            elif time < last:
                raise OutOfOrderError(self._names[timed.file], timed.numbers[place])
            times.append(time)
            last = time
        head.lines, head.times, head.place, head.last = timed.lines, times, 0, last
        self._waiting.discard(timed.file)
        heappush(self._heap, (times[0], timed.file))

    def end(self, file: int) -> None:
        """Note that the file that is wanted has ended."""
        self._waiting.discard(file)

    def blocks(self) -> Iterator[bytes]:
        """Return what can be written now."""
        heap = self._heap
        while heap and not self._waiting:
            _, file = heappop(heap)
            head = self._heads[file]
            start = head.place
            head.place = stop = self._stop(head, file)
            run = head.lines[start:stop]
            self.lines += len(run)
            self._out += run
            self._size += sum(map(len, run))
            if stop == len(head.lines):
                self._waiting.add(file)
            else:
                heappush(heap, (head.times[stop], file))
            if self._size >= BLOCK:
                yield self._taken()
        if self._out and self.wants is None:
            yield self._taken()

    def _stop(self, head: Head, file: int) -> int:
        """Return up to where the lines of a file come before those of all others; the first one does."""
        if not self._heap:
            return len(head.lines)
        time, other = self._heap[0]
        find = bisect_right if file < other else bisect_left
        return max(head.place + 1, find(head.times, time, head.place + 1))

    def _taken(self) -> bytes:
        block = b"".join(self._out)
        self._out, self._size = [], 0
        return block
