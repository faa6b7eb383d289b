"""Finds the tasks of a run, and those whose results are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .node import Node
from .order import depth_first
from .recipe import Recipe
from .task import LazyTasks, Task, Tasks, is_lazy, nodes_of

Some = Task[Any] | Tasks[Any] | LazyTasks[Any]
"""What stands for tasks."""


def chosen_nodes(
    recipe: Recipe, only: Some | str | Sequence[Some | str] | None, keep: Sequence[Some | str]
) -> list[Node]:
    """The nodes of a run, each after those that it needs; those whose results are kept are marked.

    Raises:
        ValueError: A task belongs to another graph; or there is no task of a name, or several.
    """
    wanted = [] if only is None else named_or_given(recipe, only)
    for each in [keep] if isinstance(keep, str) else keep:
        if is_lazy(each):
            each.leaves.check("keep", each.stage)
    kept = [*wanted, *named_or_given(recipe, keep)]
    for node in kept:
        if node.graph is not recipe.graph:
            raise ValueError(f"TaskGraph {recipe.name!r}: {node} belongs to another graph")
    if only is None:
        needed = {each for node in recipe.nodes for each in node.before()}
        wanted = [node for node in recipe.nodes if node not in needed]
    nodes = depth_first(wanted)
    used = {each for node in nodes for each in node.inputs}
    for node in nodes:
        node.is_wanted = node not in used
    for node in kept:
        node.is_wanted = True
    return nodes


def named_or_given(recipe: Recipe, given: Some | str | Sequence[Some | str]) -> list[Node]:
    """The nodes of tasks that are given by themselves or by name."""
    several = [given] if isinstance(given, str | Task | Tasks | LazyTasks) else given
    return [node for each in several for node in (recipe.named(each) if isinstance(each, str) else nodes_of(each))]
