"""A thread of a runtime, which runs one task after another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import Context
from time import perf_counter
from typing import Any, Protocol, cast

from penstock.agents.tasks.calls import caller_here
from penstock.agents.tasks.circles import stalled
from penstock.blocks.base.callables import NAMES, NOT_ITERABLE
from penstock.blocks.base.threads import at_work

from .nested import circle_of, runnable_for, wait_of
from .own_thread import own_thread
from .runtime_task import Call, Place, RuntimeTask
from .state_lock import lock
from .waiting import Waitable, here, sleep_until

DEEPEST = 100
"""Up to this many tasks are run on the stack of another one; then another worker has to run them."""


class Crew(Place, Protocol):
    """The pool of a worker. The lock must be held for its methods."""

    def next(self, worker: Worker) -> RuntimeTask[Any] | None:
        """Give a worker its next task, which runs from now on; None if it has to sleep, or to end."""
        ...

    def take(self, task: RuntimeTask[Any]) -> None:
        """Take a task out of the queue, which runs from now on."""
        ...

    def stand_aside(self, begins: bool) -> Callable[[], object] | None:
        """Count a worker that starts or stops waiting in its task; return what starts another one instead."""
        ...


class Ends(Protocol):
    """Told how tasks end."""

    def watch(self, task: RuntimeTask[Any]) -> None:
        """Watch the time limit of a task that begins."""
        ...

    def succeed(self, task: RuntimeTask[Any], tries: int, result: Any) -> None:
        """End a task with its result."""
        ...

    def fail(self, task: RuntimeTask[Any], tries: int, error: BaseException) -> None:
        """End a task with its exception, or try it again."""
        ...


class Worker:
    """A worker.

    Attributes:
        number: Its number in the pool, from 0.
        tasks: The task that it runs, and those that run on its stack; the innermost is the last.
        is_over: Whether it has to end; the pool sets it.
        sleep: Held while there is nothing to do; the pool releases it.
    """

    __slots__ = ("_broken", "_crew", "_ends", "_init", "is_over", "number", "sleep", "tasks", "thread")

    def __init__(self, crew: Crew, ends: Ends, number: int, init: Callable[[], object] | None) -> None:
        self.number: int = number
        self.tasks: list[RuntimeTask[Any]] = []
        self.is_over: bool = False
        self.sleep: threading.Lock = threading.Lock()
        self.sleep.acquire()
        self._crew = crew
        self._ends = ends
        self._init = init
        self._broken: BaseException | None = None
        self.thread: threading.Thread = own_thread(self._run, f"{crew.name} {number}")

    def _run(self) -> None:
        here.worker = self
        thread = self.thread
        at_work[thread] = self
        try:
            self._set_up()
            while not self.is_over:
                with lock:
                    task = self._crew.next(self)
                if task is not None:
                    self._perform(task)
                    del task
                elif not self.is_over:
                    del at_work[thread]
                    self.sleep.acquire()
                    at_work[thread] = self
        finally:
            at_work.pop(thread, None)

    def _set_up(self) -> None:
        """Run the function for new threads; if it raises, every task of this thread fails."""
        try:
            if self._init is not None:
                self._init()
        except BaseException as error:
            self._broken = error

    def _perform(self, task: RuntimeTask[Any]) -> None:
        """Run a task that is counted as running."""
        self.tasks.append(task)
        tries = task.tries
        task.began_at = perf_counter()
        if task.options.time_limit is not None:
            self._ends.watch(task)
        try:
            if self._broken is not None:
                raise RuntimeError(f"worker_init has failed in thread {self.thread.name!r}") from self._broken
            function, args, kwargs = task.filled_call() if task.inputs else cast("Call", task.call)
            context = cast("Context", task.context)
            if tries > 1:
                context = context.copy()
            context.run(caller_here.set, self)
            result = context.run(function, *args, **kwargs)
            if type(result) in NOT_ITERABLE:
                raise not_awaited(task, result)
        except BaseException as error:
            leave_out_caller(error)
            self._ends.fail(task, tries, error)
        else:
            self._ends.succeed(task, tries, result)
        finally:
            self.tasks.pop()

    # In its task

    def wait_for(self, task: Waitable) -> None:
        """Wait for a task without a time limit; if it has not begun, run it here, or what it needs.

        Raises:
            Stalled: The task waits for this one.
        """
        wanted = cast("RuntimeTask[Any]", task)
        mine = self.tasks[-1] if self.tasks else None
        try:
            while True:
                with lock:
                    if wanted.is_over:
                        return
                    found = runnable_for(wanted, self._crew) if len(self.tasks) < DEEPEST else None
                    if found is not None:
                        self._crew.take(found)
                    elif mine is not None and (circle := circle_of(mine, wanted)):
                        raise stalled(circle, wait_of)
                    if mine is not None:  # what runs here must return, even if it is not needed any more
                        mine.awaits = found or wanted
                if found is None:
                    sleep_until(wanted.on_end, wanted.not_on_end, None)
                else:
                    self._perform(found)
        finally:
            if mine is not None:
                mine.awaits = None

    def stand_aside(self, begins: bool) -> None:
        """Note that the task starts or stops waiting, so that another worker may run instead."""
        with lock:
            start = self._crew.stand_aside(begins)
        if start is not None:
            start()

    def report(self, percent: float) -> None:
        """Note how far the task is."""
        if self.tasks:
            self.tasks[-1].percent = percent

    def node(self) -> object:
        """The task that it runs, the innermost one."""
        return self.tasks[-1] if self.tasks else None

    def works_for(self, ends: object) -> bool:
        """Whether it belongs to the runtime with these tasks."""
        return ends is self._ends

    def waits(self, begins: bool) -> None:
        """Do nothing: a network does not count the tasks of a runtime."""


def leave_out_caller(error: BaseException) -> None:
    """Remove the frame that has caught an exception from its traceback; each would keep the other alive."""
    trace = error.__traceback__
    error.__traceback__ = None if trace is None else trace.tb_next


def not_awaited(task: RuntimeTask[Any], result: Any) -> TypeError:
    """Explain that an asynchronous function does not run here."""
    what = NAMES[type(result)]
    close: Callable[[], object] = getattr(result, "close", lambda: None)
    close()
    return TypeError(
        f"{task}: its function returned {what}, which has not run; a Runtime runs plain functions, and a Scope runs "
        "asynchronous ones"
    )
