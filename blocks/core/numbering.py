"""Numbers of the items of a stream from which some are missing, and which numbers of several streams belong together.

Plain values without a loop. A number is a place in the stream that leaves a broadcast, counted from 1.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence


class Numbering:
    """The numbers that are missing from a stream, so that the n-th item that comes can be told its number.

    Numbers are reported missing in any order, but each before the item behind it comes.

    Args:
        first: The number of the first item, if none before it is missing.
    """

    __slots__ = ("_missing", "_passed")

    def __init__(self, first: int = 1) -> None:
        self._missing: list[int] = []
        self._passed = first - 1  # how many missing numbers lie before all that can still be asked for

    def add(self, number: int) -> None:
        """Take note that a number will not come."""
        insort(self._missing, number)

    def number(self, place: int) -> int:
        """The number of the item that comes as number `place`, counted from 1."""
        return place + self._passed + self._before(place)

    def forget(self, number: int) -> None:
        """Keep nothing for numbers before this one: nobody asks for them any more."""
        count = bisect_left(self._missing, number)
        del self._missing[:count]
        self._passed += count

    def _before(self, place: int) -> int:
        """How many of the missing numbers are less than that of the item in a place."""
        missing, passed = self._missing, self._passed
        return bisect_right(range(len(missing)), place, key=lambda index: missing[index] - index - passed)


class Alignment:
    """Tells which heads of several inputs belong together, and which of them have lost their partner.

    `next` is the number whose items come next. All inputs stand at it: the head of an input is the item with that
    number, unless the number is missing there. If it is missing on one input, the other inputs owe their item: it has
    to be discarded when it is there. After the last of these, the next number is looked at.

    Args:
        inputs: The places of the inputs among those of the join.
        first: By input, the number that the first item of it can have.
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
        """A number will not come to an input."""
        if number >= self.next:
            self._missing[index].add(number)
            self._has_gaps = True

    def end(self, index: int) -> None:
        """Nothing more will come to an input."""
        self._ended.add(index)
        self._has_gaps = True

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come to any input."""
        return len(self._ended) == len(self.inputs)

    def lacks(self, index: int) -> bool:
        """Whether the next number is missing on an input."""
        return index in self._ended or self.next in self._missing[index] or self.next < self.first[index]

    @property
    def is_broken(self) -> bool:
        """Whether the next number is missing on some input, so that the others owe their items."""
        return self._has_gaps and any(map(self.lacks, self.inputs))

    def unbroken(self, most: int) -> int:
        """How many numbers from the next one on are missing on no input, at most `most`."""
        if not self._has_gaps:
            return most
        if self.is_broken:
            return 0
        lost = [number for missing in self._missing.values() for number in missing]
        return min([most, *(number - self.next for number in lost)])

    def owing(self) -> list[int]:
        """The inputs whose next item has no partner and is still to be discarded."""
        return [index for index in self.inputs if index not in self._discarded and not self.lacks(index)]

    def discarded(self, index: int) -> None:
        """The item with the next number was taken from an input because it has no partner."""
        self._discarded.add(index)

    def step(self, count: int = 1) -> int:
        """Go on behind the next number, or several, which were paired or discarded; give the last that is done."""
        done = range(self.next, self.next + count)
        self.next += count
        if self._has_gaps:
            for missing in self._missing.values():
                missing.difference_update(done)
            self._discarded.clear()
            is_late = any(self.next < first for first in self.first.values())
            self._has_gaps = bool(is_late or self._ended or any(self._missing.values()))
        return self.next - 1
