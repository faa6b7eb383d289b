"""The owner of the tasks of a runtime: how they change their state, and what is known about those that have failed.

States: waiting or queued → running → completed or failed. A task that has not begun may be cancelled, or not run; a try
that has failed may lead back to queued or waiting. Invariant, under the lock: `total` is the number of tasks in each
final state and of those in `unfinished`; a task is in exactly one of these.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic, perf_counter
from typing import Any

from penstock.agents.tasks.one_error import depth_of
from penstock.agents.tasks.task_state import TaskState
from penstock.blocks import TimeLimitExceeded
from penstock.blocks.base.error_info import Shown
from penstock.blocks.base.log import fields, log
from penstock.blocks.functions.policies import Attempt, Failures

from .alarms import Alarm, Alarms
from .runtime_task import COMPLETED, FAILED, QUEUED, RUNNING, WAITING, Call, Place, RuntimeTask, inputs_of
from .state_lock import lock
from .task_options import TaskOptions

KEPT = 1_000
"""Up to this many tasks that have failed are kept; the others are counted."""
RECENT = 1_000
"""How many tasks that have ended are remembered for the progress."""
CANCELLED, NOT_RUN = TaskState.CANCELLED, TaskState.NOT_RUN
ErrorCallback = Callable[[Any, BaseException], object]
Ended = tuple[int, str, TaskState, float, float, float, float]
"""A task that has ended: number, name, state, when it was submitted, when it began and ended, and its percentage."""


class TasksCore:
    """The tasks of one runtime.

    Args:
        name: The name of the runtime.

    Attributes:
        name: As above.
        total: How many tasks were submitted.
        unfinished: How many have not ended.
        waiting: Those that wait for the results of others, or for their next try.
        completed: How many have a result.
        failed: How many have failed.
        cancelled: How many were cancelled.
        not_run: How many were not run.
        kept: The first tasks that have failed, since the program has cleared them.
        recent: The last tasks that have ended.
        on_error: Called with each task that fails, and its exception; None: nothing.
        is_closed: Whether new tasks are refused.
    """

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.total: int = 0
        self.unfinished: int = 0
        self.waiting: set[RuntimeTask[Any]] = set()
        self.completed: int = 0
        self.failed: int = 0
        self.cancelled: int = 0
        self.not_run: int = 0
        self.kept: list[RuntimeTask[Any]] = []
        self.recent: deque[Ended] = deque(maxlen=RECENT)
        self.on_error: ErrorCallback | None = None
        self.is_closed: bool = False
        self.alarms: Alarms = Alarms()
        self._uncounted = 0  # failed tasks that are not kept, and at which the program has not looked
        self._drained: list[Callable[[], object]] = []

    # Begin

    def submit(
        self,
        pool: Place,
        name: str,
        call: Call,
        options: TaskOptions,
    ) -> RuntimeTask[Any]:
        """Make a task; it runs as soon as it can.

        Raises:
            RuntimeError: The runtime has ended.
        """
        task: RuntimeTask[Any] = RuntimeTask(self, pool, name, call, options)
        inputs = inputs_of(call[1], call[2])
        with lock:
            if self.is_closed:
                raise RuntimeError(f"{self.name}: it has ended, so {name!r} cannot be submitted")
            self.total += 1
            self.unfinished += 1
            task.task_id = self.total
            pool.total += 1
            todo = self._wait_for(task, inputs) if inputs else (pool.put(task),)
        for each in todo:
            if each is not None:
                each()
        return task

    def _wait_for(
        self, task: RuntimeTask[Any], inputs: tuple[RuntimeTask[Any], ...]
    ) -> tuple[Callable[[], object] | None, ...]:
        """Let a task wait for its inputs; return what is to be called if there is nothing to wait for."""
        task.inputs = inputs
        for needed in inputs:
            if not needed.is_over:
                if needed.users is None:
                    needed.users = []
                needed.users.append(task)
                task.missing += 1
            elif needed.now is not COMPLETED:
                return (*self._end(task, NOT_RUN, first_of(needed)),)
        if task.missing:
            task.now = WAITING
            self.waiting.add(task)
            return ()
        return (task.pool.put(task),)

    # End

    def succeed(self, task: RuntimeTask[Any], tries: int, result: Any) -> None:
        """End a task with its result, unless its time is over."""
        with lock:
            if task.now is not RUNNING or task.tries != tries:
                return
            todo = self._end(task, COMPLETED, result)
        for each in todo:
            each()
        self._quiet(task.alarm)

    def fail(self, task: RuntimeTask[Any], tries: int, error: BaseException) -> None:
        """End a task with its exception, or try it again."""
        attempt: Attempt | None = None
        if task.options.retry is not None and isinstance(error, Exception):
            try:
                attempt = Failures(str(task), task.options.retry).try_again(error, task.attempt, monotonic())
            except Exception as broken:  # the user's `on` or `backoff` has raised
                broken.__context__ = error
                error = broken
        with lock:
            if task.now is not RUNNING or task.tries != tries:
                return
            todo: list[Callable[[], object] | None] = []
            alarm, task.alarm = task.alarm, None  # before the next try has one
            if attempt is None:
                task.note(error)
                task.depth = depth_of(error)
                todo += self._end(task, FAILED, error)
            else:
                task.attempt = attempt
                if attempt.delay:
                    task.now = WAITING
                    self.waiting.add(task)
                    todo.append(partial(self._try_later, task, attempt.delay))
                else:
                    todo.append(self.queue(task))
        self._quiet(alarm)
        for each in todo:
            if each is not None:
                each()
        if attempt is None and self.on_error is not None:
            self._tell(self.on_error, task, error)

    def _quiet(self, alarm: Alarm | None) -> None:
        """Cancel the alarm of a try that has ended, if it has one."""
        if alarm is not None:
            self.alarms.cancel(alarm)

    def _try_later(self, task: RuntimeTask[Any], seconds: float) -> None:
        task.alarm = self.alarms.after(seconds, lambda: self._try_now(task))

    def _try_now(self, task: RuntimeTask[Any]) -> None:
        with lock:
            if task.now is not WAITING:
                return
            wake = self.queue(task)
        if wake is not None:
            wake()

    def watch(self, task: RuntimeTask[Any]) -> None:
        """Watch the time limit of a task that begins; a function that runs cannot be stopped, and is left alone."""
        seconds = task.options.time_limit
        assert seconds is not None
        tries = task.tries
        text = f"{task} was not done within its time limit of {seconds:g} s"
        task.alarm = self.alarms.after(seconds, lambda: self.fail(task, tries, TimeLimitExceeded(text)))

    def cancel(self, task: RuntimeTask[Any]) -> bool:
        """Cancel a task that has not begun; return whether it is cancelled."""
        with lock:
            if task.now is not QUEUED and task.now is not WAITING:
                return task.now is CANCELLED
            if task.now is QUEUED:
                task.now = CANCELLED  # before the pool looks at its queue
                task.pool.forget(task)
            todo = self._end(task, CANCELLED, task)
        self._quiet(task.alarm)
        for each in todo:
            each()
        return True

    def _end(self, task: RuntimeTask[Any], state: TaskState, value: Any) -> list[Callable[[], object]]:
        """End a task, and those that cannot run without its result; return what is to be called without the lock."""
        todo = task.core.account(task, state, value)
        ended = [task] if task.users is not None else []
        while ended:
            one = ended.pop()
            users, one.users = one.users, None
            for user in users or ():
                if user.now is not WAITING:
                    continue  # it was cancelled
                if one.now is not COMPLETED:
                    todo += user.core.account(user, NOT_RUN, first_of(one))
                    ended.append(user)
                    continue
                user.missing -= 1
                if not user.missing:
                    wake = user.core.queue(user)
                    if wake is not None:
                        todo.append(wake)
        return todo

    def queue(self, task: RuntimeTask[Any]) -> Callable[[], object] | None:
        """Let a task wait for a worker; return what wakes one. The lock must be held."""
        task.now = QUEUED
        self.waiting.discard(task)
        return task.pool.put(task)

    def not_begun(self, queued: list[list[RuntimeTask[Any]]]) -> list[RuntimeTask[Any]]:
        """The tasks that have not begun, those that are queued first. The lock must be held."""
        return [*(task for tasks in queued for task in tasks), *self.waiting]

    def account(self, task: RuntimeTask[Any], state: TaskState, value: Any) -> list[Callable[[], object]]:
        """Count the end of one task of this runtime; return what is to be called. The lock must be held."""
        task.now = state
        task.value = value
        task.is_over = True
        task.call = task.context = None
        task.inputs = ()
        task.pool.done += 1
        self.waiting.discard(task)
        todo, task.wakers = task.wakers or [], None
        began = task.began_at or perf_counter()
        end = perf_counter()
        self.recent.append((task.task_id, task.name, state, task.queued_at, began, end, task.percent))
        if state is COMPLETED:
            self.completed += 1
        elif state is FAILED:
            self.failed += 1
            task.is_kept = len(self.kept) < KEPT
            if task.is_kept:
                self.kept.append(task)
            else:
                self._uncounted += 1
        elif state is CANCELLED:
            self.cancelled += 1
        else:
            self.not_run += 1
        self.unfinished -= 1
        if not self.unfinished and self._drained:
            todo += self._drained
            self._drained = []
        return todo

    def _tell(self, callback: ErrorCallback, task: RuntimeTask[Any], error: BaseException) -> None:
        try:
            callback(task, error)
        except Exception as raised:
            found = fields("error_callback_fails", error=raised)
            log.exception("%s: the error callback has raised: %s", self.name, Shown(raised), extra=found)

    # For all tasks

    def on_drained(self, waker: Callable[[], object]) -> bool:
        """Have something called when no task is left; False if none is. The lock must be held."""
        if self.unfinished:
            self._drained.append(waker)
        return bool(self.unfinished)

    def not_on_drained(self, waker: Callable[[], object]) -> None:
        """Forget something that was to be called when no task is left."""
        with lock:
            if waker in self._drained:
                self._drained.remove(waker)

    def look_at(self, task: RuntimeTask[Any]) -> None:
        """Note that the program has seen how a task has ended."""
        with lock:
            if not task.is_looked_at:
                task.is_looked_at = True
                if task.now is FAILED and not task.is_kept and self._uncounted:
                    self._uncounted -= 1

    def not_seen(self) -> tuple[list[RuntimeTask[Any]], int]:
        """The failed tasks at which the program has not looked, and how many others there are that are not kept."""
        with lock:
            return [task for task in self.kept if not task.is_looked_at], self._uncounted

    def told(self, tasks: list[RuntimeTask[Any]]) -> None:
        """Note that the program is told of failed tasks, and of the number of those that are not kept."""
        with lock:
            self._uncounted = 0
            for task in tasks:
                task.is_looked_at = True

    def clear(self) -> None:
        """Forget the tasks that have failed."""
        with lock:
            for task in self.kept:
                task.is_looked_at = True
            self.kept = []
            self._uncounted = 0

    def begin_anew(self, tasks: Iterable[RuntimeTask[Any]]) -> None:
        """Forget the tasks that have not ended: a forked child does not have them, and they end in the parent."""
        for task in tasks:
            task.be_elsewhere()
        self.total -= self.unfinished
        self.unfinished = 0
        self.waiting.clear()
        self.alarms = Alarms()
        self._drained = []


def first_of(task: RuntimeTask[Any]) -> RuntimeTask[Any]:
    """The first task without a result that another one without a result goes back to."""
    first: RuntimeTask[Any] = task.value if task.now is NOT_RUN else task
    return first
