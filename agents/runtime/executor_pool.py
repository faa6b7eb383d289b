"""A queue of tasks in front of an executor, such as `Processes`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from penstock.agents.tasks.executors import as_sent, workers_of

from .runtime_task import RUNNING, RuntimeTask
from .state_lock import lock
from .worker import Ends

AHEAD = 2
"""How many tasks per worker are with the executor; the others can be cancelled, and wait here."""


class ExecutorPool:
    """A pool.

    Args:
        name: The name by which tasks choose it.
        executor: Where the functions run.
        ends: Told how tasks end.

    Attributes:
        name: As above.
        size: Up to this many tasks are with the executor.
        total: How many tasks were submitted to it.
        done: How many of these have ended.
        queued: How many wait.
        out: The tasks that are with the executor.
    """

    def __init__(self, name: str, executor: Executor, ends: Ends) -> None:
        self.name: str = name
        self.size: int = AHEAD * workers_of(executor)
        self.total: int = 0
        self.done: int = 0
        self.queued: int = 0
        self.out: set[RuntimeTask[Any]] = set()
        self._executor = executor
        self._ends = ends
        self._queue: deque[RuntimeTask[Any]] = deque()
        self._is_handing_out = False

    # With the lock

    def waiting(self) -> list[RuntimeTask[Any]]:
        """The tasks that wait for the executor."""
        return [*self._queue]

    def running(self) -> list[RuntimeTask[Any]]:
        """The tasks that are with the executor."""
        return [*self.out]

    def put(self, task: RuntimeTask[Any]) -> Callable[[], object] | None:
        """Take a task that can run; return what hands it to the executor."""
        self._queue.append(task)
        self.queued += 1
        return self._hand_out if len(self.out) < self.size else None

    def forget(self, task: RuntimeTask[Any]) -> None:
        """Forget a task that does not run any more."""
        self.queued -= 1
        self._queue.remove(task)

    def begin_anew(self) -> None:
        """Forget all tasks, which a forked child does not have."""
        self.queued = 0
        self._queue.clear()
        self.out.clear()
        self._is_handing_out = False

    # Without the lock

    def _hand_out(self) -> None:
        """Hand tasks to the executor, as many as it may have; only one thread at a time does so."""
        with lock:
            if self._is_handing_out:
                return
            self._is_handing_out = True
        while (task := self._next()) is not None:
            self._submit(task)

    def _next(self) -> RuntimeTask[Any] | None:
        """The next task for the executor; None if there is none now, and then others may hand out."""
        with lock:
            if self._queue and len(self.out) < self.size:
                task = self._queue.popleft()
                task.now = RUNNING
                task.tries += 1
                self.queued -= 1
                self.out.add(task)
                return task
            self._is_handing_out = False
        return None

    def _submit(self, task: RuntimeTask[Any]) -> None:
        tries = task.tries
        task.began_at = task.queued_at
        if task.options.time_limit is not None:
            self._ends.watch(task)
        try:
            function, args, kwargs = task.filled_call()
            sent = as_sent(self._executor, function, f"task {task.name!r}")
            future = self._executor.submit(sent, *args, **kwargs)
        except Exception as error:
            self._out_no_more(task)
            self._ends.fail(task, tries, error)
            return
        future.add_done_callback(partial(self._ended, task, tries))

    def _ended(self, task: RuntimeTask[Any], tries: int, future: Future[Any]) -> None:
        self._out_no_more(task)
        try:
            result = future.result()
        except BaseException as error:
            self._ends.fail(task, tries, error)
        else:
            self._ends.succeed(task, tries, result)
        self._hand_out()

    def _out_no_more(self, task: RuntimeTask[Any]) -> None:
        with lock:
            self.out.discard(task)
