"""Lets two observers watch one run: a recording, and the traces of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from typing import Any

import trio

from ..base.activity import Activity
from ..core.observer import Observer, TaskObserver, Work

Times = tuple[float, float] | None


class BothWork(Work):
    """The work as the first observer sees it.

    Attributes:
        second: The same work, as the second observer sees it.
    """

    second: Work


class Both:
    """Passes everything on to two observers.

    Attributes:
        current: For each task, the work that it does, as the first observer sees it.
    """

    def __init__(self, first: Observer, second: Observer) -> None:
        self._first = first
        self._second = second
        self.current: dict[trio.lowlevel.Task, Work] = first.current

    def task(self, name: str) -> BothTasks:
        """Watch a task from now on."""
        return BothTasks(self._first.task(name), self._second.task(name))

    def strangers(self) -> TaskObserver | None:
        """Watch what other tasks send; only traces do that."""
        return self._first.strangers() or self._second.strangers()

    def begin(self, stage: str, item: object) -> Work:
        """Work on an item begins."""
        return both_work(self._first.begin(stage, item), self._second.begin(stage, item))

    def begin_all(self, stage: str, items: Iterable[object]) -> list[Work]:
        """Work on several items begins at once."""
        items = list(items)
        pairs = zip(self._first.begin_all(stage, items), self._second.begin_all(stage, items), strict=True)
        return [both_work(first, second) for first, second in pairs]

    def end(self, work: Work, worker: str = "", error: BaseException | None = None, times: Times = None) -> None:
        """Work on an item is done."""
        self._first.end(work, worker, error, times)
        self._second.end(self._second_work(work), worker, error, times)

    def failed(self, work: Work, item: object, error: BaseException, worker: str = "", times: Times = None) -> None:
        """Work on an item failed."""
        self._first.failed(work, item, error, worker, times)
        self._second.failed(self._second_work(work), item, error, worker, times)

    def _second_work(self, work: Work) -> Work:
        if isinstance(work, BothWork):
            return work.second
        return self._second.current[trio.lowlevel.current_task()]  # an async call

    def calls(
        self, stage: str, function: Callable[[Any], Any], gives: bool, passes_on: bool = False
    ) -> Callable[[Any], Any]:
        """Wrap a plain function so that its calls are watched."""
        return self._first.calls(stage, self._second.calls(stage, function, gives, passes_on), gives, passes_on)

    def async_calls(
        self, stage: str, function: Callable[[Any], Awaitable[Any]], gives: bool, unnamed: Container[trio.lowlevel.Task]
    ) -> Callable[[Any], Awaitable[Any]]:
        """Wrap an async function so that its calls are watched."""
        inner = self._second.async_calls(stage, function, gives, unnamed)
        return self._first.async_calls(stage, inner, gives, unnamed)

    def waits_of(self, stage: str) -> Callable[[Activity, float, float], None]:
        """The function to call after each wait of a stage."""
        first, second = self._first.waits_of(stage), self._second.waits_of(stage)

        def note(activity: Activity, start: float, end: float) -> None:
            first(activity, start, end)
            second(activity, start, end)

        return note

    def gave(self, outputs: Iterable[object], work: Work) -> None:
        """Several outputs were made of one item."""
        outputs = list(outputs)
        self._first.gave(outputs, work)
        self._second.gave(outputs, self._second_work(work))

    def made(self, stage: str, items: Sequence[object], start: float, end: float) -> None:
        """A stage has made items by itself."""
        self._first.made(stage, items, start, end)
        self._second.made(stage, items, start, end)

    def merged_into(self, place: str, parts: Iterable[object], whole: object) -> None:
        """One output was made of one or more items."""
        parts = list(parts)
        self._first.merged_into(place, parts, whole)
        self._second.merged_into(place, parts, whole)

    def multiply(self, place: str, item: object, times: int) -> None:
        """An item leaves a block in several copies."""
        self._first.multiply(place, item, times)
        self._second.multiply(place, item, times)

    def forget(self, place: str, items: Iterable[object]) -> None:
        """Items have ended, or left the network."""
        items = list(items)
        self._first.forget(place, items)
        self._second.forget(place, items)

    def forget_all(self) -> None:
        """The network has ended."""
        self._first.forget_all()
        self._second.forget_all()


class BothTasks:
    """Passes on what a task does."""

    __slots__ = ("_first", "_second")

    def __init__(self, first: TaskObserver, second: TaskObserver) -> None:
        self._first = first
        self._second = second

    def received(self, item: object) -> None:
        """The task has received an item without waiting."""
        self._first.received(item)
        self._second.received(item)

    def begins(self, item: object) -> None:
        """The task works on an item from now on."""
        self._first.begins(item)
        self._second.begins(item)

    def sending(self, item: object, target: str) -> None:
        """The task is about to send an item."""
        self._first.sending(item, target)
        self._second.sending(item, target)

    def waited(self, activity: Activity, since: float) -> None:
        """The task has waited."""
        self._first.waited(activity, since)
        self._second.waited(activity, since)

    def works_until(self, now: float) -> None:
        """The task ends its present work."""
        self._first.works_until(now)
        self._second.works_until(now)


def both_work(first: Work, second: Work) -> BothWork:
    """Join two views of one work."""
    work = BothWork(*first)
    work.second = second
    return work
