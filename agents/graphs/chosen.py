"""Finds the tasks of a run, and those whose results are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .leaves import Leaves
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
        ValueError: A task belongs to another graph; there is no task of a name, or several; or something else uses the
            tasks of a lazy map.
    """
    recipe.forget_parts()
    wanted = [] if only is None else named_or_given(recipe, only)
    also = named_or_given(recipe, keep)
    kept = [*wanted, *also]
    for node in kept:
        if node.graph is not recipe.graph:
            raise ValueError(f"TaskGraph {recipe.name!r}: {node} belongs to another graph")
    if only is None:
        needed = {each for node in recipe.nodes for each in node.before()}
        wanted = [node for node in recipe.nodes if node not in needed]
    nodes = depth_first(wanted)
    if recipe.lazy:
        check_lazy(recipe, nodes, also)
    used = {each for node in nodes for each in node.inputs}
    for node in nodes:
        node.is_wanted = node not in used
    for node in kept:
        node.is_wanted = True
    return nodes


def named_or_given(recipe: Recipe, given: Some | str | Sequence[Some | str]) -> list[Node]:
    """The nodes of tasks that are given by themselves or by name."""
    several = [given] if isinstance(given, str | Task | Tasks | LazyTasks) else given
    return [node for each in several for node in one_named_or_given(recipe, each)]


def one_named_or_given(recipe: Recipe, given: Some | str) -> tuple[Node, ...]:
    """The nodes of one of them."""
    if isinstance(given, str):
        return recipe.named(given)
    return (recipe.part(given.leaves, given.stage),) if is_lazy(given) else nodes_of(given)


def check_lazy(recipe: Recipe, nodes: list[Node], kept: list[Node]) -> None:
    """Raise a `ValueError` if results of a lazy map are wanted that something else in the run uses one by one."""
    wholes: set[Leaves] = set()
    for node in nodes:
        leaves = recipe.lazy.get(node)
        if leaves is not None and leaves.whole in wholes:
            raise leaves.whole.is_used("only")
        if leaves is not None:
            wholes.add(leaves.whole)
    for part in recipe.parts.values():
        if part.node in kept and part.node not in nodes:
            raise part.whole.is_used("keep")
