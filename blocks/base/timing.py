"""The clock for the size of batches and the time slice, and the pause that lets other tasks run.

Cheap operations run without a pause until the time slice ends, because a trio checkpoint costs as much as a hundred
messages. The clock is looked up here at each use, so that tests can replace it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import trio

SLICE = 0.0005
"""Seconds for which a task may send and receive without waiting before it lets other tasks run."""

BATCH_SECONDS = 0.0002
"""Seconds that work on one batch should take: long enough to spread the cost of a step, short enough to stream."""
LARGEST_BATCH = 1024
SHORT = 2e-5
"""Seconds; if a batch took less, the processor time of the next one is taken to be its duration, and not read."""


class BatchSize:
    """How many items to work on at once, learned from their times: from 1 slow item up to 1024 quick items."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: int = 1

    def learn(self, done: int, seconds: float, aim: float = BATCH_SECONDS) -> None:
        """Adapt the size to the time of a batch, which should take `aim` seconds.

        A full batch that was quick makes the next batch up to eight times as large.
        """
        if seconds > 2 * aim:
            self.items = max(1, int(done * aim / seconds))
        elif seconds < aim / 2 and done >= self.items:
            fitting = int(done * aim / seconds) if seconds > 0 else LARGEST_BATCH
            self.items = min(self.items * 8, fitting, LARGEST_BATCH)


class TimeSlice:
    """Knows when the running task must let other tasks run."""

    __slots__ = ("clock", "until")

    def __init__(self) -> None:
        self.clock: Callable[[], float] = perf_counter
        self.until: float = 0.0

    async def pause(self) -> None:
        """Check for cancellation, let every other runnable task run once, and begin a new slice."""
        await trio.lowlevel.checkpoint()
        self.begin()

    def begin(self) -> None:
        """Begin a new slice, after other tasks have run."""
        self.until = self.clock() + SLICE


time_slice: TimeSlice = TimeSlice()


def turns_of(task: trio.lowlevel.Task) -> int:
    """Return how often a task has let others run; always 0 if this version of trio does not count that."""
    return getattr(task, "_schedule_points", 0)
