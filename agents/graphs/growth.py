"""Makes the tasks of a lazy map while the graph runs."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from inspect import isgenerator
from typing import Any, Protocol

from .arguments import check_item
from .leaves import Leaves, Reduction
from .node import Nested, Node

END = object()
"""What the iterator gives at its end."""


class Engine(Protocol):
    """What takes the tasks."""

    def add(self, node: Node) -> None:
        """Add a task after those that it needs; its results are dropped when the tasks that use it have ended."""
        ...

    def release(self, node: Node) -> None:
        """Drop a result that was held back, unless a task needs it."""
        ...

    def number(self, group: str) -> int:
        """The next number in a group."""
        ...


class Growth:
    """Makes the tasks of a lazy map, in one run.

    Invariant: `_open[n]` are the nodes of level n of the tree that are not combined yet, fewer than `split_every`; the
    leaves are level 0. Each has one use more than it has tasks that use it, so that its result is held back. So the
    tree is the same as that of a list.

    Args:
        leaves: The recipe.
        engine: Takes the tasks.

    Attributes:
        leaves: The recipe.
        values: The results in order, without a reduction.
        number: How many leaves there are so far.
        has_begun: Whether the first item may be asked for.
    """

    def __init__(self, leaves: Leaves, engine: Engine) -> None:
        self.leaves: Leaves = leaves
        self.values: list[Any] = []
        self.number: int = 0
        self.has_begun: bool = False
        self._places: dict[Node, int] = {}
        self._digests: dict[int, bytes] = {}
        self._is_list = True
        self._engine = engine
        self._items: Iterator[Any] | None = None
        self._open: list[list[Node]] = []

    def grow(self) -> bool:
        """Make the tasks for the next item; False if there is none.

        Raises:
            TypeError: The item is a task, or a list or tuple with a task in it.
            Exception: The iterable has raised it.
        """
        if self._items is None:
            self._items = iter(self.leaves.items)
        item = next(self._items, END)
        if item is END:
            return False
        check_item(item)
        self.number += 1
        root, stages, number = self.leaves.node, self.leaves.stages, self._engine.number
        first = stages[0]
        node = Node(root.graph, first.group, number(first.group), first.function, (item,))
        nodes = [node]
        for stage in stages[1:]:
            node = Node(root.graph, stage.group, number(stage.group), stage.function, (node,), (node,))
            nodes.append(node)
        node.uses_left = 1
        if self.leaves.reduction is None:
            if self._is_list:
                self._places[node] = len(self.values)
                self.values.append(None)
            node.users = [root]
            root.missing += 1
        for each in nodes:
            self._engine.add(each)
        if self.leaves.reduction is not None:
            self._put(0, node, self.leaves.reduction)
        return True

    def take(self, node: Node) -> None:
        """Note the result of the last task for an item, if there is no reduction."""
        place = self._places.pop(node, None)
        if place is not None:
            self.values[place] = node.value
            if node.digest is not None:
                self._digests[place] = node.digest

    def give_up(self) -> None:
        """Forget the results: a task has none, so there will be no list."""
        self.values.clear()
        self._places.clear()
        self._digests.clear()
        self._is_list = False

    def digest(self) -> bytes | None:
        """What stands for the list of results in the keys of a checkpoint; None without a checkpoint."""
        places = range(len(self.values))
        return None if len(self._digests) < len(places) else sha256(b"".join(self._digests[n] for n in places)).digest()

    def last(self) -> Node | None:
        """Combine what is left; return the node with the result, which is held back; None without a reduction.

        Raises:
            ValueError: There is nothing to combine.
        """
        reduction = self.leaves.reduction
        if reduction is None:
            return None
        level = 0
        while level < len(self._open):
            rest, self._open[level] = self._open[level], []
            if level + 1 == len(self._open) and len(rest) == 1:
                return rest[0]
            if rest:
                self._put(level + 1, rest[0] if len(rest) == 1 else self._combined(rest, reduction), reduction)
            level += 1
        raise ValueError(f"there is no item, and reduce with {reduction.group!r} needs at least one")

    def _put(self, level: int, node: Node, reduction: Reduction) -> None:
        """Put a node at a level of the tree, and combine the nodes there if they are enough."""
        if level == len(self._open):
            self._open.append([])
        nodes = self._open[level]
        nodes.append(node)
        if len(nodes) == reduction.split_every:
            self._open[level] = []
            self._put(level + 1, self._combined(nodes, reduction), reduction)

    def _combined(self, nodes: list[Node], reduction: Reduction) -> Node:
        inputs, group = tuple(nodes), reduction.group
        root = self.leaves.node
        args = (Nested(list, inputs),)
        node = Node(root.graph, group, self._engine.number(group), reduction.function, args, inputs)
        node.uses_left = 1
        self._engine.add(node)
        for each in inputs:
            self._engine.release(each)
        return node

    def close(self) -> None:
        """Close a generator that is not at its end."""
        if isgenerator(self._items):
            self._items.close()
