"""The states of a task."""

from __future__ import annotations

from enum import Enum


class TaskState(Enum):
    """The state of a task. It starts as waiting or queued, and the last four are final.

    Attributes:
        WAITING: It waits for the results of other tasks, which are its inputs, or for its next try.
        QUEUED: It waits for a worker.
        RUNNING: Its function runs.
        COMPLETED: Its function has returned.
        FAILED: Its function has raised, or has taken longer than its time limit.
        CANCELLED: It was cancelled before its function ran.
        NOT_RUN: It was not run, because an input of it failed, was cancelled, or was not run.
    """

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_RUN = "not run"
