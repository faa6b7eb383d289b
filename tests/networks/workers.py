"""Executors of generated networks: one that works on the loop, so that a run can be repeated, and real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal

import attrs
import trio

from penstock.blocks import Threads
from tests.blocks.executors.kinds import ByHand, HandOver

from .building import Building, Pace

WorkersKind = Literal["loop", "threads", "standard"]


@attrs.frozen
class Workers:
    """An executor, as a plan.

    Attributes:
        kind: Where it works: in tasks on the loop, or in threads, ours or those of the standard pool.
        count: How many workers it has.
        pace: How long the hand-overs take on the loop.
        is_shared: Whether all blocks with such an executor share one.
    """

    kind: WorkersKind = "loop"
    count: int = 1
    pace: Pace = Pace()
    is_shared: bool = False

    def build(self, building: Building) -> Executor:
        """Make it."""
        if self.is_shared and self.kind in building.executors:
            return building.executors[self.kind]
        executor = self._make(building)
        if self.is_shared:
            building.executors[self.kind] = executor
        return executor

    def _make(self, building: Building) -> Executor:
        if self.kind == "loop":
            return TasksOnLoop(self.count, self.pace)
        if self.kind == "threads":
            return Threads(self.count)
        executor = ThreadPoolExecutor(self.count)
        building.pools.append(executor)
        return executor


class TasksOnLoop(ByHand):
    """Does hand-overs in tasks of the loop, at a pace, up to `count` at once."""

    def __init__(self, count: int, pace: Pace) -> None:
        super().__init__()
        self.pace = pace
        self.count = 0
        self.limiter = trio.CapacityLimiter(count)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a task do a call; afterwards nothing here refers to its items."""
        future = super().submit(fn, *args, **kwargs)
        self.count += 1
        trio.lowlevel.spawn_system_task(self._work, self.all.pop(), self.count, name=f"worker {self.count}")
        return future

    async def _work(self, hand_over: HandOver, number: int) -> None:
        async with self.limiter:
            if hand_over.begin():
                await self.pace.wait(number)
                hand_over.end()


class Turnstile:
    """Counts how many calls of a function run at once."""

    def __init__(self, building: Building, limit: int, name: str) -> None:
        self._building = building
        self._limit = limit
        self._name = name
        self._lock = threading.Lock()
        self._active = 0

    @contextmanager
    def __call__(self) -> Generator[None]:
        """One of them."""
        with self._lock:
            self._active += 1
            self._building.demand(self._active <= self._limit, f"{self._active} calls at once in {self._name}")
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
