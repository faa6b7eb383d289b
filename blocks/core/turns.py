"""Which of the links that wait for room in a target is asked next, and for whom a place is kept.

Plain: it knows nothing of blocks or messages, and wakes nobody. States of a link: idle → waiting (it was postponed) →
asked (a place is kept for it until the target has had two more steps) → idle. A link that was asked and comes back
without having handed anything in keeps its place in the order. Invariant: a link is waiting or asked or neither.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

numbers: itertools.count[int] = itertools.count(1)


class Asking(Protocol):
    """What waits for room.

    Attributes:
        turn: Its place in the order, for as long as it has not handed anything in; 0 for none.
    """

    turn: int


A = TypeVar("A", bound=Asking)


class Turns(Generic[A]):
    """The order in which links get room.

    Attributes:
        waiting: Those that wait to be asked.
        asked: Those for which a place is kept, the first one first.
    """

    __slots__ = ("_asked_lately", "_heap", "_seen", "asked", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[A, None] = {}
        self.asked: dict[A, None] = {}
        self._asked_lately = False
        self._heap: list[tuple[int, A]] = []  # of those that wait, and of some that did
        self._seen: tuple[int, int] | None = None

    def postpone(self, link: A) -> None:
        """A link has to wait."""
        is_known = link.turn and link in self.waiting
        if not link.turn:
            link.turn = next(numbers)
        if not is_known:
            self.waiting[link] = None
            heappush(self._heap, (link.turn, link))

    def took(self, link: A) -> None:
        """A link has handed something in: next time it waits behind the others."""
        self.asked.pop(link, None)
        if link.turn:
            link.turn = 0
            self.waiting.pop(link, None)

    def forget(self, link: A) -> None:
        """A link is gone."""
        self.waiting.pop(link, None)
        self.asked.pop(link, None)

    def ahead_of(self, link: A) -> int:
        """For how many others, that came before a link, a place is kept."""
        if link in self.asked:
            return next(place for place, asked in enumerate(self.asked) if asked is link)
        return len(self.asked) + len(self.waiting) - (link in self.waiting)

    def clear(self) -> None:
        """Nobody waits any more."""
        self.waiting.clear()
        self.asked.clear()
        self._heap.clear()

    # Asking

    def may_ask(self, state: tuple[int, int]) -> bool:
        """Whether somebody waits, and was not asked already when things were as they are: that would spin."""
        if not self.waiting or state == self._seen:
            return False
        self._seen = state
        return True

    def ask_all(self) -> Iterable[A]:
        """Everybody who waits; no place is kept."""
        links = tuple(self.waiting)
        self.waiting.clear()
        self._heap.clear()
        return links

    def ask(self, room: int) -> Iterable[A]:
        """As many as there is room for, those that wait longest; a place is kept for each."""
        asked: list[A] = []
        while self.waiting and len(asked) < room:
            turn, link = heappop(self._heap)
            if turn == link.turn and link in self.waiting:
                del self.waiting[link]
                asked.append(link)
        if not self.waiting:
            self._heap.clear()
        self.asked.update(dict.fromkeys(asked))
        self._asked_lately = True
        return asked

    def ask_again(self) -> None:
        """Things have changed in a way that `may_ask` does not see."""
        self._seen = None

    def step(self) -> bool:
        """The target takes a step; give whether it has to take another one, behind those that were asked just now."""
        if not self.asked:
            return False
        if self._asked_lately:
            self._asked_lately = False
            return True
        self.asked.clear()
        self._seen = None
        return False
