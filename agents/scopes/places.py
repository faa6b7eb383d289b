"""A limit for the number of tasks that run at once, shared by a scope and the scopes in it.

A task of an inner scope goes before a task of an outer one, and a task that comes back before a new one. Otherwise all
outer tasks would begin before an inner one runs, and what they hold would pile up.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count
from typing import Any

import trio

from penstock.blocks.core.waiting import Waiter, WaitList, parked

from .waits import Parking, holders, wait_at


class Places(Parking):
    """The places.

    Invariant: a place is free, or a task holds it; if a task waits, none is free. A task may go on without a place when
    its wait was cancelled; then the number of free places is negative until others have given theirs back.

    Args:
        number: How many there are.
        scope: The name of the scope that has the limit.

    Attributes:
        waits: The tasks that wait; the payload of each is its turn.
        held: The tasks that hold a place.
    """

    def __init__(self, number: int, scope: str) -> None:
        self.waits: WaitList[float] = WaitList()
        self.held: dict[trio.lowlevel.Task, None] = {}
        self._free = number
        self._scope = scope
        self._turns: list[tuple[float, int, Waiter[float]]] = []  # also of tasks that do not wait any more
        self._numbers = count()

    async def take(self, depth: float) -> None:
        """Take a place; wait for one.

        Args:
            depth: How many scopes the task is in; the deepest is the next.

        Raises:
            Stalled: No place will ever be free.
        """
        if self._free > 0:
            self._free -= 1
        else:
            await wait_at(self, "take a place", -depth)
            del self.held[trio.lowlevel.current_task()]

    def owe(self) -> None:
        """Take a place at once, also if none is free."""
        self._free -= 1

    def give(self) -> None:
        """Give a place to the next task that waits."""
        while self._turns and self._free >= 0:
            _, _, waiter = heappop(self._turns)
            if waiter in self.waits.waiters:
                self.waits.wake(waiter)
                self.held[waiter.task] = None  # until it goes on
                return
        self._free += 1

    # As a place where tasks wait

    def parked(self) -> None:
        waiter = parked[trio.lowlevel.current_task()]
        heappush(self._turns, (waiter.payload, next(self._numbers), waiter))
        super().parked()

    def has_begun(self) -> bool:
        return True

    def outside_tasks(self) -> Iterable[trio.lowlevel.Task]:
        return self.held

    def comes_from(self, task: trio.lowlevel.Task) -> bool:
        return task in self.held

    def tell_wait(self, who: str, whom: str) -> str:
        return f"{who} waits for a place in the limit of scope {self._scope!r}, and {whom} has one"

    def describe_wait(self, waiter: Waiter[Any]) -> str:
        return f"waits for a place in the limit of scope {self._scope!r}"


class Holding:
    """A task that holds a place, with the tasks in its nurseries, as `gather` has them.

    Invariant: while the task runs, it holds a place if none of these waits for another task, or is about to get one.

    Args:
        places: All places.
        depth: How many scopes the task is in.
    """

    __slots__ = ("_depth", "_is_held", "_is_running", "_task", "_waits", "places")
    _task: trio.lowlevel.Task

    def __init__(self, places: Places, depth: int) -> None:
        self.places: Places = places
        self._depth = depth
        self._is_held = False
        self._is_running = False
        self._waits = 0

    async def take(self) -> None:
        """Take a place for the first time."""
        self._task = trio.lowlevel.current_task()
        await self.places.take(self._depth)
        self._is_running = True
        self._hold()

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
            self._hold()
        else:  # another wait has begun, or has ended sooner
            self.places.give()

    def break_off_wait(self) -> None:
        """Go on after a wait that was cancelled: a cancelled task cannot wait for a place."""
        self._waits -= 1
        self._go_on()

    def _go_on(self) -> None:
        if self._lacks_place():
            self.places.owe()
            self._hold()

    def _lacks_place(self) -> bool:
        return self._is_running and not self._waits and not self._is_held

    def _hold(self) -> None:
        self._is_held = True
        self.places.held[self._task] = None
        holders[self._task] = self.places

    def _give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            del self.places.held[self._task], holders[self._task]
            self.places.give()


holding_here: ContextVar[Holding | None] = ContextVar("penstock_place", default=None)
"""The place of the task in which the code runs."""
