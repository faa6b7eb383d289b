"""Makes the picture of how far a runtime is. The lock must be held."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import Any

from penstock.agents.tasks.task_state import TaskState
from penstock.blocks.base.error_info import shorten
from penstock.blocks.base.traceback_text import message_of

from .executor_pool import ExecutorPool
from .progress import Progress, TaskProgress, WorkerProgress
from .runtime_task import RuntimeTask
from .tasks_core import TasksCore
from .thread_pool import ThreadPool


def progress_of(tasks: TasksCore, pools: Iterable[ThreadPool | ExecutorPool]) -> Progress:
    """Make it."""
    pools = [*pools]
    # a worker still has a task when it has just ended, and while its function goes on after its time limit
    running = [task for pool in pools for task in pool.running() if task.now is TaskState.RUNNING]
    queued = sum(pool.queued for pool in pools)
    now = perf_counter()
    return Progress(
        total=tasks.total,
        completed=tasks.completed,
        running=tasks.unfinished - queued - len(tasks.waiting),
        queued=queued,
        failed=tasks.failed,
        waiting=len(tasks.waiting),
        cancelled=tasks.cancelled,
        not_run=tasks.not_run,
        workers=tuple(worker for pool in pools for worker in workers_of(pool)),
        tasks=(*ended_ones(tasks), *(running_one(task, now) for task in running)),
        errors=tuple(f"{task.name}: {said(task.value)}" for task in tasks.kept),
    )


def said(error: BaseException) -> str:
    """What an exception says, shortened; an exception whose `str` raises must not hide the others."""
    try:
        return f"{type(error).__name__}: {shorten(str(error))}"
    except Exception:
        return message_of(error)


def workers_of(pool: ThreadPool | ExecutorPool) -> list[WorkerProgress]:
    """The workers of a pool. An executor is one worker, because its own are not known."""
    if isinstance(pool, ExecutorPool):
        return [WorkerProgress(0, not pool.out, ", ".join(task.name for task in pool.out), pool.queued, pool.name)]
    workers = sorted(pool.workers.values(), key=lambda worker: worker.number)
    return [
        WorkerProgress(
            worker.number,
            not worker.tasks,
            worker.tasks[-1].name if worker.tasks else "",
            pool.queued,
            pool.name,
        )
        for worker in workers
    ]


def ended_ones(tasks: TasksCore) -> list[TaskProgress]:
    """The tasks that have ended, in the order of their numbers."""
    return [
        TaskProgress(
            number,
            name,
            state,
            1e3 * (end - began),
            1e3 * (began - queued),
            100.0 if state is TaskState.COMPLETED else percent,
        )
        for number, name, state, queued, began, end, percent in sorted(tasks.recent, key=lambda ended: ended[0])
    ]


def running_one(task: RuntimeTask[Any], now: float) -> TaskProgress:
    """A task that runs."""
    began = task.began_at or now
    waited = 1e3 * (began - task.queued_at)
    return TaskProgress(task.task_id, task.name, task.now, 1e3 * (now - began), waited, task.percent)
