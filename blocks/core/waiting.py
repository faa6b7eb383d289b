"""Tasks that are parked in a wait of this library: where they wait, for what, and how they are woken.

A call that wakes a task hands over the outcome in the same step. So a cancelled wait has changed nothing, an answered
wait cannot be cancelled any more, and nothing is lost in between.
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
    """A place where a task can wait: a block, a governor, an agent."""

    def parked(self) -> None:
        """Note that a task has just begun to wait here."""
        ...

    def outside_tasks(self) -> Iterable[trio.lowlevel.Task]:
        """Tasks outside the networks that may unblock a waiter here."""
        ...

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        """Note that a wait is over, and what it gave; nothing if it ended with an exception."""
        ...

    def describe_wait(self, waiter: Waiter[Any]) -> str:
        """Describe what the waiter waits for."""
        ...


@attrs.define(eq=False)
class Waiter(Generic[T]):
    """One parked task.

    Attributes:
        task: The task.
        place: The block, governor or agent at which it waits.
        doing: "send", "receive" …
        payload: The item of a sender; the weight or target of others.
        accepts: The filter of a receiver.
        since: When the wait began, in seconds of the time slices' clock.
        waits: The list of all waiters for the same thing.
        deadline: The effective deadline at the start of the wait; None if deadlines can be read at any time.
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
        return f"task {self.task.name!r} {self.place.describe_wait(self)}"

    def fail(self, error: BaseException) -> None:
        """End the wait with an exception."""
        self.waits.fail(self, error)


ANSWER = "get an answer"
"""What a task is doing that has asked a question; the payload is the question."""
parked: dict[trio.lowlevel.Task, Waiter[Any]] = {}
"""Every task that waits in this library now; a network uses it to tell busy tasks from blocked ones."""


going_on: set[trio.lowlevel.Task] = set()
"""Tasks whose wait is over, and that have not run since."""
waiting_threads: dict[int, int] = {}
"""The number of parked tasks per thread; nearly always there is one thread or none."""
idle_tasks: set[trio.lowlevel.Task] = set()
"""Idle tasks of the library itself: sleeping pumps, workers without an item."""


class Awake:
    """The tasks of a network that do not wait in this library, so that a runnable task is found without a search.

    Attributes:
        tasks: These tasks; the values mean nothing.
    """

    def __init__(self) -> None:
        self.tasks: dict[trio.lowlevel.Task, None] = {}

    def begin(self, task: trio.lowlevel.Task) -> None:
        """Add a task of the network that begins to work."""
        self.tasks[task] = None
        members.setdefault(task, []).append(self)

    @contextmanager
    def member(self, is_awake: bool) -> Generator[None]:
        """A context in which the running task is a member, if `is_awake`."""
        task = trio.lowlevel.current_task()
        if is_awake:
            self.begin(task)
        try:
            yield
        finally:
            self.end(task)

    def end(self, task: trio.lowlevel.Task) -> None:
        """Remove a task; a second call does nothing."""
        self.tasks.pop(task, None)
        networks = members.get(task, [])
        if self in networks:
            networks.remove(self)
        if not networks:
            members.pop(task, None)


members: dict[trio.lowlevel.Task, list[Awake]] = {}
"""The sets to which each task belongs: the body of a network may be the task of an agent in another network."""


def goes_to_sleep(task: trio.lowlevel.Task) -> None:
    """Note that a task begins to wait in this library."""
    for awake in members.get(task, ()):
        awake.tasks.pop(task, None)


def wakes_up(task: trio.lowlevel.Task) -> None:
    """Note that a task that waited in this library will go on."""
    for awake in members.get(task, ()):
        awake.tasks[task] = None


class RunningNetworks(threading.local):
    """The running networks of this thread; each checks for a standstill when a task parks outside every network."""

    def __init__(self) -> None:
        self.pumps: dict[Any, Callable[[], None]] = {}  # by network

    def tell(self) -> None:
        """Make every network check whether anything can still move."""
        for parked_somewhere in tuple(self.pumps.values()):
            parked_somewhere()


running_networks: RunningNetworks = RunningNetworks()


class WaitList(Generic[T]):
    """Parked tasks, served first come, first served."""

    __slots__ = ("waiters",)

    def __init__(self) -> None:
        self.waiters: dict[Waiter[T], None] = {}  # in the order of their coming; read it to save a call

    def __len__(self) -> int:
        return len(self.waiters)

    def __iter__(self) -> Iterator[Waiter[T]]:
        return iter(tuple(self.waiters))

    def in_turn(self) -> Iterable[Waiter[T]]:
        """The candidates for the next item: only the first waiter if it has no filter, else all."""
        first = next(iter(self.waiters), None)
        return (first,) if first is not None and first.accepts is None else self

    def first(self) -> Waiter[T]:
        """The task that waits longest."""
        return next(iter(self.waiters))

    async def park(self, place: Place, doing: str, payload: T, accepts: Callable[[Any], bool] | None = None) -> Any:
        """Wait for a call of `wake` or `fail`; return the value that was handed over."""
        task = trio.lowlevel.current_task()
        deadline = None if sight.deadlines else trio.current_effective_deadline()
        waiter = Waiter(task, place, doing, payload, accepts, time_slice.clock(), self, deadline)

        def abort(_: object) -> trio.lowlevel.Abort:
            waiter.waits.forget(waiter)
            return trio.lowlevel.Abort.SUCCEEDED

        self.waiters[waiter] = None
        parked[task] = waiter
        waiting_threads[waiter.thread] = waiting_threads.get(waiter.thread, 0) + 1
        goes_to_sleep(task)
        place.parked()
        try:
            value = await trio.lowlevel.wait_task_rescheduled(abort)
        except BaseException:
            going_on.discard(task)
            waiter.place.waited(waiter, ())
            time_slice.begin()
            raise
        going_on.discard(task)
        waiter.place.waited(waiter, (value,))
        time_slice.begin()
        return value

    def wake(self, waiter: Waiter[T], value: object = None) -> None:
        """End a wait and hand over its result."""
        self.end(waiter, outcome.Value(value))

    def fail(self, waiter: Waiter[T], error: BaseException) -> None:
        """End a wait with an exception."""
        self.end(waiter, outcome.Error(error))

    def end(self, waiter: Waiter[T], answer: outcome.Outcome[Any]) -> None:
        """End a wait with a result or an exception."""
        self.forget(waiter)
        going_on.add(waiter.task)
        trio.lowlevel.reschedule(waiter.task, answer)

    def move(self, waiter: Waiter[T], to: WaitList[T], place: Place) -> None:
        """Let a task wait at another place; it is the last one there."""
        del self.waiters[waiter]
        to.waiters[waiter] = None
        waiter.waits, waiter.place = to, place

    def forget(self, waiter: Waiter[T]) -> None:
        """Note that a wait is over."""
        del self.waiters[waiter]
        del parked[waiter.task]
        left = waiting_threads[waiter.thread] - 1
        if left:
            waiting_threads[waiter.thread] = left
        else:
            del waiting_threads[waiter.thread]
        wakes_up(waiter.task)


def moves(task: trio.lowlevel.Task | None) -> bool:
    """Whether a task can certainly go on: it is not parked and has no child nurseries."""
    return task is not None and task not in parked and not task.child_nurseries
