"""The tasks of a lazy map, as they are described."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from .node import Node


@attrs.frozen
class Reduction:
    """How results are combined.

    Attributes:
        function: Combines a list of results.
        group: The group of the tasks that combine.
        split_every: How many results one task combines.
    """

    function: Callable[..., Any]
    group: str
    split_every: int


class Leaves:
    """The recipe: for each item a task, or a chain of tasks.

    A node of the graph stands for all of them. Its result is the list of their results, or what a reduction makes of
    them. Its `after` nodes end before the first item is asked for.

    Args:
        node: The node.
        items: The items.
        group: The group of the tasks.
        function: Their function.

    Attributes:
        stages: The groups and functions of the chain for an item.
        reduction: How the results are combined; None for a list.
        user: The name of the task that uses the results, or of the group that uses them one by one; None if nothing
            does.
    """

    def __init__(self, node: Node, items: Iterable[Any], group: str, function: Callable[..., Any]) -> None:
        self.node: Node = node
        self.items: Iterable[Any] = items
        self.stages: list[tuple[str, Callable[..., Any]]] = [(group, function)]
        self.reduction: Reduction | None = None
        self.user: str | None = None

    def use_all(self, user: str, stage: int) -> Node:
        """The node whose result is the list of all results, for a task that has it as an input.

        Args:
            user: The name of that task.
            stage: How many functions of the chain the handle stands for.

        Raises:
            ValueError: Something uses the results one by one.
        """
        self.check(user, stage)
        self.user = user
        return self.node

    def use_each(self, user: str, stage: int) -> None:
        """Let a group use the results one by one.

        Raises:
            ValueError: Something uses them already.
        """
        if self.user is not None:
            raise ValueError(self._used(user))
        self.check(user, stage)

    def check(self, user: str, stage: int) -> None:
        """Raise a `ValueError` if there is no list of these results."""
        if self.reduction is not None or stage != len(self.stages):
            raise ValueError(self._used(user))

    def _used(self, user: str) -> str:
        by = self.reduction.group if self.reduction is not None else self.user or self.stages[-1][0]
        return (
            f"{user!r} cannot use the tasks of the lazy map {self.stages[0][0]!r}, because {by!r} uses them, and their "
            "results are not kept; give map() a list, without lazy=True, for results that are used twice"
        )

    def groups(self) -> list[str]:
        """The groups of its tasks, in the order of the data; one that combines its own results is there twice."""
        return [group for group, _ in self.stages] + ([self.reduction.group] * 2 if self.reduction else [])

    def __repr__(self) -> str:
        return f"<LazyTasks {self.stages[-1][0]!r}>"
