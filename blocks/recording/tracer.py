"""Writes what the stages of a running network do into a recording; it exists only with a recording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from typing import Any

import trio

from ..base.activity import Activity
from ..base.error_info import shorten
from ..base.timing import time_slice
from ..core.carried import plain
from ..core.observer import Work
from .item_numbers import ItemNumbers
from .kept_spans import WORK, KeptSpans
from .routes import Routes
from .task_trace import TaskTrace

MOST_ON_THE_WAY = 100_000
"""Maximum number of in-transit items tracked, independent of how many spans are kept."""


class Tracer:
    """Tracks the numbers of items, and writes spans.

    Args:
        kept: Keeps the spans.
        routes: Say which stage can get an item from which place.

    Attributes:
        numbers: The numbers of the items in transit.
        current: The work that each task does now.
    """

    def __init__(self, kept: KeptSpans, routes: Routes) -> None:
        self.numbers: ItemNumbers = ItemNumbers(MOST_ON_THE_WAY, routes)
        self.current: dict[trio.lowlevel.Task, Work] = {}
        self._take = self.numbers.take
        self._give = self.numbers.give
        self._add = kept.add
        self._serial = kept.serial
        self._began = time_slice.clock()
        self._workers: dict[tuple[str, str], str] = {}
        self._count: dict[str, int] = {}

    def seconds(self) -> float:
        """The seconds since the tracer began."""
        return time_slice.clock() - self._began

    def task(self, name: str) -> TaskTrace:
        """Make a trace that records what a task does from now on."""
        return TaskTrace(self, name)

    def strangers(self) -> None:
        """Record no other tasks."""

    # Spans

    def begin(self, stage: str, item: object) -> Work:
        """Begin the work of a stage on an item."""
        return Work(stage, self._take(item, stage), shorten(plain(item)), time_slice.clock())

    def begin_all(self, stage: str, items: Iterable[object]) -> list[Work]:
        """Begin the work of a stage on several items, which it gets at once."""
        take, now = self._take, time_slice.clock()
        return [Work(stage, take(item, stage), shorten(plain(item)), now) for item in items]

    def end(
        self,
        work: Work,
        worker: str = "",
        error: BaseException | None = None,
        times: tuple[float, float] | None = None,
    ) -> None:
        """End the work on an item and write its span.

        Args:
            work: The work.
            worker: The worker that did it, if the stage has several.
            error: The error with which it failed; None if it did not.
            times: Its start and end; None means from its beginning until now.
        """
        stage, number, label, start = work
        now = time_slice.clock()
        end = now
        if times is not None:
            start, end = times if start <= times[0] <= times[1] <= now else within(times, start, now)
        what = "" if error is None else shorten(error)
        row = self.row(stage, worker) if worker else stage
        began = self._began
        self._add((self._serial(), stage, row, number, start - began, end - began, WORK, label, what))

    def add(
        self,
        stage: str,
        worker: str,
        number: int,
        start: float,
        end: float,
        activity: Activity,
        label: str = "",
        error: str = "",
    ) -> None:
        """Write a span; the times are those of `time_slice.clock`."""
        began = self._began
        self._add((self._serial(), stage, worker, number, start - began, end - began, activity.value, label, error))

    def row(self, stage: str, worker: str) -> str:
        """A short name for a worker of a stage: workers are numbered in the order in which they are first seen."""
        name = self._workers.get((stage, worker))
        if name is None:
            self._count[stage] = self._count.get(stage, 0) + 1
            name = self._workers[stage, worker] = f"{stage} {self._count[stage]}"
        return name

    def waits_of(self, stage: str) -> Callable[[Activity, float, float], None]:
        """A function that writes the waits of a stage."""

        def write(activity: Activity, start: float, end: float) -> None:
            self.add(stage, stage, 0, start, end, activity)

        return write

    # Calls

    def calls(
        self, stage: str, function: Callable[[Any], Any], gives: bool, passes_on: bool = False
    ) -> Callable[[Any], Any]:
        """Wrap a plain function so that its calls are recorded.

        Args:
            stage: The block.
            function: The function.
            gives: Whether its result goes on to other stages.
            passes_on: Whether the item itself goes on instead.
        """
        take, give, add, serial, began = self._take, self._give, self._add, self._serial, self._began

        def traced(item: Any) -> Any:
            number = take(item, stage)
            label = shorten(plain(item))
            start = time_slice.clock()
            try:
                result = function(item)
            except BaseException as error:
                self.failed(Work(stage, number, label, start), item, error)
                raise
            end = time_slice.clock()
            add((serial(), stage, stage, number, start - began, end - began, WORK, label, ""))
            if gives:
                give(item if passes_on else result, number, stage)
            return result

        return traced

    def async_calls(
        self, stage: str, function: Callable[[Any], Awaitable[Any]], gives: bool, unnamed: Container[trio.lowlevel.Task]
    ) -> Callable[[Any], Awaitable[Any]]:
        """Wrap an async function so that its calls are recorded.

        Args:
            stage: The block.
            function: The function.
            gives: Whether its result goes on to other stages unchanged.
            unnamed: The workers whose calls are in the row of the block, because they began as the only worker.
        """
        take, give, add, serial, began = self._take, self._give, self._add, self._serial, self._began

        async def traced(item: Any) -> Any:
            task = trio.lowlevel.current_task()
            worker = "" if task in unnamed else task.name
            number = take(item, stage)
            label = shorten(plain(item))
            start = time_slice.clock()
            self.current[task] = work = Work(stage, number, label, start)
            try:
                result = await function(item)
            except BaseException as error:
                self.failed(work, item, error, worker)
                raise
            end = time_slice.clock()
            row = self.row(stage, worker) if worker else stage
            add((serial(), stage, row, number, start - began, end - began, WORK, label, ""))
            if gives:
                give(result, number, stage)
            return result

        return traced

    def failed(
        self,
        work: Work,
        item: object,
        error: BaseException,
        worker: str = "",
        times: tuple[float, float] | None = None,
    ) -> None:
        """End work that failed; the item may be tried again, or go elsewhere."""
        self.end(work, worker, error, times)
        self.numbers.give(item, work.number, work.stage, inside=True)

    # Items

    def gave(self, outputs: Iterable[object], work: Work) -> None:
        """Give several outputs the number of the item that they were made from."""
        give, number, stage = self._give, work.number, work.stage
        for output in outputs:
            give(output, number, stage)

    def made(self, stage: str, items: Sequence[object], start: float, end: float) -> None:
        """Write a span for each of the items that a stage has made at once; each gets an equal share of the time."""
        new, give, add, serial = self.numbers.new, self._give, self._add, self._serial
        first, each = start - self._began, (end - start) / max(1, len(items))
        for place, item in enumerate(items):
            number = new()
            begun = first + place * each
            add((serial(), stage, stage, number, begun, begun + each, WORK, shorten(item), ""))
            give(item, number, stage)

    def merged_into(self, place: str, parts: Iterable[object], whole: object) -> None:
        """Give an item made from parts the number of the first part; one of no parts is new."""
        numbers = [self.numbers.take(part, place) for part in parts]
        self.numbers.give(whole, numbers[0] if numbers else self.numbers.new(), place)

    def multiply(self, place: str, item: object, times: int) -> None:
        """Note that an item leaves a block along several links."""
        self.numbers.multiply(item, times, place)

    def forget(self, place: str, items: Iterable[object]) -> None:
        """Forget the numbers of items that have ended, or left the network."""
        for item in items:
            self.numbers.multiply(item, 0, place)

    def forget_all(self) -> None:
        """Forget all items, because the network has ended."""
        self.numbers.clear()


def within(times: tuple[float, float], earliest: float, latest: float) -> tuple[float, float]:
    """Move times of another clock into the interval from `earliest` to `latest`."""
    start, end = times
    if earliest <= start <= end <= latest:
        return times
    seconds = min(end - start, latest - earliest)
    return latest - seconds, latest
