"""The times of a block's calls and of its waits, measured per batch.

A block is always in one of three states: it works (or waits for the loop or a worker), it has no input, or it cannot go
on because no target takes its results. The periods in the last two states are its waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from time import thread_time

import attrs

from ..base.activity import Activity
from ..base.statistics import BlockStatistics
from ..base.times import NEVER, Histogram, Times
from ..base.timing import LARGEST_BATCH, SHORT, time_slice


class State(Enum):
    """What a block that calls a function is doing."""

    WORKING = "working"
    NO_INPUT = "no input"
    NO_OUTPUT = "no output"


WORKING, NO_INPUT, NO_OUTPUT = State
ACTIVITIES = {NO_INPUT: Activity.WAIT_FOR_INPUT, NO_OUTPUT: Activity.WAIT_FOR_OUTPUT}


class CallMeter:
    """The measurements of one block.

    Attributes:
        items: How many calls there were.
        seconds: Wall-clock seconds, summed over all calls, including calls that ran at the same time.
        cpu: Seconds of processor time; unknown for async functions.
        first_items: How many calls were in the first batch.
        first_at: When the first batch was done.
        last_at: When the last batch was done.
        started: When the present batch was started, or the last one.
        on_wait: Called with each wait that is over.
    """

    __slots__ = (
        "_counted",
        "_cpu_from",
        "_lasted",
        "_needed",
        "_no_input",
        "_no_output",
        "cpu",
        "first_at",
        "first_items",
        "items",
        "last_at",
        "on_wait",
        "seconds",
        "service",
        "since",
        "started",
        "state",
    )

    def __init__(self) -> None:
        self.items: int = 0
        self.seconds: float = 0.0
        self.cpu: float = 0.0
        self.first_items: int = 0
        self.first_at: float = 0.0
        self.last_at: float = 0.0
        self.service: Histogram | None = None
        self.state: State = WORKING
        self.since: float = 0.0
        self.started: float = 0.0
        self._cpu_from: float | None = None
        self._lasted: float = math.inf
        self.on_wait: Callable[[Activity, float, float], None] | None = None
        self._counted: float = 0.0  # of `seconds`, those before the concurrency was changed last
        self._needed: float = 0.0  # the time for them, as calls at the same time share theirs
        self._no_input: Histogram | None = None
        self._no_output: Histogram | None = None

    def start(self, size: int = 0) -> None:
        """Start the clocks for a batch of calls on the loop.

        The processor time is not read for a batch of the largest size, nor after a short batch: quick calls cost less
        than that, and do not wait.
        """
        is_quick = size >= LARGEST_BATCH or self._lasted <= SHORT
        self._cpu_from = None if is_quick else thread_time()
        self.started = time_slice.clock()

    def stop(self, items: int) -> float:
        """Add the calls that were made since `start`; return how many seconds they took."""
        now = time_slice.clock()
        seconds = self._lasted = now - self.started
        self.add(items, seconds, seconds if self._cpu_from is None else thread_time() - self._cpu_from, now)
        return seconds

    def add(self, items: int, seconds: float, cpu: float, now: float) -> None:
        """Add calls that are done; with 0 items, add only processor time."""
        self.cpu += cpu
        if not items:
            return
        self.seconds += seconds
        self.items += items
        if self.service is None:
            self.service = Histogram()
        self.service.add(seconds / items, items)
        self.last_at = now
        if not self.first_items:
            self.first_items = items
            self.first_at = now

    def concurrency_was(self, at_once: int) -> None:
        """Note, before a change, how many of the calls so far ran at once."""
        self._needed += (self.seconds - self._counted) / at_once
        self._counted = self.seconds

    def mean_at_once(self, at_once: int) -> float:
        """The average number of calls at once, over the time of the calls; `at_once` is the present number."""
        if not self._counted:
            return at_once
        return self.seconds / (self._needed + (self.seconds - self._counted) / at_once)

    def change(self, state: State) -> None:
        """Enter another state, and record the period in the last one if it was a wait."""
        now = time_slice.clock()
        if self.state is not WORKING:
            waits = self._no_input if self.state is NO_INPUT else self._no_output
            if waits is None:
                waits = self._first_wait()
            waits.add(now - self.since)
            if self.on_wait is not None:
                self.on_wait(ACTIVITIES[self.state], self.since, now)
        self.state = state
        self.since = now

    def _first_wait(self) -> Histogram:
        """Make the histogram of the current state, which is a wait."""
        waits = Histogram()
        if self.state is NO_INPUT:
            self._no_input = waits
        else:
            self._no_output = waits
        return waits

    def wait(self, state: State) -> Times:
        """The periods in a state, including the current one."""
        waits = (self._no_input if state is NO_INPUT else self._no_output) or Histogram()
        return waits.summary(time_slice.clock() - self.since if state is self.state else None)

    def steady(self) -> float:
        """Calls per second between the first batch and the last; 0 if there was only one."""
        seconds = self.last_at - self.first_at
        return (self.items - self.first_items) / seconds if seconds > 0 else 0.0


def with_times(meter: CallMeter, statistics: BlockStatistics, seconds: float) -> BlockStatistics:
    """Add the measurements of a function's calls, or of reading an iterable, to the statistics."""
    return attrs.evolve(
        statistics,
        service=NEVER if meter.service is None else meter.service.summary(),
        mean_at_once=meter.mean_at_once(statistics.at_once),
        cpu=meter.cpu,
        wait_for_input=meter.wait(NO_INPUT),
        wait_for_output=meter.wait(NO_OUTPUT),
        throughput=meter.items / seconds if seconds > 0 else 0.0,
        steady_throughput=meter.steady(),
    )
