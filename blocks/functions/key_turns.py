"""Gives the items of one key their turns one after another, while items of other keys overtake them.

States of an item that was taken from the inbox: waits behind an earlier item of its key → is ready → is worked on →
over. Invariants:
- of the items of one key that are not over, the oldest is ready or worked on, and the others wait in its line, in
  order. So an item that waits is always behind one that goes on;
- an item keeps its turn until it is decided and no call works on it any more: also while it is tried again.

The runner of the block owns the items and counts them. It starts no item from the inbox while one is ready. So the
items of one key are started in their order, and ready items, which are older, come first.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import attrs

from ..base.callables import check_answer
from ..base.error_info import annotate, shorten
from ..base.statistics import BlockStatistics
from ..base.times import Histogram, Times
from ..base.timing import time_slice
from ..core.carried import Carried, plain
from .at_end import END
from .policies import Attempt

E = TypeVar("E")
Key = Callable[[Any], Hashable]
LAST_TRY = Attempt(sys.maxsize, 0.0, 0.0)
"""The try of an item without a key: after it, there is no further one."""


class KeyTurns(Generic[E]):
    """The items of one block that are taken and not over, by key.

    Args:
        who: The block, for error messages.
        key: Returns the key of an item.

    Attributes:
        ready: The items that have their turn and are not worked on yet, in order.
        waiting: The number of items that wait behind an earlier item of their key.
        is_ending: Whether no result is needed any more, so that items that are not worked on are discarded.
    """

    __slots__ = ("_held", "_held_since", "_key", "_keys", "_lines", "_who", "is_ending", "ready", "waiting")

    def __init__(self, who: object, key: Key) -> None:
        self._who = who
        self._key = key
        self._lines: dict[Hashable, deque[E]] = {}
        self._keys: dict[int, Hashable] = {}
        self._held = Histogram()
        self._held_since: float | None = None
        self.ready: deque[E] = deque()
        self.waiting: int = 0
        self.is_ending: bool = False

    def take_in(self, number: int, item: Any, entry: E) -> bool:
        """Put an item into the line of its key, if there is one; return whether it has its turn.

        Args:
            number: The number of the item.
            item: The item as it was taken from the inbox.
            entry: What the runner needs to work on it.
        """
        if plain(item) is END:  # comes when no other item is here
            self.ready.append(entry)
            return True
        key = self._key_of(item)
        line = self._lines.get(key)
        self._keys[number] = key
        if line is None:
            self._lines[key] = deque()
            self.ready.append(entry)
            return True
        line.append(entry)
        self.waiting += 1
        return False

    def _key_of(self, item: Any) -> Hashable:
        try:
            key = item.context.run(self._key, plain(item)) if type(item) is Carried else self._key(plain(item))
            check_answer(self._who, "key", key)
            hash(key)
        except BaseException as error:
            annotate(error, f"raised by the key function of {self._who}, or by the key, for {shorten(plain(item))}")
            raise
        return key

    def over(self, number: int) -> None:
        """End the turn of an item: the next item of its key is ready."""
        key = self._keys.pop(number, END)
        line = self._lines.get(key)
        if line:
            self.waiting -= 1
            self.ready.append(line.popleft())
        else:
            self._lines.pop(key, None)

    def give_up(self) -> list[E]:
        """Forget the items that are not worked on, and return them."""
        entries = [*self.ready, *(entry for line in self._lines.values() for entry in line)]
        self.ready.clear()
        for line in self._lines.values():
            line.clear()
        self.waiting = 0
        return entries

    def clear(self) -> None:
        """Forget everything."""
        self.hold_back(False)
        self.ready.clear()
        self._lines.clear()
        self._keys.clear()
        self.waiting = 0

    # The time in which only the keys keep calls from being started

    def hold_back(self, is_held: bool) -> None:
        """Record whether another call could be started now if no item had to wait for its key."""
        is_held = is_held and self.waiting > 0
        if is_held == (self._held_since is not None):
            return
        now = time_slice.clock()
        if self._held_since is not None:
            self._held.add(now - self._held_since)
        self._held_since = now if is_held else None

    def held_back(self) -> Times:
        """The periods in which only the keys kept calls from being started, including the current one."""
        since = self._held_since
        return self._held.summary(None if since is None else time_slice.clock() - since)


def with_turns(turns: KeyTurns[Any], statistics: BlockStatistics) -> BlockStatistics:
    """Add the time in which only keys kept calls from being started to the statistics."""
    return attrs.evolve(statistics, wait_for_key=turns.held_back())
