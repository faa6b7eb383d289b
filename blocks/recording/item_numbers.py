"""Knows an item again in the next stage, without putting anything into it.

An item is known by its identity: what a stage gives stands for the number of what it took until the next stage takes
it. Equal small integers, say, are one object, and several of them may be on their way; then it counts from where who
takes one can have got it, and of those that remain the first is taken first.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable

import attrs

from ..core.carried import plain
from .routes import Routes

Reference = Callable[[], object]


class Strong:
    """Keeps what no weak reference can be made to, and so keeps its identity from being used again."""

    __slots__ = ("item",)

    def __init__(self, item: object) -> None:
        self.item: object = item

    def __call__(self) -> object:
        return self.item


def refer(item: object) -> Reference:
    """Refer to an item, without keeping it alive if that is possible."""
    try:
        return weakref.ref(item)
    except TypeError:
        return Strong(item)


@attrs.frozen(slots=True)
class OnItsWay:
    """An item between two stages.

    Attributes:
        refers_to: Gives the item.
        number: Its number.
        place: The block that it has come to, or out of.
        inside: Whether it has come to that block; if not, it has come out of it.
    """

    refers_to: Reference
    number: int
    place: str
    inside: bool


class ItemNumbers:
    """The numbers of the items that are on their way, at most so many of them.

    Args:
        most: Of more than so many the oldest are forgotten; what comes of them gets new numbers.
        routes: Who can get an item from where.
    """

    __slots__ = ("_known", "_last", "_most", "_routes")

    def __init__(self, most: int, routes: Routes) -> None:
        self._most = most
        self._routes = routes
        self._last = 0
        self._known: dict[int, deque[OnItsWay]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def new(self) -> int:
        """The number of an item that somebody has just made."""
        self._last += 1
        return self._last

    def take(self, item: object, taker: str) -> int:
        """The number of an item that a stage begins to work on, or that leaves; a new one if it was not seen before."""
        item = plain(item)
        known = self._known.get(id(item))
        if known and known[0].refers_to() is not item:
            known.clear()
        one = self._choose(known, taker) if known else None
        if not known:
            self._known.pop(id(item), None)
        return self.new() if one is None else one.number

    def _choose(self, known: deque[OnItsWay], taker: str) -> OnItsWay:
        if len(known) == 1:
            return known.popleft()
        one = next((one for one in known if self._routes.lead(one.place, one.inside, taker)), known[0])
        known.remove(one)
        return one

    def give(self, item: object, number: int, place: str, inside: bool = False) -> None:
        """From now on an item stands for a number.

        Args:
            item: The item.
            number: The number.
            place: The block that it has come to, or out of.
            inside: Whether it has come to that block.
        """
        item = plain(item)
        known = self._known.setdefault(id(item), deque())
        if known and known[0].refers_to() is not item:  # another has lain in its place, which nobody took
            known.clear()
        known.append(OnItsWay(refer(item), number, place, inside))
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]

    def multiply(self, item: object, times: int, place: str) -> None:
        """An item goes so many ways out of a block, or none."""
        item = plain(item)
        if id(item) in self._known:
            number = self.take(item, place)
            for _ in range(times):
                self.give(item, number, place)
