"""The tasks of a graph before it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

from penstock.agents.tasks.names import task_name
from penstock.blocks.base.callables import is_async

from .arguments import MAY_HOLD_TASKS, Arguments
from .leaves import Leaves, Reduction, Stage
from .near_names import near_names
from .node import Nested, Node
from .task import LazyTasks


class Recipe:
    """What the graph is made of.

    Args:
        graph: The graph.
        name: Its name.

    Attributes:
        graph: As above.
        name: As above.
        nodes: The nodes in the order in which they were added.
        lazy: The lazy maps, by the nodes that stand for their tasks.
        parts: Those of which the run is asked for the first stages only, by their nodes and the number of stages.
        has_run: Whether the graph has run, so that nothing can be added.
    """

    def __init__(self, graph: object, name: str) -> None:
        self.nodes: list[Node] = []
        self.lazy: dict[Node, Leaves] = {}
        self.parts: dict[tuple[Node, int], Leaves] = {}
        self.has_run: bool = False
        self.graph: object = graph
        self.name: str = name
        self._groups: dict[str, int] = {}
        self._lazy_groups: Counter[str] = Counter()
        self._async: dict[int, bool] = {}

    def new_name(self, name: str) -> str:
        """Raise a `ValueError` if there is a task of this name already; else return it."""
        if name in self._groups:
            raise ValueError(f"TaskGraph {self.name!r}: there is a task {name!r} already")
        return name

    def add(self, function: Callable[..., Any], args: tuple[Any, ...], group: str) -> Node:
        """Add a task."""
        self._check_open(group)
        index = self.number(group)
        if len(args) == 1 and type(args[0]) not in MAY_HOLD_TASKS:
            node = Node(self.graph, group, index, function, args)  # the same, sooner
        else:
            found = Arguments(self.graph, group, args)
            node = Node(self.graph, group, index, function, found.args, found.inputs, found.optional)
        self.nodes.append(node)
        return node

    def add_each(self, function: Callable[..., Any], items: Iterable[Any], group: str) -> tuple[Node, ...]:
        """Add a task for each item."""
        nodes: list[Node] = []
        for item in [*items]:
            if type(item) in MAY_HOLD_TASKS or self.has_run:
                nodes.append(self.add(function, (item,), group))
            else:  # the same, sooner
                index = self._groups[group] = self._groups.get(group, 0) + 1
                node = Node(self.graph, group, index, function, (item,))
                self.nodes.append(node)
                nodes.append(node)
        return tuple(nodes)

    def reduce(self, function: Callable[..., Any], nodes: Iterable[Node], split_every: int) -> Node:
        """Add a tree of tasks that combine results.

        Raises:
            ValueError: There is nothing to combine.
        """
        level: list[Node] = [*nodes]
        if not level:
            raise ValueError(f"TaskGraph {self.name!r}: reduce needs at least one task")
        group = task_name("TaskGraph.reduce", function)
        while len(level) > 1:
            parts = [level[start : start + split_every] for start in range(0, len(level), split_every)]
            level = [part[0] if len(part) == 1 else self._combine(function, part, group) for part in parts]
        return level[0]

    def _combine(self, function: Callable[..., Any], nodes: list[Node], group: str) -> Node:
        """Add a task with the list of some results."""
        self._check_open(group)
        for node in nodes:
            if node.graph is not self.graph:
                raise ValueError(f"task {group!r}: its argument {node} belongs to another graph")
        inputs = (Nested(list, tuple(nodes)),)
        node = Node(self.graph, group, self.number(group), function, inputs, tuple(dict.fromkeys(nodes)))
        self.nodes.append(node)
        return node

    def add_lazy(self, function: Callable[..., Any], items: Iterable[Any], group: str) -> LazyTasks[Any]:
        """Add a lazy map."""
        self._check_open(group)
        if not isinstance(items, Iterable):
            raise TypeError(f"TaskGraph {self.name!r}: the items of {group!r} must be iterable, got {items!r}")
        node = Node(self.graph, group, self._lazy_number(group), function, ())
        self.lazy[node] = Leaves(node, items, [Stage(group, function, node.index)])
        self.nodes.append(node)
        return LazyTasks(self.lazy[node])

    def map_lazy(self, function: Callable[..., Any], tasks: LazyTasks[Any], group: str) -> LazyTasks[Any]:
        """Add a task after each of a lazy map."""
        node, leaves = self._use_each(tasks, group), tasks.leaves
        node.group, node.function, node.index = group, function, self._lazy_number(group)
        leaves.stages.append(Stage(group, function, node.index))
        return LazyTasks(leaves, len(leaves.stages))

    def reduce_lazy(self, function: Callable[..., Any], tasks: LazyTasks[Any], split_every: int) -> Node:
        """Combine the results of a lazy map."""
        group = task_name("TaskGraph.reduce", function)
        node = self._use_each(tasks, group)
        tasks.leaves.reduction = Reduction(function, group, split_every)
        node.group, node.function, node.index = group, function, self.number(group)
        return node

    def _use_each(self, tasks: LazyTasks[Any], group: str) -> Node:
        """Let a group use the results of a lazy map one by one; return the node that stands for its tasks."""
        self._check_open(group)
        node = tasks.leaves.node
        if node.graph is not self.graph:
            raise ValueError(f"task {group!r}: its argument {tasks} belongs to another graph")
        tasks.leaves.use_each(group, tasks.stage)
        return node

    def number(self, group: str) -> int:
        """The next number in a group."""
        number = self._groups[group] = self._groups.get(group, 0) + 1
        return number

    def _lazy_number(self, group: str) -> int:
        """The next number of a node that stands for all tasks of a lazy map, from 0 down."""
        self._groups.setdefault(group, 0)
        self._lazy_groups[group] += 1
        return 1 - self._lazy_groups[group]

    def part(self, leaves: Leaves, stage: int) -> Node:
        """The node whose result is the list of the results of a stage, also if something uses them one by one."""
        if leaves.is_kept(stage):
            return leaves.node
        if (leaves.node, stage) not in self.parts:
            part = self.parts[leaves.node, stage] = leaves.up_to(stage)
            self.lazy[part.node] = part
        return self.parts[leaves.node, stage].node

    def forget_parts(self) -> None:
        """Forget what a run was asked for that has not begun."""
        for part in self.parts.values():
            del self.lazy[part.node]
        self.parts.clear()

    def named(self, name: str) -> tuple[Node, ...]:
        """The tasks of a group, of a reduction the last one; or the task with a name.

        Raises:
            ValueError: There is none, or a group and a task of another group have this name.
        """
        found = [node for node in self.nodes if node.group == name or node.name == name]
        found += self._parts_named(name, {*found})
        if not found:
            near = near_names(name, (*(each for node in self.nodes for each in (node.group, node.name)), *self.groups))
            raise ValueError(f"TaskGraph {self.name!r}: there is no task {name!r}; {near}")
        groups = [*dict.fromkeys(node.group for node in found)]
        if len(groups) > 1:
            raise ValueError(
                f"TaskGraph {self.name!r}: {name!r} is the name of several tasks, of the groups "
                f"{' and '.join(map(repr, groups))}; give the task itself, or another name=, instead of the name"
            )
        used = {each for node in found for each in node.before()}
        return tuple(node for node in found if node not in used)

    def _parts_named(self, name: str, found: Container[Node]) -> list[Node]:
        """The last stage with a name of each lazy map whose node was not found."""
        nodes: list[Node] = []
        for node in self.nodes:
            leaves = None if node in found else self.lazy.get(node)
            stages = [] if leaves is None else [n for n, each in enumerate(leaves.stages, 1) if each.group == name]
            if leaves is not None and stages:
                nodes.append(self.part(leaves, stages[-1]))
        return nodes

    @property
    def groups(self) -> Iterable[str]:
        """The names of the groups of tasks."""
        return self._groups.keys()

    def functions(self, nodes: Iterable[Node]) -> Iterator[tuple[str, Callable[..., Any]]]:
        """The functions of some nodes, and of the tasks of lazy maps among these, each with the name of a task."""
        for node in nodes:
            leaves = self.lazy.get(node)
            if leaves is not None:
                yield from ((stage.group, stage.function) for stage in leaves.stages)
            yield node.name, node.function

    def is_async(self, function: Callable[..., Any]) -> bool:
        """Whether a function is asynchronous."""
        key = id(function)  # a callable object may have no hash; the nodes keep it alive
        if key not in self._async:
            self._async[key] = is_async(function)
        return self._async[key]

    def _check_open(self, group: str) -> None:
        """Raise a `RuntimeError` if the graph has run."""
        if self.has_run:
            raise RuntimeError(f"TaskGraph {self.name!r}: it has run, so {group!r} cannot be added; make another graph")
