"""Measures what it costs to hand an item over, with short runs of pipelines of one and of two stages in threads.

It is measured as processor time, which is nearly the same on a busy machine. What the second stage adds to the time of
the loop is the cost of a stage; the rest is that of the source and the results.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from statistics import fmean, median
from typing import Any, Final

import attrs

from penstock.agents.plans.gauge import Gauge
from penstock.agents.plans.hand_over_costs import POINTS, HandOverCosts
from penstock.blocks import Threads, Transformer

from .run import Run
from .steps import Step, step_of

WHO: Final = "Pipeline.profile"
NAME: Final = "hand-over probe"
SHAPES: Final = ((1,), (2,), (2, 2))
"""The stages of the pipelines, with the number of their workers."""
ROUNDS: Final = 3
COUNTS: Final = (600, 200, 40)
"""The number of items in one run, for each of the points."""
LEAST: Final = 0.25
"""A stage costs at least this share of the time of the loop; less is an error of the measurement."""
LONG_TICK: Final = 1e-3
"""A processor clock with longer ticks cannot measure it."""
SAMPLE: Final = 100_000
"""The number of bytes with which the speed of the hash is measured."""


@attrs.frozen
class Seen:
    """Seconds of processor time for each item of a run, besides the work.

    Attributes:
        loop: Of the loop.
        worker: Of a worker of one stage.
        caller: Of the thread that took the results.
    """

    loop: float
    worker: float
    caller: float


class Work:
    """Works for some time without the interpreter lock, and notes what its workers do between two items.

    Attributes:
        gaps: Seconds of processor time from the end of one call to the start of the next one in the same thread.
    """

    def __init__(self, data: bytes, clock: Callable[[], float]) -> None:
        self.gaps: list[float] = []
        self._data = data
        self._clock = clock
        self._here = threading.local()

    def __call__(self, item: int) -> int:
        start, end = self._clock(), getattr(self._here, "end", None)
        if end is not None:
            self.gaps.append(start - end)
        if self._data:
            hashlib.sha256(self._data)
        self._here.end = self._clock()
        return item


class Lap:
    """Notes the processor time of its thread between two items.

    Attributes:
        marks: The time at each of them.
    """

    def __init__(self, first: int, last: int, clock: Callable[[], float]) -> None:
        self.marks: list[float] = []
        self._items = (first, last)
        self._clock = clock

    def __call__(self, item: int) -> int:
        if item in self._items:
            self.marks.append(self._clock())
        return item

    @property
    def each(self) -> float:
        """Seconds for each item."""
        (first, last), (start, end) = self._items, self.marks
        return (end - start) / (last - first)


def measure_hand_over(gauge: Gauge) -> HandOverCosts:
    """Measure the costs; call it in a thread without a loop."""
    if gauge.tick > LONG_TICK:
        return HandOverCosts()
    speed = hash_speed(gauge)
    parts: list[tuple[float, ...]] = []
    for seconds, count in zip(POINTS, COUNTS, strict=True):
        data = bytes(int(seconds * speed))
        rounds = [[run_once(shape, data, count, gauge) for shape in SHAPES] for _ in range(ROUNDS)]
        parts.append(parted(*map(typical, zip(*rounds, strict=True))))
    alone, worker_alone, stage, worker, source, caller = zip(*parts, strict=True)
    return HandOverCosts(
        threads_loop=stage,
        threads_worker=worker,
        single_loop=alone,
        single_worker=worker_alone,
        caller_loop=source,
        caller=caller,
    )


def hash_speed(gauge: Gauge) -> float:
    """How many bytes the hash takes in a second."""
    data, times = bytes(SAMPLE), list[float]()
    for _ in range(5):
        start = gauge.wall()
        hashlib.sha256(data)
        times.append(gauge.wall() - start)
    return SAMPLE / min(times)


def run_once(shape: tuple[int, ...], data: bytes, count: int, gauge: Gauge) -> Seen:
    """Run a pipeline whose stages have some numbers of threads."""
    works = [Work(data, gauge.processor) for _ in shape]
    loop, caller = (Lap(count // 4, count - 1, gauge.processor) for _ in range(2))
    steps = [
        *(step(work, executor=Threads(size), concurrency=size) for work, size in zip(works, shape, strict=True)),
        step(loop),
    ]
    for item in Run[int](steps, range(count), {}, False):
        caller(item)
    return Seen(loop.each, fmean(gap for work in works for gap in work.gaps), caller.each)


def step(function: Callable[[int], int], **options: Any) -> Step:
    """A step that calls a function."""
    return step_of(WHO, Transformer, (function,), {**options, "name": NAME}, NAME)


def typical(runs: tuple[Seen, ...]) -> Seen:
    """The medians of some runs."""
    return Seen(*(median(values) for values in zip(*map(attrs.astuple, runs), strict=True)))


def parted(single: Seen, one: Seen, two: Seen) -> tuple[float, ...]:
    """Return the costs from a run with one worker, and from runs with one and two stages of two workers."""
    stage = min(max(two.loop - one.loop, LEAST * one.loop), one.loop)
    source = one.loop - stage
    alone = max(single.loop - source, LEAST * single.loop)
    return alone, single.worker, stage, two.worker, source, (one.caller + two.caller) / 2
