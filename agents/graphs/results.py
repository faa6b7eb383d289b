"""What has become of the tasks of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

import attrs

from penstock.agents.tasks.not_run import NotRun
from penstock.agents.tasks.task_state import TaskState

from .checkpoint import CheckpointReport
from .critical_path import critical_path
from .leaves import Leaves
from .node import Node
from .task import LazyTasks, Task, Tasks

R = TypeVar("R")
T = TypeVar("T", covariant=True)


@attrs.frozen
class Ended(Generic[T]):
    """How a task has ended, for a task that has it as an `optional` input.

    Attributes:
        value: The result; None if there is none.
        error: The exception, or a `NotRun`; None if there is a result.
    """

    value: T | None
    error: BaseException | None


class Results:
    """The results of one run of a graph: `results[task]`, and `results[tasks]` for the tasks of a map or fan_out.

    Only the results of tasks that no other task uses are kept, and those that were asked for with `only` or `keep`.

    Attributes:
        checkpoint: How many results were read from the folder of the checkpoint, and how many written; None if the run
            had no checkpoint.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        lost: Sequence[Node],
        parts: Mapping[tuple[Node, int], Leaves],
        checkpoint: CheckpointReport | None,
    ) -> None:
        self.checkpoint: CheckpointReport | None = checkpoint
        self._nodes = nodes
        self._parts = parts
        self._all = [*nodes, *lost]

    @property
    def states(self) -> Mapping[str, TaskState]:
        """The state of each task by its name; of the tasks of a lazy map, only those that have no result.

        Of each group of tasks of lazy maps, these are the first 1,000 that have failed, and 1,000 that were not run; so
        it is with `failed` and `not_run`, too. `TaskGraph.statistics` counts all.
        """
        return {node.name: node.state for node in self._all}

    @property
    def failed(self) -> Mapping[str, BaseException]:
        """The exceptions of the tasks that have failed, by name."""
        return {node.name: node.value for node in self._all if node.state is TaskState.FAILED}

    @property
    def not_run(self) -> Mapping[str, str]:
        """For each task that was not run, the name of the task because of which, by name."""
        return {node.name: node.value.name for node in self._all if node.state is TaskState.NOT_RUN}

    @overload
    def __getitem__(self, task: Task[R]) -> R: ...
    @overload
    def __getitem__(self, task: Tasks[R] | LazyTasks[R]) -> list[R]: ...
    def __getitem__(self, task: Task[Any] | Tasks[Any] | LazyTasks[Any]) -> Any:
        if isinstance(task, LazyTasks):
            part = self._parts.get((task.leaves.node, task.stage))
            if part is not None:
                return result_of(part.node)
            task.leaves.check("results", task.stage)
            return result_of(task.leaves.node)
        if isinstance(task, Tasks):
            return [result_of(node) for node in task.nodes]
        return result_of(task.node)

    def critical_path(self) -> tuple[list[str], float]:
        """Return the chain of tasks that needed the longest time, and its seconds: the graph cannot be faster.

        A lazy map or its reduction is one member of the chain, with the time of the longest chain in it. On a `Cluster`
        the time of a task has its wait for a worker in it.
        """
        return critical_path(self._nodes)

    def __repr__(self) -> str:
        done = sum(node.state is TaskState.COMPLETED for node in self._nodes)
        return f"<Results, {done} of {len(self._nodes)} tasks have completed>"


def result_of(node: Node) -> Any:
    """The result of a task.

    Raises:
        NotRun: It was not run.
        KeyError: Its result was not kept, or it was not a part of the run.
        BaseException: What it has raised.
    """
    if node.state is TaskState.COMPLETED:
        if not node.is_wanted:
            raise KeyError(f"the result of {node} was not kept, because other tasks use it; give run() keep=[task]")
        return node.value
    if node.state is TaskState.FAILED:
        raise node.value
    if node.state is TaskState.NOT_RUN:
        raise not_run(node)
    raise KeyError(f"{node} was not a part of the run, or did not begin: it is {node.state.value}")


def not_run(node: Node) -> NotRun:
    """The exception of a task that was not run."""
    first: Node = node.value
    error = NotRun(f"{node} was not run, because {first}, which it needs, has failed")
    error.__cause__ = first.value
    return error


def ended(node: Node) -> Ended[Any]:
    """How a task has ended, for one that has it as an optional input."""
    if node.state is TaskState.COMPLETED:
        return Ended(node.value, None)
    return Ended(None, node.value if node.state is TaskState.FAILED else not_run(node))


class TasksFailed(ExceptionGroup[Exception]):
    """The failures of the tasks of a graph; each has a note that names its task.

    Attributes:
        results: What has become of the other tasks.
    """

    results: Results

    def derive(self, excs: Sequence[Exception], /) -> TasksFailed:  # type: ignore[override]
        """Make a group of some of the exceptions, with the same results."""
        group = TasksFailed(self.message, excs)
        group.results = self.results
        return group


def tasks_failed(name: str, errors: Sequence[Exception], others: int, results: Results) -> TasksFailed:
    """The exception of a run.

    Args:
        name: The graph.
        errors: The exceptions that were kept.
        others: How many there were besides.
        results: What has become of the tasks.
    """
    count = len(errors) + others
    rest = f"; the exceptions of {others} of them were not kept" if others else ""
    group = TasksFailed(f"{count} {'task' if count == 1 else 'tasks'} of {name!r} failed{rest}", errors)
    group.results = results
    return group
