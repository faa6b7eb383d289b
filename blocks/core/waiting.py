"""Tasks that are parked in a wait of this library: who waits, for what, and who wakes them.

Whoever wakes a task hands the outcome over in the same step, so a wait that is cancelled has changed nothing and a
wait that was answered cannot be cancelled any more: nothing is lost between the two.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

import attrs
import outcome
import trio

from ..base.timing import time_slice
from ..base.trio_details import sight

T = TypeVar("T")


class Place(Protocol):
    """Something at which a task can wait: a block, a governor, an agent."""

    def _parked(self) -> None:
        """Learn that a task has just begun to wait here."""
        ...

    def _others(self) -> Iterable[trio.lowlevel.Task]:
        """Tasks that may free who waits here, as far as no network knows them."""
        ...

    def _waited(self, waiter: Waiter[Any], answer: outcome.Outcome[Any]) -> None:
        """Learn that a wait is over, and what came of it."""
        ...

    def _describe_wait(self, waiter: Waiter[Any]) -> str:
        """Say in words what the waiter waits for."""
        ...


@attrs.define(eq=False)
class Waiter(Generic[T]):
    """One parked task.

    Attributes:
        task: The task.
        place: Where it waits.
        doing: "send", "receive" …
        payload: The item of a sender; the weight or target of others.
        accepts: The filter of a receiver.
        since: When the wait began, by the clock of the time slices.
        waits: All who wait for the same.
        deadline: When a cancel scope ends the wait, as it was when it began; None where it can be read at any time.
        thread: The thread of the loop in which it waits.
    """

    task: trio.lowlevel.Task
    place: Place
    doing: str
    payload: T
    accepts: Callable[[Any], bool] | None
    since: float
    waits: WaitList[T]
    deadline: float | None = None
    thread: int = attrs.field(factory=threading.get_ident)

    def __str__(self) -> str:
        return f"task {self.task.name!r} {self.place._describe_wait(self)}"

    def fail(self, error: BaseException) -> None:
        """End the wait with an exception."""
        self.waits.fail(self, error)


parked: dict[trio.lowlevel.Task, Waiter[Any]] = {}
"""Every task that waits in this library now; a network looks here to tell busy from stuck."""


waiting_threads: dict[int, int] = {}
"""In how many tasks of which threads somebody waits: nearly always there is one thread or none."""
resting: set[trio.lowlevel.Task] = set()
"""Tasks of the library itself that have nothing to do: pumps that sleep, workers without an item."""


class Awake:
    """The tasks of a network that do not wait in this library: so it need not look at all to find one that can go on.

    Attributes:
        tasks: These tasks; the values mean nothing.
    """

    def __init__(self) -> None:
        self.tasks: dict[trio.lowlevel.Task, None] = {}

    def begin(self, task: trio.lowlevel.Task) -> None:
        """A task of the network begins to work."""
        self.tasks[task] = None
        members.setdefault(task, []).append(self)

    @contextmanager
    def member(self, is_awake: bool) -> Generator[None]:
        """The running task is one of these as long as this lasts, if it is to be."""
        task = trio.lowlevel.current_task()
        if is_awake:
            self.begin(task)
        try:
            yield
        finally:
            self.end(task)

    def end(self, task: trio.lowlevel.Task) -> None:
        """It works no more; twice is fine."""
        self.tasks.pop(task, None)
        networks = members.get(task, [])
        if self in networks:
            networks.remove(self)
        if not networks:
            members.pop(task, None)


members: dict[trio.lowlevel.Task, list[Awake]] = {}
"""Whose task it is: the body of a network may be the task of an agent in another."""


def goes_to_sleep(task: trio.lowlevel.Task) -> None:
    """A task begins to wait in this library."""
    for awake in members.get(task, ()):
        awake.tasks.pop(task, None)


def wakes_up(task: trio.lowlevel.Task) -> None:
    """A task that waited in this library will go on."""
    for awake in members.get(task, ()):
        awake.tasks[task] = None


class Overseers(threading.local):
    """The running networks of this thread, which must look again when a task parks at a place that is nobody's."""

    def __init__(self) -> None:
        self.pumps: dict[Any, Callable[[], None]] = {}  # by network

    def tell(self) -> None:
        """Have every network look whether something can still move."""
        for parked_somewhere in tuple(self.pumps.values()):
            parked_somewhere()


overseers: Overseers = Overseers()


class WaitList(Generic[T]):
    """Parked tasks, first come first served."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: dict[Waiter[T], None] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def __iter__(self) -> Iterator[Waiter[T]]:
        return iter(tuple(self._waiters))

    def in_turn(self) -> Iterable[Waiter[T]]:
        """Those who come into question for the next item: only the first, however many there are, if it takes any."""
        first = next(iter(self._waiters), None)
        return (first,) if first is not None and first.accepts is None else self

    def first(self) -> Waiter[T]:
        """The task that waits longest."""
        return next(iter(self._waiters))

    async def park(self, place: Place, doing: str, payload: T, accepts: Callable[[Any], bool] | None = None) -> Any:
        """Wait until somebody calls `wake` or `fail`; give what was handed over."""
        task = trio.lowlevel.current_task()
        deadline = None if sight.deadlines else trio.current_effective_deadline()
        waiter = Waiter(task, place, doing, payload, accepts, time_slice.clock(), self, deadline)

        def abort(_: object) -> trio.lowlevel.Abort:
            self._forget(waiter)
            return trio.lowlevel.Abort.SUCCEEDED

        self._waiters[waiter] = None
        parked[task] = waiter
        waiting_threads[waiter.thread] = waiting_threads.get(waiter.thread, 0) + 1
        goes_to_sleep(task)
        place._parked()
        answer = await outcome.acapture(trio.lowlevel.wait_task_rescheduled, abort)
        place._waited(waiter, answer)
        time_slice.begin()
        return answer.unwrap()

    def wake(self, waiter: Waiter[T], value: object = None) -> None:
        """End a wait and hand over its result."""
        self._forget(waiter)
        trio.lowlevel.reschedule(waiter.task, outcome.Value(value))

    def fail(self, waiter: Waiter[T], error: BaseException) -> None:
        """End a wait with an exception."""
        self._forget(waiter)
        trio.lowlevel.reschedule(waiter.task, outcome.Error(error))

    def _forget(self, waiter: Waiter[T]) -> None:
        del self._waiters[waiter]
        del parked[waiter.task]
        left = waiting_threads[waiter.thread] - 1
        if left:
            waiting_threads[waiter.thread] = left
        else:
            del waiting_threads[waiter.thread]
        wakes_up(waiter.task)


def moves(task: trio.lowlevel.Task | None) -> bool:
    """Whether it is plain to see that a task can go on."""
    return task is not None and task not in parked and not task.child_nurseries
