"""Recognises an item in the next stage, without changing the item.

An item is recognised by its identity: the output of a stage has the number of its input until the next stage takes it.
Several items in transit may be one object, for example equal small integers. Then the candidates are narrowed to those
whose route leads to the taker, and ties are resolved first in, first out.

This code runs twice per item and stage, so an entry is a plain tuple, and there are `Twins` only if several items have
the same id.
"""

from __future__ import annotations

import weakref

from ..core.carried import Carried, ForFallback, Leased, plain
from .oldest import bound, forget_oldest
from .routes import Routes
from .twins import OnItsWay, Twins, is_of


class ItemNumbers:
    """The numbers of the items in transit, in bounded memory.

    Args:
        most: Up to this many objects, or a sixteenth more, are known; the oldest beyond that are forgotten, and get new
            numbers in the next stage.
        routes: Say which stage can get an item from which place.
    """

    __slots__ = ("_bound", "_known", "_last", "_most", "_routes")

    def __init__(self, most: int, routes: Routes) -> None:
        self._most = most
        self._bound = bound(most)
        self._routes = routes
        self._last = 0
        self._known: dict[int, OnItsWay | Twins] = {}

    def __len__(self) -> int:
        return len(self._known)

    def new(self) -> int:
        """The number for an item that was just made."""
        self._last += 1
        return self._last

    def take(self, item: object, taker: str) -> int:
        """Return the number of an item that a stage starts on, or that leaves; a new number for an unknown item."""
        kind = type(item)
        if kind is Carried or kind is Leased or kind is ForFallback:
            item = plain(item)
        key = id(item)
        known = self._known
        found = known.get(key)
        if isinstance(found, tuple):
            del known[key]
            if (refers_to := found[0]) is None or refers_to() is item:  # as in `is_of`
                return found[2]
        elif found is not None:
            number = found.take(taker, self._routes) if is_of(found.one, item) else None
            if not found or number is None:
                del known[key]
            if number is not None:
                return number
        self._last += 1
        return self._last

    def give(self, item: object, number: int, place: str, inside: bool = False) -> None:
        """Give an item a number.

        Args:
            item: The item.
            number: The number.
            place: The block that it has entered or left.
            inside: Whether it has entered that block; False if it has left it.
        """
        kind = type(item)
        if kind is Carried or kind is Leased or kind is ForFallback:
            item = plain(item)
            kind = type(item)
        one: OnItsWay
        if kind.__weakrefoffset__:
            one = (weakref.ref(item), None, number, place, inside)
        else:
            one = (None, item, number, place, inside)
        key = id(item)
        known = self._known
        found = known.get(key)
        if found is None:
            known[key] = one
            if len(known) > self._bound:
                forget_oldest(known, self._most)
        elif not is_of(found if isinstance(found, tuple) else found.one, item):
            known[key] = one  # an earlier object had this id, and was never taken
        else:
            if isinstance(found, tuple):
                found = known[key] = Twins(found)
            found.add(one)

    def clear(self) -> None:
        """Forget all items."""
        self._known.clear()

    def multiply(self, item: object, times: int, place: str) -> None:
        """Note that an item leaves a block along `times` links; 0 ends it."""
        item = plain(item)
        if id(item) in self._known:
            number = self.take(item, place)
            for _ in range(times):
                self.give(item, number, place)
