"""Decides which links that wait for room in a target are asked next, and for which links a place is kept.

Plain code: it knows no blocks or messages, and wakes nothing. States of a link: idle → waiting (it was
postponed) → asked (a place is kept for it until the target has had two more steps) → idle. A link that was asked and
is postponed again without a delivery keeps its place in the order. A waiting link is barred while a governor refuses
what it has: it is not asked, and no other link waits for its turn.

Invariant: every barred link waits, and no place is kept for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

numbers: itertools.count[int] = itertools.count(1)


class Asking(Protocol):
    """A link that may wait for room.

    Attributes:
        turn: Its place in the order, until it has delivered a message; 0 for none.
    """

    turn: int


A = TypeVar("A", bound=Asking)


class Turns(Generic[A]):
    """The order in which links get room.

    Attributes:
        waiting: The links that wait to be asked.
        asked: The links for which a place is kept, in order.
        barred: The waiting links that are not asked before `ask_again`.
    """

    __slots__ = ("_asked_lately", "_heap", "_seen", "asked", "barred", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[A, None] = {}
        self.asked: dict[A, None] = {}
        self.barred: set[A] = set()
        self._asked_lately = False
        self._heap: list[tuple[int, A]] = []  # the waiting links, and some that waited before
        self._seen: tuple[int, int] | None = None

    def postpone(self, link: A) -> None:
        """Make a link wait."""
        is_known = link.turn and link in self.waiting
        if not link.turn:
            link.turn = next(numbers)
        if not is_known:
            self.waiting[link] = None
            heappush(self._heap, (link.turn, link))

    def bar(self, link: A) -> None:
        """Make a link wait until `ask_again`, because a governor has refused what it has."""
        self.postpone(link)
        self.asked.pop(link, None)
        if link not in self.barred:
            self.barred.add(link)
            self._seen = None  # others may be asked in its place

    def took(self, link: A) -> None:
        """Note that a link has delivered a message; next time it waits behind the others."""
        self.asked.pop(link, None)
        if link.turn:
            link.turn = 0
            self.waiting.pop(link, None)
            self.barred.discard(link)

    def forget(self, link: A) -> None:
        """Forget a removed link."""
        self.waiting.pop(link, None)
        self.asked.pop(link, None)
        self.barred.discard(link)

    def ahead_of(self, link: A) -> int:
        """The number of other links before this one that get a place first."""
        if link in self.asked:
            return next(place for place, asked in enumerate(self.asked) if asked is link)
        itself = link in self.waiting and link not in self.barred
        return len(self.asked) + len(self.waiting) - len(self.barred) - itself

    def clear(self) -> None:
        """Forget all links."""
        self.waiting.clear()
        self.asked.clear()
        self.barred.clear()
        self._heap.clear()

    # Asking

    def may_ask(self, state: tuple[int, int]) -> bool:
        """Whether a link waits that is not barred, and `state` is new; asking again without a change would spin."""
        if len(self.waiting) == len(self.barred) or state == self._seen:
            return False
        self._seen = state
        return True

    def ask_all(self) -> Iterable[A]:
        """Remove and return all waiting links; no place is kept for them."""
        links = tuple(self.waiting)
        self.waiting.clear()
        self.barred.clear()
        self._heap.clear()
        return links

    def ask(self, room: int) -> Iterable[A]:
        """Return the links that wait longest, up to `room`; a place is kept for each."""
        asked: list[A] = []
        barred: list[tuple[int, A]] = []
        while len(self.waiting) > len(self.barred) and len(asked) < room:
            turn, link = heappop(self._heap)
            if link in self.barred:
                barred.append((turn, link))
            elif turn == link.turn and link in self.waiting:
                del self.waiting[link]
                asked.append(link)
        for entry in barred:
            heappush(self._heap, entry)
        if not self.waiting:
            self._heap.clear()
        self.asked.update(dict.fromkeys(asked))
        self._asked_lately = True
        return asked

    def ask_again(self) -> None:
        """Let all waiting links be asked again, because of a change that the `state` of `may_ask` does not show."""
        self._seen = None
        self.barred.clear()

    def step(self) -> bool:
        """Note a step of the target; return whether it needs another step after the links that were just asked."""
        if not self.asked:
            return False
        if self._asked_lately:
            self._asked_lately = False
            return True
        self.asked.clear()
        self._seen = None
        return False
