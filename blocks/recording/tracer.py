"""Writes what the stages of a network do into a recording, while that runs; there is none if nothing is recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import trio

from ..base.activity import Activity
from ..base.error_info import shorten
from ..base.timing import time_slice
from ..charts.span import Span
from ..core.carried import plain
from ..core.observer import Work
from .item_numbers import ItemNumbers
from .recording import Recording
from .routes import Routes
from .task_trace import TaskTrace

MOST_ON_THE_WAY = 100_000
"""Of so many items that are between two stages at once the numbers are known, however few spans are kept."""


class Tracer:
    """Knows which item is which, and writes spans.

    Attributes:
        recording: Where they go.
        numbers: Which item is which.
        current: The item on which a task works.
    """

    def __init__(self, recording: Recording, routes: Routes) -> None:
        self.recording = recording
        self.numbers: ItemNumbers = ItemNumbers(MOST_ON_THE_WAY, routes)
        self.current: dict[trio.lowlevel.Task, Work] = {}
        self._began = time_slice.clock()
        self._workers: dict[tuple[str, str], str] = {}
        self._count: dict[str, int] = {}

    def seconds(self) -> float:
        """How long it has recorded."""
        return time_slice.clock() - self._began

    def task(self, name: str) -> TaskTrace:
        """Record what a task does from now on."""
        return TaskTrace(self, name)

    # Spans

    def begin(self, stage: str, item: object) -> Work:
        """Somebody begins to work on an item."""
        return Work(stage, self.numbers.take(item, stage), shorten(plain(item)), time_slice.clock())

    def end(
        self,
        work: Work,
        worker: str = "",
        error: BaseException | None = None,
        times: tuple[float, float] | None = None,
    ) -> None:
        """The work is done.

        Args:
            work: What was begun.
            worker: Who did it, if the stage has several.
            error: How it failed, if it did.
            times: From when to when it was worked on, if not from the beginning until now.
        """
        now = time_slice.clock()
        start, end = (work.start, now) if times is None else within(times, work.start, now)
        what = "" if error is None else shorten(error)
        self.add(work.stage, self.row(work.stage, worker), work.number, start, end, Activity.WORK, work.label, what)

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
        """Write a span; times are by the clock of the time slices."""
        began = self._began
        self.recording.add(Span(stage, worker, number, start - began, end - began, activity, label, error))

    def row(self, stage: str, worker: str) -> str:
        """A short name for a worker of a stage: they are numbered as they are first seen."""
        if not worker:
            return stage
        name = self._workers.get((stage, worker))
        if name is None:
            self._count[stage] = self._count.get(stage, 0) + 1
            name = self._workers[stage, worker] = f"{stage} {self._count[stage]}"
        return name

    def waits_of(self, stage: str) -> Callable[[Activity, float, float], None]:
        """Who writes the waits of a stage."""

        def write(activity: Activity, start: float, end: float) -> None:
            self.add(stage, stage, 0, start, end, activity)

        return write

    # Calls

    def calls(
        self, stage: str, function: Callable[[Any], Any], gives: bool, passes_on: bool = False
    ) -> Callable[[Any], Any]:
        """A plain function whose calls are recorded.

        Args:
            stage: The block.
            function: What is called.
            gives: Whether what it gives goes on to other stages.
            passes_on: Whether the item itself goes on instead.
        """

        def traced(item: Any) -> Any:
            work = self.begin(stage, item)
            try:
                result = function(item)
            except BaseException as error:
                self.failed(work, item, error)
                raise
            self.end(work)
            if gives:
                self.numbers.give(item if passes_on else result, work.number, stage)
            return result

        return traced

    def async_calls(
        self, stage: str, function: Callable[[Any], Awaitable[Any]], gives: bool, has_workers: bool
    ) -> Callable[[Any], Awaitable[Any]]:
        """An async function whose calls are recorded.

        Args:
            stage: The block.
            function: What is called.
            gives: Whether what it gives goes on to other stages as it is.
            has_workers: Whether several calls can be made at once.
        """

        async def traced(item: Any) -> Any:
            task = trio.lowlevel.current_task()
            worker = task.name if has_workers else ""
            work = self.begin(stage, item)
            self.current[task] = work
            try:
                result = await function(item)
            except BaseException as error:
                self.failed(work, item, error, worker)
                raise
            self.end(work, worker)
            if gives:
                self.numbers.give(result, work.number, stage)
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
        """Work on an item failed; it may be tried again, or go elsewhere."""
        self.end(work, worker, error, times)
        self.numbers.give(item, work.number, work.stage, inside=True)

    # Items

    def gave(self, outputs: Iterable[object], work: Work) -> None:
        """Several things were made of one item."""
        for output in outputs:
            self.numbers.give(output, work.number, work.stage)

    def made(self, stage: str, items: Sequence[object], start: float, end: float) -> None:
        """A stage has made items by itself, at once; each has taken its share of the time."""
        each = (end - start) / max(1, len(items))
        for place, item in enumerate(items):
            number = self.numbers.new()
            begun = start + place * each
            self.add(stage, stage, number, begun, begun + each, Activity.WORK, shorten(item))
            self.numbers.give(item, number, stage)

    def became(self, place: str, parts: Iterable[object], whole: object) -> None:
        """One thing was made of one or more items; it has the number of the first."""
        numbers = [self.numbers.take(part, place) for part in parts]
        self.numbers.give(whole, numbers[0], place)

    def multiply(self, place: str, item: object, times: int) -> None:
        """An item goes several ways out of a block."""
        self.numbers.multiply(item, times, place)

    def forget(self, place: str, items: Iterable[object]) -> None:
        """Items have ended, or left the network."""
        for item in items:
            self.numbers.multiply(item, 0, place)


def within(times: tuple[float, float], earliest: float, latest: float) -> tuple[float, float]:
    """Times by another machine's clock, moved to where they can have been."""
    start, end = times
    if earliest <= start <= end <= latest:
        return times
    seconds = min(end - start, latest - earliest)
    return latest - seconds, latest
