"""The numbers of the groups of a graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from statistics import median

import attrs

from penstock.agents.tasks.task_state import TaskState
from penstock.blocks.base.grid import Column, Grid
from penstock.blocks.base.units import printable, show

from .leaves import Leaves
from .near_names import near_names
from .node import Node

SAMPLE = 1_000
"""How many times of the tasks of a lazy map are kept for the median."""


@attrs.frozen
class GroupStatistics:
    """The numbers of a group of tasks: of a `call`, a `map`, a `reduce` …

    Attributes:
        name: The group.
        total: How many tasks it has; with a lazy map, how many there are so far.
        completed: How many have a result.
        failed: How many have failed.
        not_run: How many were not run, because a task that they need has failed.
        running: How many run, or wait for a worker.
        seconds: How long the functions of the completed tasks have run, all together.
        median: The median of these times; with a lazy map, that of 1,000 of them.
    """

    name: str
    total: int
    completed: int
    failed: int
    not_run: int
    running: int
    seconds: float
    median: float


@attrs.frozen
class GraphStatistics:
    """The numbers of the groups of a graph; `statistics["work"]` for one of them, `print(statistics)` for a table.

    Attributes:
        graph: The name of the graph.
        groups: The groups, in the order in which they were added.
    """

    graph: str
    groups: tuple[GroupStatistics, ...]

    def __getitem__(self, name: str) -> GroupStatistics:
        for group in self.groups:
            if group.name == name:
                return group
        near = near_names(name, (group.name for group in self.groups))
        raise KeyError(f"graph {self.graph!r} has no group {name!r}; {near}")

    def __str__(self) -> str:
        groups = self.groups
        numbers = ("total", "completed", "failed", "not_run", "running")
        return str(
            Grid(
                (
                    Column(printable(self.graph), tuple(printable(group.name) for group in groups), is_text=True),
                    *(
                        Column(name.replace("_", " "), tuple(f"{getattr(group, name):,}" for group in groups))
                        for name in numbers
                    ),
                    Column("time", tuple(show(group.seconds) if group.completed else "" for group in groups)),
                    Column("median", tuple(show(group.median) if group.completed else "" for group in groups)),
                )
            )
        )


class Tally:
    """Counts tasks of a group.

    Args:
        is_sampled: Whether only a sample of the times is kept.
    """

    def __init__(self, *, is_sampled: bool = False) -> None:
        self._counts: Counter[TaskState] = Counter()  # without the completed ones: an Enum is slow as a key
        self._completed = 0
        self._seconds = 0.0
        self._times: list[float] = []
        self._random = Random(0) if is_sampled else None

    def count(self, node: Node) -> None:
        """Count a task, by its state."""
        if node.state is not TaskState.COMPLETED:
            self._counts[node.state] += 1
            return
        self._completed += 1
        self._seconds += node.seconds
        if self._random is None or len(self._times) < SAMPLE:
            self._times.append(node.seconds)
            return
        place = int(self._random.random() * self._completed)
        if place < SAMPLE:  # algorithm R: each time is in the sample with the same probability (Vitter, 1985)
            self._times[place] = node.seconds

    def number(self, state: TaskState) -> int:
        """How many tasks it has counted that have no result and are in a state."""
        return self._counts[state]

    def add(self, other: Tally) -> None:
        """Count what another one has counted."""
        self._counts.update(other._counts)
        self._completed += other._completed
        self._seconds += other._seconds
        self._times += other._times

    def shown(self, name: str) -> GroupStatistics:
        """Its numbers."""
        counts, times = self._counts, self._times
        return GroupStatistics(
            name,
            total=self._completed + sum(counts.values()),
            completed=self._completed,
            failed=counts[TaskState.FAILED],
            not_run=counts[TaskState.NOT_RUN],
            running=counts[TaskState.QUEUED],
            seconds=self._seconds,
            median=median(times) if times else 0.0,
        )


def statistics_of(
    name: str, nodes: Iterable[Node], lazy: Mapping[Node, Leaves], ended: Mapping[str, Tally]
) -> GraphStatistics:
    """The numbers of a graph.

    Args:
        name: The graph.
        nodes: Its tasks, and those that lazy maps have made and that have not ended.
        lazy: The lazy maps, by the nodes that stand for them.
        ended: The tasks of lazy maps that have ended, by their groups.
    """
    tallies: dict[str, Tally] = {}
    for node in nodes:
        leaves = lazy.get(node)
        for group in [node.group] if leaves is None else leaves.groups():
            if group not in tallies:
                tallies[group] = Tally()
        if leaves is None:
            tallies[node.group].count(node)
    for group, tally in ended.items():
        tallies[group].add(tally)
    return GraphStatistics(name, tuple(tally.shown(group) for group, tally in tallies.items()))
