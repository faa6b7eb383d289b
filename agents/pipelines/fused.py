"""Several functions as one: the same worker calls them for an item, one after the other.

It is sent to worker processes, so this module imports little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from time import perf_counter
from typing import Any, Literal

import attrs

from penstock.blocks.base.callables import NOT_RUN, check_answer, not_run
from penstock.blocks.base.statistics import PartStatistics

from .fused_meter import AwayMeter, FusedMeter

Mode = Literal["map", "filter", "tap"]
FusedStep = tuple[Callable[[Any], Any], Mode, str]


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


def _as_steps(fused: Fused) -> tuple[FusedStep, ...]:
    return tuple((task.function, task.mode, task.name) for task in fused.tasks)


@attrs.frozen
class Fused:
    """Calls functions one after the other.

    Attributes:
        tasks: The functions.
        meter: Their times in this run; in a worker process, what sends them home. None if they are not measured.
        steps: The functions with their modes and names, as the quickest form of `tasks`.
    """

    tasks: tuple[FusedTask, ...]
    meter: FusedMeter | AwayMeter | None = None
    steps: tuple[FusedStep, ...] = attrs.field(init=False, default=attrs.Factory(_as_steps, takes_self=True))

    def part_statistics(self, items: int) -> tuple[PartStatistics, ...]:
        """The numbers of each function, after a number of items; nothing where they are not known."""
        names = [task.name for task in self.tasks]
        return self.meter.statistics(names, items) if isinstance(self.meter, FusedMeter) else ()

    def __call__(self, item: Any) -> Any:
        """Return the result of the last function; `Mark.DROPPED` if a filter drops the item.

        In a worker process, the result of some calls is a `Report`, which is the result when it has come home.

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

    def _measured(self, item: Any, meter: FusedMeter | AwayMeter) -> Any:
        """The same, with the time of each function."""
        meter.left = math.inf  # until this call is done, no other one is measured, except at the very same moment
        seconds: list[float] = []
        try:
            for task in self.tasks:
                start = perf_counter()
                item = Fused((task,))(item)
                seconds.append(perf_counter() - start)
                if item is Mark.DROPPED:
                    break
        except BaseException:
            meter.failed(seconds)
            raise
        return meter.done(item, seconds, len(seconds) - 1 if item is Mark.DROPPED else None)

    def _dropped(self, name: str) -> Any:
        """Count an item that a filter drops."""
        if self.meter is None:
            return Mark.DROPPED
        return self.meter.done(Mark.DROPPED, (), [task.name for task in self.tasks].index(name))


def check_ran(mode: Mode, name: str, answer: object) -> None:
    """Raise a `TypeError` if a function has not run, for example because it is asynchronous."""
    if mode == "filter":
        check_answer(f"filter {name!r}", "the predicate", answer)
    raise not_run(repr(name), answer)


def is_kept(result: object) -> bool:
    """Whether no filter has dropped the item."""
    return result is not Mark.DROPPED
