"""Several functions as one: the same worker calls them for an item, one after the other.

It is sent to worker processes, so this module imports little.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from enum import Enum
from time import perf_counter
from typing import Any, Literal

import attrs

from penstock.blocks.base.callables import NOT_RUN, check_answer, not_run
from penstock.blocks.base.statistics import PartStatistics
from penstock.blocks.base.times import Histogram

Mode = Literal["map", "filter", "tap"]
FusedStep = tuple[Callable[[Any], Any], Mode, str]
LONG = 2e-3
"""Seconds of a call, from which on every call is measured; of quicker ones only some are, about one in this time."""
SELDOM = 4096
"""At least one call in this number is measured."""


class Mark(Enum):
    """What comes out instead of a result."""

    DROPPED = "dropped"


@attrs.frozen
class FusedTask:
    """One of the functions.

    Attributes:
        name: The name of the task.
        mode: What becomes of its result.
        function: The function.
    """

    name: str
    mode: Mode
    function: Callable[[Any], Any]


class FusedMeter:
    """The times of the functions in one run, and how many items have not come to the next function.

    To measure all functions costs about as much as a few quick ones. So it is done for so few calls that it needs about
    a hundredth of their time.

    Attributes:
        left: How many calls there are until the next one that is measured, which is included; infinite for none.
    """

    __slots__ = ("_ended", "_lock", "_times", "left")

    def __init__(self, tasks: int) -> None:
        self.left: float = 1
        self._lock = threading.Lock()
        self._times = [Histogram() for _ in range(tasks)]
        self._ended = [0] * tasks

    def ended(self, place: int) -> None:
        """Note that an item has gone no further than to the function at a place."""
        with self._lock:
            self._ended[place] += 1

    def add(self, seconds: list[float]) -> None:
        """Add the times of the functions in one call, and say which call is measured next."""
        total = sum(seconds)
        with self._lock:
            for times, each in zip(self._times, seconds, strict=False):  # not all, if the item was dropped
                times.add(each)
            self.left = 1 if total >= LONG else min(SELDOM, 1 + int(LONG / max(total, 1e-9)))

    def statistics(self, tasks: tuple[FusedTask, ...], items: int) -> tuple[PartStatistics, ...]:
        """The numbers of each function, after a number of items."""
        parts: list[PartStatistics] = []
        with self._lock:
            for task, times, ended in zip(tasks, self._times, self._ended, strict=True):
                parts.append(PartStatistics(task.name, max(items, times.summary().count), times.summary()))
                items -= ended
        return tuple(parts)


def _as_steps(fused: Fused) -> tuple[FusedStep, ...]:
    return tuple((task.function, task.mode, task.name) for task in fused.tasks)


@attrs.frozen
class Fused:
    """Calls functions one after the other.

    Attributes:
        tasks: The functions.
        meter: Their times in this run; None if they are not measured, because they are called in other processes.
        steps: The functions with their modes and names, as the quickest form of `tasks`.
    """

    tasks: tuple[FusedTask, ...]
    meter: FusedMeter | None = None
    steps: tuple[FusedStep, ...] = attrs.field(init=False, default=attrs.Factory(_as_steps, takes_self=True))

    def part_statistics(self, items: int) -> tuple[PartStatistics, ...]:
        """The numbers of each function, after a number of items."""
        return () if self.meter is None else self.meter.statistics(self.tasks, items)

    def __call__(self, item: Any) -> Any:
        """Return the result of the last function; `Mark.DROPPED` if a filter drops the item.

        An exception gets a note that names the task.
        """
        meter = self.meter
        if meter is not None:
            meter.left -= 1
            if meter.left < 1:
                return self._measured(item, meter)
        name = ""
        try:
            for function, mode, name in self.steps:
                answer = function(item)
                if type(answer) in NOT_RUN:
                    check_ran(mode, name, answer)
                if mode == "map":
                    item = answer
                elif mode == "filter" and answer is not True:
                    check_answer(f"filter {name!r}", "the predicate", answer)
                    if not answer:
                        return self._dropped(name)
        except Exception as error:
            error.add_note(f"in the task {name!r}")
            raise
        return item

    def _measured(self, item: Any, meter: FusedMeter) -> Any:
        """The same, with the time of each function."""
        meter.left = math.inf  # until this call is done, no other one is measured, except at the very same moment
        seconds: list[float] = []
        try:
            for place, task in enumerate(self.tasks):
                start = perf_counter()
                item = Fused((task,))(item)
                seconds.append(perf_counter() - start)
                if item is Mark.DROPPED:
                    meter.ended(place)
                    break
        finally:
            meter.add(seconds)
        return item

    def _dropped(self, name: str) -> Mark:
        """Count an item that a filter drops."""
        if self.meter is not None:
            self.meter.ended([task.name for task in self.tasks].index(name))
        return Mark.DROPPED


def check_ran(mode: Mode, name: str, answer: object) -> None:
    """Raise a `TypeError` if a function has not run, for example because it is asynchronous."""
    if mode == "filter":
        check_answer(f"filter {name!r}", "the predicate", answer)
    raise not_run(repr(name), answer)


def is_kept(result: object) -> bool:
    """Whether no filter has dropped the item."""
    return result is not Mark.DROPPED
