"""The clock by which batches are sized and the loop is shared, and the pause that lets other tasks run.

Everything that is cheap runs without yielding until a time slice is used up: a trio checkpoint costs as much as a
hundred messages. The clock is looked up here at each use, so that tests can drive it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import trio

SLICE = 0.0005
"""Seconds for which sends and receives that need not wait go on before they let other tasks run."""

BATCH_SECONDS = 0.0002
"""How long work on one batch should take: long enough to share the cost of a step, short enough to stream."""
LARGEST_BATCH = 1024


class BatchSize:
    """How many items to work on at once, learned from how long they took: 1 slow one, up to 1024 quick ones."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: int = 1

    def learn(self, done: int, seconds: float, aim: float = BATCH_SECONDS) -> None:
        """Take note of a batch, which should take `aim` seconds.

        A full one that was quick makes the next one up to eight times as large.
        """
        if seconds > 2 * aim:
            self.items = max(1, int(done * aim / seconds))
        elif seconds < aim / 2 and done >= self.items:
            fitting = int(done * aim / seconds) if seconds > 0 else LARGEST_BATCH
            self.items = min(self.items * 8, fitting, LARGEST_BATCH)


class TimeSlice:
    """When the running task has to let the others run."""

    __slots__ = ("clock", "until")

    def __init__(self) -> None:
        self.clock: Callable[[], float] = perf_counter
        self.until: float = 0.0

    async def pause(self) -> None:
        """Check for cancellation, let every other runnable task run once, and begin a new slice."""
        await trio.lowlevel.checkpoint()
        self.begin()

    def begin(self) -> None:
        """Other tasks have just had their turn."""
        self.until = self.clock() + SLICE


time_slice: TimeSlice = TimeSlice()


def turns_of(task: trio.lowlevel.Task) -> int:
    """How often a task has let others run; with a trio that does not count it, always 0."""
    return getattr(task, "_schedule_points", 0)
