"""Finds the tasks among the arguments of a task."""

from __future__ import annotations

from typing import Any

from .node import Nested, Node, OptionalNode
from .task import LazyTasks, Optional, Task, Tasks

MAY_HOLD_TASKS: frozenset[type] = frozenset({Task, Tasks, LazyTasks, Optional, list, tuple, dict})
"""The types of arguments that are tasks, or in which tasks are looked for."""


class Arguments:
    """The arguments of one task, with nodes in place of tasks.

    Args:
        graph: The graph.
        name: The task, for errors.
        args: Its arguments.

    Attributes:
        args: The arguments with nodes.
        inputs: The nodes, each once.
        optional: The nodes of which they only need that they have ended.

    Raises:
        ValueError: A task belongs to another graph, or something else uses the tasks of a lazy map.
        TypeError: A task is in a dict.
    """

    def __init__(self, graph: object, name: str, args: tuple[Any, ...]) -> None:
        self._graph = graph
        self._name = name
        needs: dict[Node, None] = {}
        ends: dict[Node, None] = {}
        self._needs, self._ends = needs, ends
        self.args: tuple[Any, ...] = tuple(map(self._with_nodes, args))
        self.inputs: tuple[Node, ...] = tuple(needs | ends)
        self.optional: tuple[Node, ...] = tuple(node for node in ends if node not in needs)

    def _with_nodes(self, value: Any) -> Any:
        if isinstance(value, Task):
            return self._found(value.node, self._needs)
        if isinstance(value, Tasks):
            return Nested(list, tuple(self._found(node, self._needs) for node in value.nodes))
        if isinstance(value, LazyTasks):
            return self._found(value.leaves.use_all(self._name, value.stage), self._needs)
        if isinstance(value, Optional):
            return OptionalNode(self._found(value.node, self._ends))
        kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
        if kind in (list, tuple) and holds_tasks(value):
            return Nested(kind, tuple(map(self._with_nodes, value)))
        if kind is dict and holds_tasks(value.values()):
            raise TypeError(
                f"task {self._name!r}: its argument {value!r} is a dict with tasks in it, which would not be replaced "
                "by their results; give it the tasks themselves, or a list or tuple of them"
            )
        return value

    def _found(self, node: Node, among: dict[Node, None]) -> Node:
        if node.graph is not self._graph:
            raise ValueError(f"task {self._name!r}: its argument {node} belongs to another graph")
        among[node] = None
        return node


def holds_tasks(value: Any) -> bool:
    """Whether a task is in a list, tuple or dict, however deep."""
    return any(
        isinstance(each, Task | Tasks | LazyTasks | Optional)
        or (type(each) in (list, tuple) and holds_tasks(each))
        or (type(each) is dict and holds_tasks(each.values()))
        for each in value
    )


def check_item(item: Any) -> None:
    """Raise a `TypeError` if an item of a lazy map is a task, or a list, tuple or dict with a task in it."""
    if type(item) in MAY_HOLD_TASKS and holds_tasks((item,)):
        raise TypeError(f"an item of a lazy map cannot be a task, got {item!r}; give map() a list, without lazy=True")
