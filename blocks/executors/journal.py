"""What a worker process has done of a hand-over, written so that it can be read when the process has been killed.

In shared memory: how far the records reach, how many items were begun, then the records. A record counts once the
first of these numbers has been written, which is after the record itself.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from struct import Struct

RESULT, IN_SLOTS, FAILURE = range(3)
SIZE = 1 << 20
HEAD = 16
HEADER = Struct("=q")


class Journal:
    """The journal, as one of the two sides sees it; one side writes and the other one reads.

    Args:
        memory: At least `SIZE` bytes of shared memory.
    """

    __slots__ = ("_end", "_memory", "_numbers", "_view", "begun", "is_full")

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._view = memoryview(memory)
        self._numbers = self._view[:HEAD].cast("q")
        self.begun: int
        self.is_full: bool
        self.rewind()

    def rewind(self) -> None:
        """Start over with a new hand-over; the reader does it before it hands over, the writer before it begins."""
        self._numbers[0] = self._end = HEAD
        self._numbers[1] = self.begun = 0
        self._memory.seek(HEAD)
        self.is_full = False

    def begin(self) -> None:
        """Note that one more item is begun."""
        self.begun += 1
        self._numbers[1] = self.begun

    def append(self, kind: int, data: bytes) -> bool:
        """Write a record, if it fits in; after the first one that does not, no other does: they have an order."""
        end = self._end + HEADER.size + len(data)
        if end > SIZE or self.is_full:
            self.is_full = True
            return False
        self._memory.write(HEADER.pack(len(data) << 2 | kind) + data)
        self._numbers[0] = self._end = end
        return True

    def read(self) -> Iterator[tuple[int, memoryview]]:
        """Get the kinds and the data of the records that have come since the last time."""
        view, place, end = self._view, self._end, self._numbers[0]
        while place < end:
            (header,) = HEADER.unpack_from(view, place)
            start = place + HEADER.size
            self._end = place = start + (header >> 2)
            yield header & 3, view[start:place]

    def count_begun(self) -> int:
        """How many items the other side has begun."""
        return self._numbers[1]
