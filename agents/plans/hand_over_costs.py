"""What it costs to hand an item over, for the plans: to a stage, and to the program that takes the results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from penstock.blocks.base.checks import check_number

KIND: Final = "HandOverCosts"
POINTS: Final = (0.0, 1e-4, 1e-3)
"""Seconds of work for each item, at which the costs are known. Quick items are handed over in groups."""
CURVES: Final = (
    "threads_loop",
    "threads_worker",
    "single_loop",
    "single_worker",
    "processes",
    "caller_loop",
    "caller",
)
Costs = tuple[float, ...]
"""A number for each of these."""


def _costs(values: Iterable[float]) -> Costs:
    given = tuple(values)
    if len(given) != len(POINTS):
        raise ValueError(f"{KIND}: a cost must be {len(POINTS)} numbers, got {given!r}")
    return given


@attrs.frozen
class CallerCost:
    """Seconds that the caller's side of a pipeline costs for each item.

    Attributes:
        processor: Of processor time.
        loop: Of the loop.
    """

    processor: float
    loop: float


@attrs.frozen(kw_only=True)
class HandOverCosts:
    """Seconds that it costs to hand one item over. `Pipeline.run_profile` measures them on the machine where it runs.

    Quick items cost less, because they are handed over in groups. So most costs are three numbers: for an item that
    takes next to no time, for one that takes 0.1 ms, and for one that takes 1 ms or more; between these they are
    interpolated. All of it is processor time, and time with the interpreter lock. The defaults are those of a virtual
    machine with two cores.

    Attributes:
        loop: Of the loop, for a stage on the loop: one number.
        threads_loop: Of the loop, for a stage in threads with two workers or more.
        threads_worker: Of a worker of such a stage.
        single_loop: Of the loop, for a stage in threads with one worker, which waits for each item more often.
        single_worker: Of this worker.
        processes: Of each side, for a stage in processes; it costs no less than one in threads.
        caller_loop: Of the loop, for the source and for the results on their way to another thread.
        caller: Of the thread that iterates over the results.

    Raises:
        ValueError: A cost is no number >= 0, or there are not three of them.
    """

    loop: float = 3e-7
    threads_loop: Costs = attrs.field(default=(1e-6, 2.5e-5, 5e-5), converter=_costs)
    threads_worker: Costs = attrs.field(default=(1.5e-6, 1e-5, 3e-5), converter=_costs)
    single_loop: Costs = attrs.field(default=(1e-6, 2.5e-5, 5e-5), converter=_costs)
    single_worker: Costs = attrs.field(default=(1.5e-6, 1e-5, 3e-5), converter=_costs)
    processes: Costs = attrs.field(default=(1e-5, 2e-5, 1.1e-4), converter=_costs)
    caller_loop: Costs = attrs.field(default=(1e-6, 1e-5, 8e-5), converter=_costs)
    caller: Costs = attrs.field(default=(5e-7, 5e-6, 1.5e-5), converter=_costs)

    def __attrs_post_init__(self) -> None:
        check_number(KIND, "loop", self.loop)
        for what in CURVES:
            for value in getattr(self, what):
                check_number(KIND, what, value)

    def to_threads(self, seconds: float) -> tuple[float, float]:
        """The cost of a stage that works some seconds on each item: of the loop, and of one of several workers."""
        return at(self.threads_loop, seconds), at(self.threads_worker, seconds)

    def to_thread(self, seconds: float) -> tuple[float, float]:
        """The same with one worker."""
        return at(self.single_loop, seconds), at(self.single_worker, seconds)

    def to_processes(self, seconds: float) -> float:
        """The cost of a stage in processes, of each side."""
        return max(at(self.processes, seconds), sum(self.to_threads(seconds)))

    def to_caller(self, seconds: float) -> CallerCost:
        """The cost of the source and of the caller, if all stages together work some seconds on each item."""
        loop = at(self.caller_loop, seconds)
        return CallerCost(loop + at(self.caller, seconds), loop)

    @property
    def most(self) -> float:
        """More than any stage and the caller cost for an item."""
        curves: list[Costs] = [getattr(self, what) for what in CURVES]
        return self.loop + sum(map(max, curves))


def at(costs: Costs, seconds: float) -> float:
    """The cost of an item that takes some seconds."""
    for place in range(2):
        start, stop = POINTS[place : place + 2]
        if seconds < stop:
            share = (seconds - start) / (stop - start)
            return costs[place] + share * (costs[place + 1] - costs[place])
    return costs[-1]
