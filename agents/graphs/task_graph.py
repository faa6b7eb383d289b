"""A known set of tasks with dependencies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

import attrs
import trio

from penstock.agents.tasks.executors import check_executor, workers_of
from penstock.agents.tasks.names import task_name
from penstock.agents.tasks.one_error import raise_interrupt
from penstock.blocks import Retry
from penstock.blocks.base.checks import check_count, check_number
from penstock.blocks.base.names import given_name

from .checkpoint import Checkpoint
from .chosen import Some, chosen_nodes
from .engine import Engine
from .group_blocks import RunSettings
from .keeping import Keeping
from .mermaid import mermaid
from .node import Node
from .on_cluster import KeepsResults, check_nodes
from .recipe import Recipe
from .results import Ended, Results, tasks_failed
from .same_parameters import same_parameters
from .statistics import GraphStatistics, statistics_of
from .task import LazyTasks, Optional, Task, Tasks, is_lazy, node_of

if TYPE_CHECKING:
    from penstock.blocks import Recording

R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")


class TaskGraph:
    """A known set of tasks with dependencies: describe them first, then run all of them.

    A task that is given to another one, also in a list or tuple, is its input: that one runs later, with the result.
    Tasks run as soon as they can, those first that let results go: with a reduction over many tasks, only few results
    exist at once. A result is dropped when the last task that uses it has ended.

    Args:
        name: Its name in messages; by default its class and a number.
        executor: Where plain functions run, such as `Threads(4)` or `Processes(4)`; by default on the loop of trio.
            Asynchronous functions always run there. With `Cluster(client)`, results stay on the workers of a Dask
            cluster until an asynchronous function or the program needs them.
        concurrency: Up to this many tasks of a group, such as those of one `map`, run at once, >= 1; by default the
            number of workers of the executor, or 16.
        on_error: A `Retry`; by default a task that fails is not tried again.
        time_limit: Seconds that one try of a task may take, > 0; None (default) for no limit.

    Raises:
        TypeError: `on_error` is no `Retry`, or the executor is none.
        ValueError: A number is out of its range.

    Examples:
        >>> graph = TaskGraph("sizes")
        >>> sizes = graph.map(len, ["one", "three"])
        >>> total = graph.reduce(sum, sizes)
        >>> graph.run_sync()[total]
        8
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        executor: Executor | None = None,
        concurrency: int | None = None,
        on_error: Retry | None = None,
        time_limit: float | None = None,
    ) -> None:
        self.name: str = given_name("TaskGraph", name)
        who = f"TaskGraph {self.name!r}"
        check_executor(who, executor)
        cluster = cast("KeepsResults", executor) if getattr(executor, "keeps_results", False) else None
        if on_error is not None and not isinstance(on_error, Retry):
            raise TypeError(f"{who}: on_error must be Retry or None, got {on_error!r}")
        if concurrency is not None:
            check_count(who, "concurrency", concurrency)
        if time_limit is not None:
            check_number(who, "time_limit", time_limit, above=True)
        at_once = concurrency or workers_of(executor, 16)
        self._settings = RunSettings(
            self.name, executor, at_once, on_error, time_limit, stops=True, network={}, cluster=cluster
        )
        self._recipe = Recipe(self, self.name)
        self._engine: Engine | None = None

    # Building

    @overload
    def call(self, function: Callable[[], Awaitable[R]], /, *, name: str | None = None) -> Task[R]: ...
    @overload
    def call(self, function: Callable[[], R], /, *, name: str | None = None) -> Task[R]: ...
    @overload
    def call(self, function: Callable[[A], Awaitable[R]], a: A | Task[A], /, *, name: str | None = None) -> Task[R]: ...
    @overload
    def call(self, function: Callable[[A], R], a: A | Task[A], /, *, name: str | None = None) -> Task[R]: ...
    @overload
    def call(
        self, function: Callable[[A, B], Awaitable[R]], a: A | Task[A], b: B | Task[B], /, *, name: str | None = None
    ) -> Task[R]: ...
    @overload
    def call(
        self, function: Callable[[A, B], R], a: A | Task[A], b: B | Task[B], /, *, name: str | None = None
    ) -> Task[R]: ...
    @overload
    def call(
        self,
        function: Callable[[A, B, C], R],
        a: A | Task[A],
        b: B | Task[B],
        c: C | Task[C],
        /,
        *,
        name: str | None = None,
    ) -> Task[R]: ...
    @overload
    def call(
        self,
        function: Callable[[A, B, C, D], R],
        a: A | Task[A],
        b: B | Task[B],
        c: C | Task[C],
        d: D | Task[D],
        /,
        *,
        name: str | None = None,
    ) -> Task[R]: ...
    @overload
    def call(
        self,
        function: Callable[[list[A]], R],
        a: Tasks[A] | LazyTasks[A] | list[Task[A]],
        /,
        *,
        name: str | None = None,
    ) -> Task[R]: ...
    @overload
    def call(self, function: Callable[[Ended[A]], R], a: Optional[A], /, *, name: str | None = None) -> Task[R]: ...
    @overload
    def call(
        self,
        function: Callable[[list[A], B], R],
        a: Tasks[A] | LazyTasks[A] | list[Task[A]],
        b: B | Task[B],
        /,
        *,
        name: str | None = None,
    ) -> Task[R]: ...
    @overload
    def call(
        self,
        function: Callable[..., R],
        a: Any,
        b: Any,
        c: Any,
        d: Any,
        e: Any,
        /,
        *more: Any,
        name: str | None = None,
    ) -> Task[R]: ...
    def call(self, function: Callable[..., Any], /, *args: Any, name: str | None = None) -> Task[Any]:
        """Add a task.

        Args:
            function: Its function, plain or asynchronous.
            args: Its arguments. A task among them, also in a list or tuple, stands for its result; the tasks of a `map`
                or `fan_out` stand for the list of their results; `optional(task)` for how that has ended.
            name: Its name, by default that of the function, with a number if there are several.

        Raises:
            TypeError: The function cannot be called.
            ValueError: There is a task of this name, or an argument is a task of another graph.
            RuntimeError: The graph has run.
        """
        group = task_name("TaskGraph.call", function) if name is None else self._recipe.new_name(name)
        return Task(self._recipe.add(function, args, group))

    @overload
    def map(self, function: Callable[[A], Awaitable[R]], items: LazyTasks[A], /) -> LazyTasks[R]: ...
    @overload
    def map(self, function: Callable[[A], R], items: LazyTasks[A], /) -> LazyTasks[R]: ...
    @overload
    def map(
        self, function: Callable[[A], Awaitable[R]], items: Iterable[A], /, *, lazy: Literal[True]
    ) -> LazyTasks[R]: ...
    @overload
    def map(self, function: Callable[[A], R], items: Iterable[A], /, *, lazy: Literal[True]) -> LazyTasks[R]: ...
    @overload
    def map(self, function: Callable[[A], Awaitable[R]], items: Iterable[A | Task[A]], /) -> Tasks[R]: ...
    @overload
    def map(self, function: Callable[[A], R], items: Iterable[A | Task[A]], /) -> Tasks[R]: ...
    def map(self, function: Callable[[Any], Any], items: Any, /, *, lazy: bool = False) -> Any:
        """Add a task for each item: the function with this item.

        Args:
            function: The function.
            items: Values, or the tasks of another `map` or `fan_out`.
            lazy: Whether the tasks are made while the graph runs, when there is room for them, and forgotten when they
                have ended: then `reduce` needs little memory, however many items there are. The items are asked for
                one by one, on the loop; a generator is closed in any case. See `LazyTasks` for what can be done with
                the result. The tasks after those of a lazy map are lazy, too.

        Raises:
            TypeError: The items cannot be iterated over.
            ValueError: Something else uses the tasks of the lazy map.
        """
        group = task_name("TaskGraph.map", function)
        if is_lazy(items):
            return self._recipe.map_lazy(function, items, group)
        if lazy:
            return self._recipe.add_lazy(function, items, group)
        return Tasks[Any](self._recipe.add_each(function, items, group))

    def parallel(self, count: int, function: Callable[[int], R], /) -> Tasks[R]:
        """Add `count` tasks: the function with 0, 1, 2 ….

        Raises:
            ValueError: `count` is less than 1.
        """
        check_count(f"TaskGraph {self.name!r}: parallel", "count", count)
        return self.map(function, range(count))

    def fan_out(self, task: A | Task[A], count: int, function: Callable[[A, int], R], /) -> Tasks[R]:
        """Add `count` tasks that share an input: the function with its result and 0, 1, 2 ….

        Raises:
            ValueError: `count` is less than 1.
        """
        check_count(f"TaskGraph {self.name!r}: fan_out", "count", count)
        group = task_name("TaskGraph.fan_out", function)
        return Tasks(tuple(self._recipe.add(function, (task, index), group) for index in range(count)))

    def fan_in(
        self, function: Callable[[list[T]], R], tasks: Tasks[T] | LazyTasks[T] | Iterable[Task[T]], /
    ) -> Task[R]:
        """Add a task with the results of several tasks, as one list."""
        inputs = cast("object", tasks if isinstance(tasks, Tasks | LazyTasks) else [*tasks])
        return Task(self._recipe.add(function, (inputs,), task_name("TaskGraph.fan_in", function)))

    def reduce(
        self,
        function: Callable[[list[T]], T],
        tasks: Tasks[T] | LazyTasks[T] | Iterable[Task[T]],
        /,
        *,
        split_every: int = 8,
    ) -> Task[T]:
        """Add a tree of tasks that combine results, up to `split_every` at once, until one is left.

        The tree depends only on the number of tasks, so sums of floats are the same in every run. A single result goes
        up unchanged, so the function must give what it takes; for another type of result, use `fan_in` on top.

        Args:
            function: Combines a list of 2 to `split_every` results.
            tasks: The tasks, at least one; those of a lazy map are combined as they come.
            split_every: The maximum number of results that one task combines, >= 2.

        Raises:
            ValueError: There is no task, or `split_every` is less than 2; or something else uses the tasks of the lazy
                map. If a lazy map has no items, it is an exception of the run.
        """
        check_count(f"TaskGraph {self.name!r}: reduce", "split_every", split_every, 2)
        if isinstance(tasks, LazyTasks):
            return Task(self._recipe.reduce_lazy(function, tasks, split_every))
        nodes = tasks.nodes if isinstance(tasks, Tasks) else [node_of(task) for task in tasks]
        return Task(self._recipe.reduce(function, nodes, split_every))

    # Running

    async def run(
        self,
        only: Some | str | Sequence[Some | str] | None = None,
        *,
        keep: Sequence[Some | str] = (),
        on_error: Literal["stop", "continue"] = "stop",
        checkpoint: Checkpoint | None = None,
        recording: Recording | None = None,
        progress: bool = False,
    ) -> Results:
        """Run the tasks, in trio, and return their results.

        Args:
            only: Run these tasks and what they need, and nothing else; by default, all tasks. A task may be given by
                its name, such as "merge 2"; the name of a group stands for its tasks, of a reduction for the last one.
                A lazy map runs without the reduction or the map that uses its results, unless that is asked for, too.
            keep: Keep the results of these tasks too, also given by name. By default only those that no task uses are
                kept, and `only`.
            on_error: What happens when a task fails. "stop" (default): no other task begins, and those that run are
                cancelled or waited for. "continue": everything runs that does not need it.
            checkpoint: Where results are kept, so that the next run of this program goes on where this one has ended.
            recording: A recording of the run; each `map`, `reduce` or other group is a stage.
            progress: Whether to show the progress.

        Raises:
            TasksFailed: Tasks have failed; the group has their exceptions, each with a note that names its task, and
                the `results` of the others. Of each group of tasks of a lazy map, the first 1,000 are kept, and the
                message has the number of the others.
            RuntimeError: The graph has run.
            TypeError: `checkpoint` is none, or a function cannot be pickled for it.
            ValueError: A task belongs to another graph; there is no task of a name, or several; results of a lazy map
                are wanted that something else in the run uses; `on_error` is something else; or the checkpoint has a
                version for a task that is not there.
            OSError: The folder of the checkpoint cannot be written to.
        """
        if on_error not in ("stop", "continue"):
            raise ValueError(f"TaskGraph {self.name!r}: on_error must be 'stop' or 'continue', got {on_error!r}")
        if self._recipe.has_run:
            raise RuntimeError(f"TaskGraph {self.name!r}: it has run already; make another graph")
        nodes = chosen_nodes(self._recipe, only, keep)
        settings = attrs.evolve(
            self._settings,
            stops=on_error == "stop",
            network={"recording": recording, "progress": progress},
            keeping=None if checkpoint is None else self._keeping(checkpoint, nodes),
        )
        if settings.cluster is not None:
            check_nodes(f"TaskGraph {self.name!r}", nodes)
        self._recipe.has_run = True
        engine = self._engine = Engine(nodes, self._recipe, settings)
        await engine.run()
        report = None if settings.keeping is None else settings.keeping.report()
        results = Results(nodes, engine.lost, self._recipe.parts, report)
        if engine.errors:
            raise tasks_failed(self.name, engine.errors, engine.others, results)
        return results

    @same_parameters(run)
    def run_sync(self, *args: Any, **options: Any) -> Results:
        """Run the tasks in a plain program; see `run`.

        Raises:
            RuntimeError: The caller runs in trio; use `run` there.
            KeyboardInterrupt: Ctrl-C was pressed, which cancels the tasks; it is not in a group, as in trio.
        """
        if trio.lowlevel.in_trio_run():
            raise RuntimeError(f"TaskGraph {self.name!r}: run_sync() would hold this loop; use `await graph.run()`")
        try:
            return trio.run(partial(self.run, *args, **options))
        except BaseExceptionGroup as group:
            raise_interrupt(group)
            raise

    def statistics(self) -> GraphStatistics:
        """Return how many tasks of each group have ended how, and how long they have run; at any time."""
        if self._engine is not None:
            return self._engine.statistics()
        return statistics_of(self.name, self._recipe.nodes, self._recipe.lazy, {})

    def mermaid(self) -> str:
        """Return the groups of tasks and what needs what, as text for Mermaid; after a run with the number done."""
        return mermaid(self._recipe)

    def _keeping(self, checkpoint: Checkpoint, nodes: list[Node]) -> Keeping:
        if not isinstance(checkpoint, Checkpoint):
            raise TypeError(f"TaskGraph {self.name!r}: checkpoint must be a Checkpoint or None, got {checkpoint!r}")
        if self._settings.cluster is not None:
            raise TypeError(
                f"TaskGraph {self.name!r}: a checkpoint needs the results here, and a Cluster keeps them where they "
                "were made; use client.get_executor()"
            )
        keeping = Keeping(checkpoint, self._recipe.is_async, self._recipe.functions(nodes))
        checkpoint.prepare(self._recipe.groups)
        return keeping

    def __len__(self) -> int:
        return len(self._recipe.nodes)

    def __repr__(self) -> str:
        return f"<TaskGraph {self.name!r}, {len(self._recipe.nodes)} tasks>"
