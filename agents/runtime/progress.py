"""How far a runtime is, as plain data."""

from __future__ import annotations

from typing import Any

import attrs

from penstock.agents.tasks.task_state import TaskState


@attrs.frozen
class WorkerProgress:
    """A worker.

    Attributes:
        id: Its number.
        idle: Whether it has no task.
        task: The name of its task; "" if there is none.
        queue_depth: How many tasks wait in the queue that it takes tasks from.
        pool: The name of its pool.
    """

    id: int
    idle: bool
    task: str
    queue_depth: int
    pool: str


@attrs.frozen
class TaskProgress:
    """A task.

    Attributes:
        task_id: Its number, from 1.
        name: Its name.
        state: Its state.
        execution_duration_ms: How long its function has run, in milliseconds.
        queued_duration_ms: How long it has waited before that, in milliseconds.
        progress_pct: How far it is, 0 … 100; see `report_progress`.
    """

    task_id: int
    name: str
    state: TaskState
    execution_duration_ms: float
    queued_duration_ms: float
    progress_pct: float


@attrs.frozen
class Progress:
    """How far a runtime is.

    Attributes:
        total: How many tasks were submitted.
        completed: How many have a result.
        running: How many run.
        queued: How many wait for a worker.
        failed: How many have failed.
        waiting: How many wait for the results of others, or for their next try.
        cancelled: How many were cancelled.
        not_run: How many were not run, because an input has no result.
        workers: The workers that exist.
        tasks: The tasks that run, and the last 1,000 that have ended, in the order of their numbers.
        errors: A line for each of the first 1,000 tasks that have failed.
    """

    total: int
    completed: int
    running: int
    queued: int
    failed: int
    waiting: int
    cancelled: int
    not_run: int
    workers: tuple[WorkerProgress, ...]
    tasks: tuple[TaskProgress, ...]
    errors: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the same as dicts and lists, for example for JSON; states are their texts."""
        return attrs.asdict(self, value_serializer=lambda _, __, value: getattr(value, "value", value))
