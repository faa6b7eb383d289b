"""The journal of a worker process: its results so far, which the parent can read even after the process was killed.

It is in shared memory: the end of the records, the number of items that were begun, the number of answers, then the
answers and after them the records. A record counts once the new end has been written, which happens after the record
itself. Answers are quicker to write. They are the results of the first items, until something other than a result
comes. While they are written, their number is -1, and each begun item except the last has an answer.
"""

from __future__ import annotations

import marshal
import mmap
from collections.abc import Iterator
from struct import Struct
from typing import Any

RESULT, IN_SLOTS, FAILURE, ANSWER = range(4)
SIZE = 1 << 20
END, BEGUN, ANSWERS = range(3)
HEAD = 24
HEADER = Struct("=q")
VERSION = 2
"""The version of the marshal format: the last version without references from one object to another."""


class Journal:
    """One side's view of the journal; the worker writes and the parent reads.

    Args:
        memory: At least `SIZE` bytes of shared memory.

    Attributes:
        memory: The memory, for code that writes answers.
        numbers: The numbers before the records.
        begun: The number of items that were begun.
        is_full: Whether a record did not fit in.
    """

    __slots__ = ("_end", "_read", "_view", "begun", "is_full", "memory", "numbers")

    def __init__(self, memory: mmap.mmap) -> None:
        self.memory: mmap.mmap = memory
        self._view = memoryview(memory)
        self.numbers: memoryview[int] = self._view[:HEAD].cast("q")
        self._read: int
        self.begun: int
        self.is_full: bool
        self.rewind()

    def rewind(self) -> None:
        """Start over for a new request; the reader calls this before sending it, the writer before starting it."""
        self.numbers[END] = self._end = HEAD
        self.numbers[BEGUN] = self.numbers[ANSWERS] = self.begun = self._read = 0
        self.memory.seek(HEAD)
        self.is_full = False

    def begin_answers(self) -> None:
        """Note that answers are written: to the memory with `marshal.dump`, after the number of begun items."""
        self.numbers[ANSWERS] = -1

    def end_answers(self, count: int) -> None:
        """Note that all answers were written; records follow."""
        self.numbers[ANSWERS] = count
        self.begun = self.numbers[BEGUN]
        self._end = self.memory.tell()

    def begin(self) -> None:
        """Note that one more item is begun."""
        self.begun += 1
        self.numbers[BEGUN] = self.begun

    def append(self, kind: int, data: bytes) -> bool:
        """Write a record if it fits in; after a record that does not fit, write no more, so that the order is kept."""
        end = self._end + HEADER.size + len(data)
        if end > SIZE or self.is_full:
            self.is_full = True
            return False
        self.memory.write(HEADER.pack(len(data) << 2 | kind) + data)
        self.numbers[END] = self._end = end
        return True

    def read(self) -> Iterator[tuple[int, Any]]:
        """Yield the kind and the data of each answer and record that was written since the last call."""
        answers = self.numbers[ANSWERS]
        if answers < 0:
            answers = self.numbers[BEGUN] - 1
        while self._read < answers:
            reader = Reader(self._view, self._end)
            answer = marshal.load(reader)  # type: ignore[arg-type]  # it needs no more than this
            self._read, self._end = self._read + 1, reader.place
            yield ANSWER, answer
        view, place, end = self._view, self._end, self.numbers[END]
        while place < end:
            (header,) = HEADER.unpack_from(view, place)
            start = place + HEADER.size
            self._end = place = start + (header >> 2)
            yield header & 3, view[start:place]

    def count_begun(self) -> int:
        """How many items the worker has begun."""
        return self.numbers[BEGUN]


class Reader:
    """Reads from memory as from a file.

    Attributes:
        place: The place of the next byte.
    """

    __slots__ = ("_view", "place")

    def __init__(self, view: memoryview, place: int) -> None:
        self._view = view
        self.place: int = place

    def read(self, count: int) -> bytes:
        """Read some bytes."""
        self.place += count
        return bytes(self._view[self.place - count : self.place])

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer."""
        count = len(buffer)
        self.place += count
        buffer[:] = self._view[self.place - count : self.place]
        return count
