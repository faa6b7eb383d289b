"""One task of a graph, as the engine sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from penstock.agents.tasks.task_state import TaskState

Inputs = tuple["Node", ...]
WAITING = TaskState.WAITING  # a member of an Enum is slow to look up


class Node:
    """A task: first a part of the recipe, then of the run.

    Args:
        graph: The graph, so that tasks of others are found out.
        group: The tasks with which it is shown, and the name of the first of them.
        index: Its place among these, from 1; 0 or less if it stands for all of a lazy map.
        function: Its function.
        args: Its arguments, with nodes in place of results.
        inputs: The nodes among these, each once.
        optional: Those of which it only needs that they have ended.

    Attributes:
        after: The nodes that must have ended well before it, whose results it does not need.
        users: The nodes that must begin after it; None if there are none.
        missing: How many nodes must end before it.
        uses_left: How many nodes still need its result.
        state: Its state.
        value: Its result while it is needed, or its exception; if it was not run, the node because of which.
        seconds: How long its function has run.
        digest: What stands for its result in the keys of a checkpoint; None without a checkpoint or a result.
        is_wanted: Whether the run is asked for its result.
    """

    __slots__ = (
        "after",
        "args",
        "digest",
        "function",
        "graph",
        "group",
        "index",
        "inputs",
        "is_wanted",
        "missing",
        "optional",
        "seconds",
        "state",
        "users",
        "uses_left",
        "value",
    )

    def __init__(
        self,
        graph: object,
        group: str,
        index: int,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        inputs: Inputs = (),
        optional: Inputs = (),
    ) -> None:
        self.graph: object = graph
        self.group: str = group
        self.index: int = index
        self.function: Callable[..., Any] = function
        self.args: tuple[Any, ...] = args
        self.inputs: Inputs = inputs
        self.optional: Inputs = optional
        self.after: Inputs = ()
        self.users: list[Node] | None = None
        self.missing: int = 0
        self.uses_left: int = 0
        self.state: TaskState = WAITING
        self.value: Any = None
        self.seconds: float = 0.0
        self.digest: bytes | None = None
        self.is_wanted: bool = False

    @property
    def name(self) -> str:
        """Its name."""
        if self.index < 1:
            return f"all of {self.group} {1 - self.index}" if self.index else f"all of {self.group}"
        return self.group if self.index == 1 else f"{self.group} {self.index}"

    def before(self) -> Inputs:
        """All nodes that must end before it, each once."""
        return tuple(dict.fromkeys((*self.inputs, *self.after))) if self.after else self.inputs

    def __repr__(self) -> str:
        return f"<task {self.name!r}>"


@attrs.frozen
class OptionalNode:
    """Stands among the arguments for how a node has ended."""

    node: Node


@attrs.frozen
class Nested:
    """Stands among the arguments for a list or tuple with nodes in it; any other one is handed on as it is."""

    kind: Callable[[Iterable[Any]], Any]
    parts: tuple[Any, ...]
