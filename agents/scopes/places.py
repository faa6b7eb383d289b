"""A limit for the number of tasks that run at once, shared by a scope and the scopes in it.

A task of an inner scope goes before a task of an outer one, and a task that comes back before a new one. Otherwise all
outer tasks would begin before an inner one runs, and what they hold would pile up.
"""

from __future__ import annotations

from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count

import trio

Entry = tuple[float, int, trio.lowlevel.Task]


class Places:
    """The places.

    Invariant: a place is free, or a task holds it; if a task waits, none is free.

    Args:
        number: How many there are.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: list[Entry] = []
        self._gone: set[int] = set()  # the numbers of entries whose tasks do not wait any more
        self._numbers = count()

    async def take(self, depth: float) -> None:
        """Take a place; wait for one.

        Args:
            depth: How many scopes the task is in; the deepest is the next.
        """
        if self._free:
            self._free -= 1
            return
        number = next(self._numbers)
        heappush(self._waiting, (-depth, number, trio.lowlevel.current_task()))

        def abort(_: object) -> trio.lowlevel.Abort:
            self._gone.add(number)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def give(self) -> None:
        """Give a place to the next task that waits."""
        while self._waiting:
            _, number, task = heappop(self._waiting)
            if number not in self._gone:
                trio.lowlevel.reschedule(task)
                return
            self._gone.discard(number)
        self._free += 1


class Holding:
    """A task that holds a place.

    Args:
        places: All places.
        depth: How many scopes the task is in.
    """

    __slots__ = ("_depth", "is_held", "places")

    def __init__(self, places: Places, depth: int) -> None:
        self.places: Places = places
        self.is_held: bool = False
        self._depth = depth

    async def take(self) -> None:
        """Take a place for the first time."""
        await self.places.take(self._depth)
        self.is_held = True

    def give_back(self) -> bool:
        """Give the place back, if there is one; return whether there was."""
        was_held, self.is_held = self.is_held, False
        if was_held:
            self.places.give()
        return was_held

    async def take_again(self) -> None:
        """Take a place again, before all that have none yet."""
        await self.places.take(self._depth + 0.5)
        self.is_held = True


holding_here: ContextVar[Holding | None] = ContextVar("penstock_place", default=None)
"""The place of the task in which the code runs."""
