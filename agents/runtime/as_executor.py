"""A pool of a runtime as an executor of the standard library."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from penstock.agents.tasks.names import task_name

from .runtime_task import COMPLETED, FAILED, Place, RuntimeTask
from .state_lock import lock
from .task_options import PLAIN
from .tasks_core import TasksCore

R = TypeVar("R")


class TaskExecutor(Executor):
    """Runs calls as tasks."""

    def __init__(self, tasks: TasksCore, pool: Place) -> None:
        self._tasks = tasks
        self._pool = pool

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Run a function; see `concurrent.futures.Executor.submit`."""
        future: TaskFuture[R] = TaskFuture()
        future.task = self._tasks.submit(self._pool, task_name("submit", fn), (fn, args, kwargs), PLAIN)
        future.task.is_looked_at = True
        with lock:
            is_open = future.task.on_end(future.resolve)
        if not is_open:
            future.resolve()
        return future

    def __repr__(self) -> str:
        return f"<executor of pool {self._pool.name!r} of {self._tasks.name}>"


class TaskFuture(Future[R]):
    """The future of a task."""

    task: RuntimeTask[R]

    def cancel(self) -> bool:
        """Cancel the task, if it does not run."""
        return self.task.cancel() and super().cancel()

    def resolve(self) -> None:
        """Take over how the task has ended."""
        task = self.task
        if task.now is COMPLETED:
            if self.set_running_or_notify_cancel():
                self.set_result(task.value)
        elif task.now is FAILED:
            if self.set_running_or_notify_cancel():
                self.set_exception(task.value)
        else:
            super().cancel()
            self.set_running_or_notify_cancel()
