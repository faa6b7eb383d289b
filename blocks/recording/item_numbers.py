"""Recognises an item in the next stage, without changing the item.

An item is recognised by its identity: the output of a stage has the number of its input until the next stage takes it.
Equal small integers, say, are one object, and several of them may be in transit. Then the candidates are narrowed to
those whose route leads to the taker, and ties are resolved first in, first out.

Each item comes by here twice per stage, so an entry is a plain tuple, and there is a queue of entries only where
several have one id.
"""

from __future__ import annotations

import weakref
from collections import deque

from ..core.carried import plain
from .routes import Routes

OnItsWay = tuple[weakref.ref[object] | None, object, int, str, bool]
"""An item between two stages.

- A weak reference to it; None if it allows none.
- The item itself if it allows no weak reference, which keeps it alive, so that its id is not used again; else None.
- Its number.
- The block that it has entered or left last.
- Whether it has entered that block; False if it has left it.
"""


def is_of(one: OnItsWay, item: object) -> bool:
    """Whether an entry with the id of an item is of this item, and not of an earlier object that had the same id."""
    refers_to = one[0]
    return refers_to is None or refers_to() is item


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
        self._known: dict[int, OnItsWay | deque[OnItsWay]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def new(self) -> int:
        """The number for an item that was just made."""
        self._last += 1
        return self._last

    def take(self, item: object, taker: str) -> int:
        """The number of an item that a stage starts on, or that leaves; a new number for an unknown item."""
        item = plain(item)
        key = id(item)
        found = self._known.get(key)
        if found is None:
            return self.new()
        if isinstance(found, deque):
            return self._choose(key, found, item, taker)
        del self._known[key]
        return found[2] if is_of(found, item) else self.new()

    def _choose(self, key: int, found: deque[OnItsWay], item: object, taker: str) -> int:
        """Take one of several entries."""
        if not is_of(found[0], item):
            del self._known[key]
            return self.new()
        place = next((n for n, one in enumerate(found) if self._routes.lead(one[3], one[4], taker)), 0)
        number = found[place][2]
        del found[place]
        if not found:
            del self._known[key]
        return number

    def give(self, item: object, number: int, place: str, inside: bool = False) -> None:
        """Give an item a number.

        Args:
            item: The item.
            number: The number.
            place: The block that it has entered or left.
            inside: Whether it has entered that block; False if it has left it.
        """
        item = plain(item)
        key = id(item)
        known = self._known
        found = known.get(key)
        one: OnItsWay
        if type(item).__weakrefoffset__:
            one = (weakref.ref(item), None, number, place, inside)
        else:
            one = (None, item, number, place, inside)
        if found is None:
            known[key] = one
            if len(known) > self._most:
                del known[next(iter(known))]
        elif isinstance(found, deque):
            if not is_of(found[0], item):
                found.clear()
            found.append(one)
        else:
            known[key] = deque((found, one)) if is_of(found, item) else one

    def multiply(self, item: object, times: int, place: str) -> None:
        """Note that an item leaves a block along `times` links; 0 ends it."""
        item = plain(item)
        if id(item) in self._known:
            number = self.take(item, place)
            for _ in range(times):
                self.give(item, number, place)
