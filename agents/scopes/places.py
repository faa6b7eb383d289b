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

    Invariant: a place is free, or a task holds it; if a task waits, none is free. A task may go on without a place when
    its wait was cancelled; then the number of free places is negative until others have given theirs back.

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
        if self._free > 0:
            self._free -= 1
            return
        number = next(self._numbers)
        heappush(self._waiting, (-depth, number, trio.lowlevel.current_task()))

        def abort(_: object) -> trio.lowlevel.Abort:
            self._gone.add(number)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def owe(self) -> None:
        """Take a place at once, also if none is free."""
        self._free -= 1

    def give(self) -> None:
        """Give a place to the next task that waits."""
        while self._waiting and self._free >= 0:
            _, number, task = heappop(self._waiting)
            if number not in self._gone:
                trio.lowlevel.reschedule(task)
                return
            self._gone.discard(number)
        self._free += 1


class Holding:
    """A task that holds a place, with the tasks in its nurseries, as `gather` has them.

    Invariant: while the task runs, it holds a place if none of these waits for another task, or is about to get one.

    Args:
        places: All places.
        depth: How many scopes the task is in.
    """

    __slots__ = ("_depth", "_is_held", "_is_running", "_waits", "places")

    def __init__(self, places: Places, depth: int) -> None:
        self.places: Places = places
        self._depth = depth
        self._is_held = False
        self._is_running = False
        self._waits = 0

    async def take(self) -> None:
        """Take a place for the first time."""
        await self.places.take(self._depth)
        self._is_held = self._is_running = True

    def end(self) -> None:
        """Give the place back, if there is one, because the task has ended."""
        self._is_running = False
        self._give_back()

    def begin_wait(self) -> None:
        """Give the place back for a wait, if there is one."""
        self._waits += 1
        self._give_back()

    async def end_wait(self) -> None:
        """Take a place again after the last of all waits, before all that have none yet."""
        self._waits -= 1
        if not self._lacks_place():
            return
        try:
            await self.places.take(self._depth + 0.5)
        except BaseException:
            self._go_on()
            raise
        if self._lacks_place():
            self._is_held = True
        else:  # another wait has begun, or has ended sooner
            self.places.give()

    def break_off_wait(self) -> None:
        """Go on after a wait that was cancelled: a cancelled task cannot wait for a place."""
        self._waits -= 1
        self._go_on()

    def _go_on(self) -> None:
        if self._lacks_place():
            self.places.owe()
            self._is_held = True

    def _lacks_place(self) -> bool:
        return self._is_running and not self._waits and not self._is_held

    def _give_back(self) -> None:
        was_held, self._is_held = self._is_held, False
        if was_held:
            self.places.give()


holding_here: ContextVar[Holding | None] = ContextVar("penstock_place", default=None)
"""The place of the task in which the code runs."""
