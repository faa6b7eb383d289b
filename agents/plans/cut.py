"""Cuts a chain of tasks into stages: the smallest period, then the fewest cores, workers and stages. Exact.

The period is the time from one result to the next. It is at least

- the seconds of each stage, with its hand-over, divided by its workers;
- the processor time of all stages, divided by the cores: there may be more workers than cores, which then share them;
- the seconds for which all stages in this process hold the interpreter lock;
- the seconds for which the loop works: its own stages, and the hand-overs of all others.

To the last three, the source and the caller who takes the results add the same costs in each cut.

Whether a period can be kept is found out from the left: for each prefix of the chain, the ways to cut it that are not
worse than another one in each of these sums. The smallest period is found by bisection; each success brings the search
down to the period of a real cut, so the result is the period of a real cut, and no cut is faster by more than one part
in a billion.

The problem of a thread for each core is that of Orhan et al., "Scheduling Strategies for Partially-Replicable Task
Chains", Journal of Parallel and Distributed Computing 204 (2025), 105106. For three tasks of one second, the middle one
with a state, and two cores, its best cut has a period of two seconds. Three threads that share the cores need one and a
half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import attrs

from .hand_over_costs import CallerCost, HandOverCosts
from .plan_task import PlanTask

ExecutorKind = Literal["threads", "processes", "loop", "as written"]
ON_LOOP: Final = ("loop", "as written")
"""The kinds of stages without workers."""
PRECISION: Final = 1e-9
"""The relative precision of the period."""
LONG_ON_LOOP: Final = 2e-4
"""Seconds for which the plain functions of a stage may hold the loop for each item."""
MOST_WORKERS: Final = 64
"""The greatest number of workers of a stage; tasks that wait could use any number."""


@attrs.frozen
class Way:
    """One way to run the tasks from `start` up to, not including, `stop` as one stage.

    Attributes:
        start: The number of the first task.
        stop: The number after the last task.
        executor: Where it runs.
        seconds: Seconds of one worker for each item, with the hand-over.
        processor: Seconds of processor time, with the hand-over.
        lock: Seconds with the interpreter lock of this process.
        loop: Seconds of the loop.
        is_replicable: Whether it can have any number of workers.
        least: The fewest workers.
    """

    start: int
    stop: int
    executor: ExecutorKind
    seconds: float
    processor: float
    lock: float
    loop: float
    is_replicable: bool
    least: int = 1

    def workers_for(self, period: float) -> int | None:
        """Return the fewest workers that keep a period; None if none can."""
        if self.seconds <= period * self.least:
            return self.least
        workers = math.ceil(self.seconds / period)
        return workers if self.is_replicable and workers <= MOST_WORKERS else None


@attrs.frozen
class CutStage:
    """A stage of a cut."""

    way: Way
    workers: int


@attrs.frozen
class Cut:
    """A chain that is cut into stages.

    Attributes:
        stages: The stages, in order.
        cores: The number of cores that there are.
        caller: What the source and the caller cost.
    """

    stages: tuple[CutStage, ...]
    cores: int
    caller: CallerCost

    @property
    def processor(self) -> float:
        """Seconds of processor time, for each item."""
        return self.caller.processor + sum(stage.way.processor for stage in self.stages)

    @property
    def lock(self) -> float:
        """Seconds for which the interpreter lock of this process is held, for each item."""
        return self.caller.processor + sum(stage.way.lock for stage in self.stages)

    @property
    def loop(self) -> float:
        """Seconds for which the loop works, for each item."""
        return self.caller.loop + sum(stage.way.loop for stage in self.stages)

    @property
    def period(self) -> float:
        """Seconds from one result to the next."""
        slowest = max(stage.way.seconds / stage.workers for stage in self.stages)
        return max(slowest, self.processor / self.cores, self.lock, self.loop)

    @property
    def workers(self) -> int:
        """The number of workers in threads and processes."""
        return sum(stage.workers for stage in self.stages if stage.way.executor not in ON_LOOP)

    def cores_for(self, period: float) -> int:
        """The number of cores that it needs for a period."""
        return math.ceil(self.processor / period - 1e-6)


# A label is a way to cut a prefix: (processor, lock, loop, workers, stages, processes, last way, its workers, the label
# before). The first three numbers, and in the last search the next three, decide which label is worse.
Label = tuple[Any, ...]


class Cutter:
    """Finds the best cut of a chain.

    Args:
        tasks: The tasks; their seconds with the lock are known.
        item_copy_seconds: Seconds to pickle an item of the source and to make it again; None if it cannot be pickled.
        hand_over: The costs of a stage and of the caller.
    """

    def __init__(
        self,
        tasks: Sequence[PlanTask],
        item_copy_seconds: float | None = 0.0,
        hand_over: HandOverCosts | None = None,
    ) -> None:
        self._tasks = tasks
        self._copies = [item_copy_seconds, *(task.copy_seconds for task in tasks)]
        self._hand_over = hand_over or HandOverCosts()
        self._ways = [self._ways_to(stop) for stop in range(len(tasks) + 1)]
        self._rest = self._least_rest()
        self._caller = self._hand_over.to_caller(sum(task.busy_seconds for task in tasks))

    def best(self, cores: int) -> Cut:
        """Return the best cut for a number of cores."""
        low, cut = 0.0, self._found(self._worst(), cores)
        assert cut is not None
        while cut.period - low > PRECISION * cut.period:
            middle = (low + cut.period) / 2
            better = self._found(middle, cores)
            if better is None:
                low = middle
            else:
                cut = better
        period = cut.period * (1 + PRECISION)
        return min(self._fits(period, cores, True), key=lambda found: (found.cores_for(period), *costs_of(found)))

    def _worst(self) -> float:
        """A period that some cut keeps, whatever the rounding."""
        copies = sum(copy or 0.0 for copy in self._copies)
        hand_overs = (1 + 2 * len(self._tasks)) * self._hand_over.most
        return 2 * (sum(task.seconds for task in self._tasks) + hand_overs + copies)

    def _found(self, period: float, cores: int) -> Cut | None:
        """The quickest of the cuts that were found for a period; None if there is none."""
        return min(self._fits(period, cores, False), key=lambda cut: cut.period, default=None)

    def _fits(self, period: float, cores: int, is_last: bool) -> list[Cut]:
        """The cuts that keep a period, as far as none is worse than another one."""
        caller = self._caller
        fronts: list[list[Label]] = [[(caller.processor, caller.processor, caller.loop, 0, 0, 0, None, 0, None)]]
        for stop in range(1, len(self._tasks) + 1):
            labels: list[Label] = []
            rest = self._rest[stop]
            for way in self._ways[stop]:
                workers = way.workers_for(period)
                if workers is None:
                    continue
                more = (0 if way.executor in ON_LOOP else workers, 1, int(way.executor == "processes"))
                for before in fronts[way.start]:
                    processor, lock, loop = before[0] + way.processor, before[1] + way.lock, before[2] + way.loop
                    if processor + rest[0] <= cores * period and lock + rest[1] <= period and loop + rest[2] <= period:
                        counts = [a + b for a, b in zip(before[3:6], more, strict=True)] if is_last else (0, 0, 0)
                        labels.append((processor, lock, loop, *counts, way, workers, before))
            fronts.append(undominated(labels))
        return [Cut(stages_of(label), cores, caller) for label in fronts[-1]]

    def _ways_to(self, stop: int) -> list[Way]:
        """All ways to run some tasks before `stop` as one stage."""
        ways: list[Way] = []
        seconds = processor = lock = 0.0
        for start in range(stop - 1, -1, -1):
            tasks = self._tasks[start:stop]
            if len(tasks) > 1 and any(task.is_alone or task.is_fixed for task in tasks):
                break
            seconds += tasks[0].seconds
            processor += tasks[0].busy_seconds
            lock += tasks[0].lock_seconds or 0.0
            ways += self._ways_of(start, stop, seconds, processor, lock)
        return ways

    def _ways_of(self, start: int, stop: int, seconds: float, processor: float, lock: float) -> list[Way]:
        """The ways to run these tasks as one stage."""
        tasks, costs = self._tasks[start:stop], self._hand_over
        extra = costs.loop
        held = (processor if tasks[0].is_fixed else seconds) + extra
        on_loop = Way(start, stop, "loop", seconds + extra, processor + extra, lock + extra, held, False)
        if tasks[0].is_fixed:
            return [attrs.evolve(on_loop, executor="as written")]
        is_replicable = all(task.is_replicable for task in tasks)
        ways: list[Way] = []
        for least in (1, 2) if is_replicable else (1,):
            loop, worker = costs.to_thread(seconds) if least == 1 else costs.to_threads(seconds)
            extra = loop + worker
            sums = (seconds + extra, processor + extra, lock + extra, loop)
            ways.append(Way(start, stop, "threads", *sums, least > 1, least))
        if seconds <= LONG_ON_LOOP:
            ways.append(on_loop)
        taken, given = self._copies[start], self._copies[stop]
        if is_replicable and all(task.in_processes for task in tasks) and taken is not None and given is not None:
            extra = costs.to_processes(seconds)
            here = extra + (taken + given) / 2  # one half of a copy is made here, the other one there
            there = seconds + extra + taken + given
            ways.append(Way(start, stop, "processes", there, processor + 2 * here, here, here, True))
        return ways

    def _least_rest(self) -> list[tuple[float, float, float]]:
        """For each prefix, the least processor time, and time with the lock and of the loop, of the tasks behind it."""
        rest = [(0.0, 0.0, 0.0)]
        for task in reversed(self._tasks):
            lock = 0.0 if task.is_replicable and task.in_processes else task.lock_seconds or 0.0
            loop = task.busy_seconds if task.is_fixed else 0.0
            rest.append((rest[-1][0] + task.busy_seconds, rest[-1][1] + lock, rest[-1][2] + loop))
        return rest[::-1]


def costs_of(cut: Cut) -> tuple[float, ...]:
    """What decides between cuts with the same period and cores: few workers, stages and processes, a free loop."""
    processes = sum(stage.way.executor == "processes" for stage in cut.stages)
    return cut.workers, len(cut.stages), processes, cut.loop, cut.lock


def undominated(labels: list[Label]) -> list[Label]:
    """The labels that no other one betters or equals in each number."""
    labels.sort(key=lambda label: label[:6])
    kept: list[Label] = []
    for label in labels:
        _, lock, loop, workers, stages, processes = label[:6]  # none of those before it has more processor time
        if not any(
            other[1] <= lock
            and other[2] <= loop
            and other[3] <= workers
            and other[4] <= stages
            and other[5] <= processes
            for other in kept
        ):
            kept.append(label)
    return kept


def stages_of(label: Label) -> tuple[CutStage, ...]:
    """The stages that a label stands for."""
    stages: list[CutStage] = []
    while label[6] is not None:
        stages.append(CutStage(label[6], label[7]))
        label = label[8]
    return tuple(reversed(stages))
