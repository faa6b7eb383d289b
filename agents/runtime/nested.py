"""What a task that waits for another one may run meanwhile, and the circles in which tasks would wait forever.

The lock must be held for all of it.
"""

from __future__ import annotations

from typing import Any

from penstock.agents.tasks.ways import way_back

from .runtime_task import QUEUED, RUNNING, WAITING, Place, RuntimeTask


def runnable_for(task: RuntimeTask[Any], pool: Place) -> RuntimeTask[Any] | None:
    """A task that waits for a worker of a pool, and without which another task cannot end; None if there is none."""
    seen = {task}
    open_tasks = [task]
    while open_tasks:
        each = open_tasks.pop()
        if each.now is QUEUED and each.pool is pool:
            return each
        if each.now is WAITING:
            for needed in each.inputs:
                if not needed.is_over and needed not in seen:
                    seen.add(needed)
                    open_tasks.append(needed)
    return None


def circle_of(mine: RuntimeTask[Any], task: RuntimeTask[Any]) -> list[RuntimeTask[Any]]:
    """The circle of waits that there is if a task waits for another one; empty if there is none."""
    return way_back(task, mine, needs_of)


def needs_of(task: RuntimeTask[Any]) -> tuple[RuntimeTask[Any], ...]:
    """The tasks for which a task waits now."""
    if task.now is WAITING:
        return tuple(each for each in task.inputs if not each.is_over)
    return (task.awaits,) if task.now is RUNNING and task.awaits is not None else ()


def wait_of(task: RuntimeTask[Any], other: RuntimeTask[Any]) -> str:
    """Say that a task waits for another one."""
    return f"{task}, number {task.task_id}, waits for {other}, number {other.task_id}"
