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


@attrs.frozen
class Stage:
    """A function of the chain for an item.

    Attributes:
        group: The group of its tasks.
        function: The function.
        index: The index of the node that stands for all of these tasks, if nothing comes after them.
    """

    group: str
    function: Callable[..., Any]
    index: int


class Leaves:
    """The recipe: for each item a task, or a chain of tasks.

    A node of the graph stands for all of them. Its result is the list of their results, or what a reduction makes of
    them. Its `after` nodes end before the first item is asked for.

    Args:
        node: The node.
        items: The items.
        stages: The chain for an item.
        whole: Of what they are a part, if the run is asked for the results of the first stages only.

    Attributes:
        stages: As above.
        whole: As above; itself if they are no part.
        reduction: How the results are combined; None for a list.
        user: The name of the task that uses the results, or of the group that uses them one by one; None if nothing
            does.
    """

    def __init__(self, node: Node, items: Iterable[Any], stages: list[Stage], whole: Leaves | None = None) -> None:
        self.node: Node = node
        self.items: Iterable[Any] = items
        self.stages: list[Stage] = stages
        self.whole: Leaves = whole or self
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
            raise self.is_used(user)
        self.check(user, stage)

    def check(self, user: str, stage: int) -> None:
        """Raise a `ValueError` if there is no list of these results."""
        if not self.is_kept(stage):
            raise self.is_used(user)

    def is_kept(self, stage: int) -> bool:
        """Whether there is a list of the results of a stage."""
        return self.reduction is None and stage == len(self.stages)

    def is_used(self, user: str) -> ValueError:
        """The exception for a second user of the results."""
        by = self.reduction.group if self.reduction is not None else self.user or self.stages[-1].group
        return ValueError(
            f"{user!r} cannot use the tasks of the lazy map {self.stages[0].group!r}, because {by!r} uses them, and "
            "their results are not kept; give map() a list, without lazy=True, for results that are used twice"
        )

    def up_to(self, stage: int) -> Leaves:
        """The tasks up to a stage, without what uses their results."""
        last = self.stages[stage - 1]
        node = Node(self.node.graph, last.group, last.index, last.function, ())
        node.after = self.node.after
        return Leaves(node, self.items, self.stages[:stage], self)

    def groups(self) -> list[str]:
        """The groups of its tasks, in the order of the data; one that combines its own results is there twice."""
        return [stage.group for stage in self.stages] + ([self.reduction.group] * 2 if self.reduction else [])

    def __repr__(self) -> str:
        return f"<LazyTasks {self.stages[-1].group!r}>"
