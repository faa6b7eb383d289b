"""Numbers items of a stream in which some are missing, and finds the items of several streams that belong together.

Plain code without a loop. A number is a position in the stream that leaves a broadcast, counted from 1.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence


class Numbering:
    """Keeps the missing numbers of a stream, and computes the number of the n-th item that comes.

    Missing numbers are added in any order, but each before the item after it comes.

    Args:
        first: The number of the first item, if that item is not missing.
    """

    __slots__ = ("_missing", "_passed")

    def __init__(self, first: int = 1) -> None:
        self._missing: list[int] = []
        self._passed = first - 1  # the count of missing numbers before every number that may still be requested

    def add(self, number: int) -> None:
        """Add a missing number."""
        insort(self._missing, number)

    def number(self, place: int) -> int:
        """The number of the item that comes in position `place`, counted from 1."""
        return place + self._passed + self._before(place)

    def forget(self, number: int) -> None:
        """Forget the numbers before this one; they are not asked for any more."""
        count = bisect_left(self._missing, number)
        del self._missing[:count]
        self._passed += count

    def _before(self, place: int) -> int:
        """How many of the missing numbers are less than the number of the item in a position."""
        missing, passed = self._missing, self._passed
        return bisect_right(range(len(missing)), place, key=lambda index: missing[index] - index - passed)


class Alignment:
    """Finds which heads of several inputs belong together, and which of them have no partner.

    `next` is the number whose items come next. The head of each input is the item with that number, unless the number
    is missing there. If it is missing on one input, the other inputs owe their item: that item must be discarded when
    it is there. After the last of these, `next` goes up by one.

    Args:
        inputs: The indices of the inputs among those of the join.
        first: For each input, the number of the first item that can come.
    """

    __slots__ = ("_discarded", "_ended", "_has_gaps", "_missing", "first", "inputs", "next")

    def __init__(self, inputs: Sequence[int], first: Iterable[int]) -> None:
        self.inputs: tuple[int, ...] = tuple(inputs)
        self.first: dict[int, int] = dict(zip(inputs, first, strict=True))
        self.next: int = 1
        self._missing: dict[int, set[int]] = {index: set() for index in inputs}
        self._ended: set[int] = set()
        self._discarded: set[int] = set()
        self._has_gaps = True

    def lose(self, index: int, number: int) -> None:
        """Note that a number will not come to an input."""
        if number >= self.next:
            self._missing[index].add(number)
            self._has_gaps = True

    def end(self, index: int) -> None:
        """Note that nothing more will come to an input."""
        self._ended.add(index)
        self._has_gaps = True

    @property
    def is_over(self) -> bool:
        """Whether all inputs have ended."""
        return len(self._ended) == len(self.inputs)

    @property
    def has_ended(self) -> bool:
        """Whether an input has ended, so that no other item will have a partner."""
        return bool(self._ended)

    def lacks(self, index: int) -> bool:
        """Whether the next number is missing on an input."""
        return index in self._ended or self.next in self._missing[index] or self.next < self.first[index]

    @property
    def is_broken(self) -> bool:
        """Whether the next number is missing on any input, so that the others owe their items."""
        return self._has_gaps and any(map(self.lacks, self.inputs))

    def unbroken(self, most: int) -> int:
        """Return how many numbers in a row, from `next` on, are missing on no input; up to `most`."""
        if not self._has_gaps:
            return most
        if self.is_broken:
            return 0
        lost = [number for missing in self._missing.values() for number in missing]
        return min([most, *(number - self.next for number in lost)])

    def owing(self) -> list[int]:
        """The inputs whose next item has no partner and must still be discarded."""
        return [index for index in self.inputs if index not in self._discarded and not self.lacks(index)]

    def discarded(self, index: int) -> None:
        """Note that the item with the next number was taken from an input because it has no partner."""
        self._discarded.add(index)

    def step(self, count: int = 1) -> int:
        """Advance `next` by `count` numbers, which were paired or discarded; return the last of them."""
        done = range(self.next, self.next + count)
        self.next += count
        if self._has_gaps:
            for missing in self._missing.values():
                missing.difference_update(done)
            self._discarded.clear()
            is_late = any(self.next < first for first in self.first.values())
            self._has_gaps = bool(is_late or self._ended or any(self._missing.values()))
        return self.next - 1
