"""The journal of a worker process: its results so far, which the parent can read even after the process was killed.

It is in shared memory: the end of the records, the number of items that were begun, then the records. A record counts
once the new end has been written, which happens after the record itself.
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
    """One side's view of the journal; the worker writes and the parent reads.

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
        """Start over for a new request: the reader before it sends the request, the writer before it begins."""
        self._numbers[0] = self._end = HEAD
        self._numbers[1] = self.begun = 0
        self._memory.seek(HEAD)
        self.is_full = False

    def begin(self) -> None:
        """Note that one more item is begun."""
        self.begun += 1
        self._numbers[1] = self.begun

    def append(self, kind: int, data: bytes) -> bool:
        """Write a record, if it fits in; after one that does not fit, write no more, so that the order is kept."""
        end = self._end + HEADER.size + len(data)
        if end > SIZE or self.is_full:
            self.is_full = True
            return False
        self._memory.write(HEADER.pack(len(data) << 2 | kind) + data)
        self._numbers[0] = self._end = end
        return True

    def read(self) -> Iterator[tuple[int, memoryview]]:
        """Yield the kind and the data of each record that was written since the last call."""
        view, place, end = self._view, self._end, self._numbers[0]
        while place < end:
            (header,) = HEADER.unpack_from(view, place)
            start = place + HEADER.size
            self._end = place = start + (header >> 2)
            yield header & 3, view[start:place]

    def count_begun(self) -> int:
        """How many items the worker has begun."""
        return self._numbers[1]
