"""Recognises an item in the next stage, without changing the item.

An item is recognised by its identity: the output of a stage has the number of its input until the next stage takes it.
Equal small integers, say, are one object, and several of them may be in transit. Then the candidates are narrowed to
those whose route leads to the taker, and ties are resolved first in, first out.
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
    """Keeps an object that allows no weak reference alive, so that its id is not used again."""

    __slots__ = ("item",)

    def __init__(self, item: object) -> None:
        self.item: object = item

    def __call__(self) -> object:
        return self.item


def refer(item: object) -> Reference:
    """Refer to an item, if possible without keeping it alive."""
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
        place: The block that it has entered or left last.
        inside: Whether it has entered that block; False if it has left it.
    """

    refers_to: Reference
    number: int
    place: str
    inside: bool


class ItemNumbers:
    """The numbers of the items in transit, in bounded memory.

    Args:
        most: The maximum of objects; beyond it the oldest is forgotten, and gets a new number in the next stage.
        routes: Say which stage can get an item from which place.
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
        """The number for an item that was just made."""
        self._last += 1
        return self._last

    def take(self, item: object, taker: str) -> int:
        """The number of an item that a stage starts on, or that leaves; a new number for an unknown item."""
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
        """Give an item a number.

        Args:
            item: The item.
            number: The number.
            place: The block that it has entered or left.
            inside: Whether it has entered that block; False if it has left it.
        """
        item = plain(item)
        known = self._known.setdefault(id(item), deque())
        if known and known[0].refers_to() is not item:  # an earlier object had this id, and was never taken
            known.clear()
        known.append(OnItsWay(refer(item), number, place, inside))
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]

    def multiply(self, item: object, times: int, place: str) -> None:
        """Note that an item leaves a block along `times` links; 0 ends it."""
        item = plain(item)
        if id(item) in self._known:
            number = self.take(item, place)
            for _ in range(times):
                self.give(item, number, place)
