"""What a program has of the tasks of a graph before they run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeGuard, TypeVar, overload

from penstock.agents.tasks.ways import way_back

from .leaves import Leaves
from .node import Node

R = TypeVar("R", covariant=True)


class Task(Generic[R]):
    """A task of a `TaskGraph`. As an argument of another task, also in a list or tuple, it stands for its result.

    Attributes:
        node: For the library.
    """

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node: Node = node

    @property
    def name(self) -> str:
        """The name of the task."""
        return self.node.name

    def depends_on(self, *others: Task[Any] | Tasks[Any] | LazyTasks[Any]) -> Self:
        """Run after other tasks, whose results it does not need; return the task.

        Raises:
            ValueError: The other one needs this one, which would be a circle; or it belongs to another graph.
        """
        for other in others:
            for node in nodes_of(other):
                add_order(self.node, node)
        return self

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{self}: it has no result before the graph runs; give it to a task that looks at it")

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{self}: it has no result before the graph runs; give it to a task that iterates over it")

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"


class Tasks(Generic[R]):
    """Several tasks of a `TaskGraph` with the same function, in order. As an argument they stand for a list of results.

    Attributes:
        nodes: For the library.
    """

    __slots__ = ("nodes",)

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.nodes: tuple[Node, ...] = nodes

    def depends_on(self, *others: Task[Any] | Tasks[Any] | LazyTasks[Any]) -> Self:
        """Run each of them after other tasks; see `Task.depends_on`."""
        for node in self.nodes:
            Task[R](node).depends_on(*others)
        return self

    def __len__(self) -> int:
        return len(self.nodes)

    @overload
    def __getitem__(self, index: int) -> Task[R]: ...
    @overload
    def __getitem__(self, index: slice) -> Tasks[R]: ...
    def __getitem__(self, index: int | slice) -> Task[R] | Tasks[R]:
        return Tasks(self.nodes[index]) if isinstance(index, slice) else Task(self.nodes[index])

    def __iter__(self) -> Iterator[Task[R]]:
        return (Task(node) for node in self.nodes)  # Task[R](node) takes ten times as long

    def __repr__(self) -> str:
        return f"<Tasks {self.nodes[0].group if self.nodes else ''!r}, {len(self.nodes)}>"


class LazyTasks(Generic[R]):
    """The tasks of a lazy map, which are made one by one while the graph runs; `graph.map(function, items, lazy=True)`.

    As an argument, also of `fan_in`, they stand for the list of their results. `reduce` combines the results as they
    come, and `map` adds a task after each of them. Their number is not known, so they have no length and no index, and
    cannot be iterated over. Use them once.

    Attributes:
        leaves: For the library.
        stage: For the library.
    """

    __slots__ = ("leaves", "stage")

    def __init__(self, leaves: Leaves, stage: int = 1) -> None:
        self.leaves: Leaves = leaves
        self.stage: int = stage

    def depends_on(self, *others: Task[Any] | Tasks[Any] | LazyTasks[Any]) -> Self:
        """Ask for the first item after other tasks; see `Task.depends_on`."""
        Task[Any](self.leaves.node).depends_on(*others)
        return self

    if not TYPE_CHECKING:  # pragma: no branch  # type checkers refuse it, too

        def __len__(self) -> NoReturn:
            raise TypeError(f"{self}: the number of its tasks is not known; give map() a list, without lazy=True")

        def __getitem__(self, index: object) -> NoReturn:
            raise TypeError(f"{self}: its tasks are made later, one by one; give map() a list, without lazy=True")

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return repr(self.leaves)


def is_lazy(value: object) -> TypeGuard[LazyTasks[Any]]:
    """Whether a value is the tasks of a lazy map."""
    return isinstance(value, LazyTasks)


class Optional(Generic[R]):
    """Stands for an `Ended` of a task: what becomes of it, whether it has a result or not. Made by `optional`."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node: Node = node


def optional(task: Task[R]) -> Optional[R]:
    """Let another task run whatever becomes of this one: as its argument it stands for an `Ended`.

    Raises:
        TypeError: It is no task.
    """
    if not isinstance(task, Task):
        raise TypeError(f"optional: needs a task, got {task!r}")
    return Optional(task.node)


def node_of(task: Task[Any]) -> Node:
    """The node of a task among those of a reduction.

    Raises:
        TypeError: It is no task.
    """
    if isinstance(task, Task):
        return task.node
    raise TypeError(f"reduce: needs tasks, got {task!r}")


def nodes_of(given: Task[Any] | Tasks[Any] | LazyTasks[Any]) -> tuple[Node, ...]:
    """The nodes of a task, or of several; for those of a lazy map, the node that stands for all.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(given, Task):
        return (given.node,)
    if isinstance(given, Tasks):
        return given.nodes
    if isinstance(given, LazyTasks):
        return (given.leaves.node,)
    raise TypeError(f"needs a task, or the tasks of a map or fan_out, got {given!r}")


def add_order(node: Node, before: Node) -> None:
    """Let a node run after another one.

    Raises:
        ValueError: That would be a circle, or it belongs to another graph.
    """
    if before.graph is not node.graph:
        raise ValueError(f"{node} cannot depend on {before}, which belongs to another graph")
    circle = way_back(before, node, Node.before)
    if circle:
        names = " → ".join(repr(each.name) for each in (*circle, circle[0]))
        raise ValueError(f"{node} cannot depend on {before}, which needs it: {names}")
    node.after = (*node.after, before)
