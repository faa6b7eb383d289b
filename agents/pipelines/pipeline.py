"""Pipelines: recipes that are composed in a line, and run from any kind of program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Literal, TypeVar, Unpack, cast, overload

from penstock.agents.plans.pipeline_profile import PipelineProfile
from penstock.agents.plans.plan import Plan
from penstock.blocks import (
    Batch,
    Filter,
    Flatten,
    Fold,
    Propagator,
    Rate,
    Take,
    Tap,
    Throttle,
    Transformer,
    TransformMany,
)
from penstock.blocks.base.callables import callable_name

from .built import RunOptions, build, check_run
from .function_step import function_step
from .hand_over import HandOver
from .outlet import Outlet
from .run import Run
from .section import Section
from .sources import Items
from .stage_options import StageOptions
from .steps import Step, fork_step, make_all, step_like, step_of
from .stream import Stream
from .stream_context import StreamContext

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
Taken = TypeVar("Taken")
New = TypeVar("New")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Pipeline(Generic[In, Out]):
    """A recipe for a pipeline: a chain of stages, through which items go in order.

    `Pipeline(load, concurrency=4, executor=Threads(4)).map(scale).batch(32)` is a recipe. It never changes: each method
    returns a longer one. Each run makes new blocks, so a recipe can be run any number of times, also at once. Start it
    with one of these:

    - `for result in pipeline.run(items)` in plain Python;
    - `async with pipeline.stream(items) as results`, or `await pipeline.collect(items)`, in trio and in asyncio;
    - `pipeline.section()`, to link it into a network that is built by hand.

    A wrong option is an error in the call in which it is written. In a run, results come in the order of the items,
    unless a stage has `ordered=False`, and the number of items between the source and the caller is bounded. The first
    exception of a stage stops the run and comes out in the caller, with a note that names the stage and the item. If
    several stages fail at once, it is an `ExceptionGroup`.

    Args:
        function: The function of the first stage, as for `map`.
        options: The options of this stage.

    Attributes:
        steps: The steps of the recipe, in order.

    Raises:
        TypeError: `function` is not a function, or there is no such option.
        ValueError: An option is out of its range.
    """

    __slots__ = ("steps",)
    steps: tuple[Step, ...]

    @overload
    def __init__(
        self: Pipeline[A, B], function: Callable[[A], Awaitable[B]], /, **options: Unpack[StageOptions]
    ) -> None: ...
    @overload
    def __init__(self: Pipeline[A, B], function: Callable[[A], B], /, **options: Unpack[StageOptions]) -> None: ...
    def __init__(self, function: Callable[[Any], Any], /, **options: Unpack[StageOptions]) -> None:
        self.steps = (function_step("Pipeline", Transformer, function, options),)

    @staticmethod
    def of(kind: type[Taken], /) -> Pipeline[Taken, Taken]:
        """Return a recipe without stages, for items of a type.

        Type checkers need it if the first stage is a lambda: `Pipeline.of(str).map(lambda line: line.strip())`. It is
        also the start of a pipeline that does not begin with a function, and a branch that hands on the item itself.

        Args:
            kind: The type of the items; it is not checked in a run.
        """
        del kind
        made = cast("Pipeline[Taken, Taken]", object.__new__(Pipeline))
        made.steps = ()
        return made

    # Stages

    @overload
    def map(
        self, function: Callable[[Out], Awaitable[New]], /, **options: Unpack[StageOptions]
    ) -> Pipeline[In, New]: ...
    @overload
    def map(self, function: Callable[[Out], New], /, **options: Unpack[StageOptions]) -> Pipeline[In, New]: ...
    def map(self, function: Callable[[Any], Any], /, **options: Unpack[StageOptions]) -> Pipeline[In, Any]:
        """Call a function with each item; the result goes on. See `Transformer`.

        Args:
            function: A plain function, which runs on the loop and should be quick, unless there is an `executor`; or an
                asynchronous function.
            options: The options of the stage.
        """
        return self._with(function_step("Pipeline.map", Transformer, function, options))

    @overload
    def flat_map(
        self, function: Callable[[Out], Awaitable[Iterable[New]]], /, **options: Unpack[StageOptions]
    ) -> Pipeline[In, New]: ...
    @overload
    def flat_map(
        self, function: Callable[[Out], Items[New]], /, **options: Unpack[StageOptions]
    ) -> Pipeline[In, New]: ...
    def flat_map(self, function: Callable[[Any], Any], /, **options: Unpack[StageOptions]) -> Pipeline[In, Any]:
        """Call a function with each item; each element of the result goes on. See `TransformMany`.

        Args:
            function: Returns an iterable, or is a generator function, which is read as far as there is room.
            options: The options of the stage.
        """
        return self._with(function_step("Pipeline.flat_map", TransformMany, function, options))

    def filter(
        self,
        predicate: Callable[[Out], Awaitable[bool]] | Callable[[Out], object],
        /,
        **options: Unpack[StageOptions],
    ) -> Pipeline[In, Out]:
        """Keep the items for which a predicate is true, and drop the rest. See `Filter`.

        Args:
            predicate: Returns whether an item is kept.
            options: The options of the stage.
        """
        return self._with(function_step("Pipeline.filter", Filter, predicate, options))

    def tap(
        self, look: Callable[[Out], Awaitable[object]] | Callable[[Out], object], /, **options: Unpack[StageOptions]
    ) -> Pipeline[In, Out]:
        """Call a function with each item, and hand on the item itself. See `Tap`.

        Args:
            look: The function; its result is not used.
            options: The options of the stage.
        """
        return self._with(function_step("Pipeline.tap", Tap, look, options))

    def flatten(self: Pipeline[Taken, Iterable[New]], /) -> Pipeline[Taken, New]:
        """Hand on the elements of each item, which is an iterable, one by one. See `Flatten`."""
        return self._with(step_of("Pipeline.flatten", Flatten, (), {"name": "flatten"}, "flatten"))

    @overload
    def fold(
        self, function: Callable[[New, Out], Awaitable[New]], start: New, /, *, running: bool = ...
    ) -> Pipeline[In, New]: ...
    @overload
    def fold(self, function: Callable[[New, Out], New], start: New, /, *, running: bool = ...) -> Pipeline[In, New]: ...
    def fold(self, function: Callable[[Any, Any], Any], start: Any, /, *, running: bool = False) -> Pipeline[In, Any]:
        """Make one result of all items with a function of the state and an item. See `Fold`.

        Args:
            function: Returns the next state.
            start: The first state; it is also the result if there are no items.
            running: Whether the state after each item goes on, instead of the last one. Default: False.
        """
        label = f"fold {callable_name(function)}"
        return self._with(step_of("Pipeline.fold", Fold, (function, start), {"running": running}, label))

    def batch(self, items: int, /, *, seconds: float | None = None) -> Pipeline[In, list[Out]]:
        """Collect items into lists. See `Batch`.

        Args:
            items: The number of items in a full list, >= 1. The last list may be shorter.
            seconds: The longest time from the first item of a list until the list goes on, > 0; None to wait until it
                is full.
        """
        label = f"batch {items}"
        options = {"max_seconds": seconds, "name": label}
        return self._with(step_of("Pipeline.batch", Batch, (items,), options, label))

    def throttle(self, rate: Rate | float, /) -> Pipeline[In, Out]:
        """Hand on items at a bounded rate. See `Throttle`; a stage with a function has the option `rate`.

        Args:
            rate: A `Rate`, or the number of items per second.
        """
        return self._with(step_of("Pipeline.throttle", Throttle, (rate,), {"name": "throttle"}, "throttle"))

    def take(self, count: int, /) -> Pipeline[In, Out]:
        """Let only the first items go on; then the stages before it and the source end. See `Take`.

        Args:
            count: The number of items, >= 1.
        """
        label = f"take {count}"
        return self._with(step_of("Pipeline.take", Take, (count,), {"name": label}, label))

    # Joining with others

    @overload
    def fork(
        self, branch_1: Pipeline[Out, A], branch_2: Pipeline[Out, B], /, *, key: Any = ...
    ) -> Pipeline[In, tuple[A, B]]: ...
    @overload
    def fork(
        self, branch_1: Pipeline[Out, A], branch_2: Pipeline[Out, B], branch_3: Pipeline[Out, C], /, *, key: Any = ...
    ) -> Pipeline[In, tuple[A, B, C]]: ...
    @overload
    def fork(
        self,
        branch_1: Pipeline[Out, A],
        branch_2: Pipeline[Out, B],
        branch_3: Pipeline[Out, C],
        branch_4: Pipeline[Out, D],
        /,
        *,
        key: Any = ...,
    ) -> Pipeline[In, tuple[A, B, C, D]]: ...
    @overload
    def fork(self, *branches: Pipeline[Out, A], key: Any = ...) -> Pipeline[In, tuple[A, ...]]: ...
    def fork(self, *branches: Pipeline[Any, Any], key: Any = None) -> Pipeline[In, Any]:
        """Send every item through several pipelines at once; their results for it go on together, as a tuple.

        If one branch drops an item, its results in the other branches are dropped too, and counted as "no partner". See
        `Broadcast` and `Join`.

        Args:
            branches: Two or more pipelines.
            key: Returns what the results of one item have in common: one function, or a tuple with one for each branch.
                It is needed only if a branch changes the order or the number of the items. Default: None, the results
                are matched by their place.
        """
        if len(branches) < 2 or not all(isinstance(branch, Pipeline) for branch in branches):
            raise TypeError(f"Pipeline.fork: needs two or more pipelines, got {branches!r}")
        options = {} if key is None else {"key": key}
        return self._with(fork_step([branch.steps for branch in branches], options))

    def then(self, stage: Pipeline[Out, New] | Propagator[Out, New], /) -> Pipeline[In, New]:
        """Continue with the stages of another pipeline, or with a block.

        `first | second` is the same.

        Args:
            stage: A pipeline; or a block with one input and one output. Each run makes a new block like it, of the same
                class and with the same arguments, so it must not be linked or used elsewhere.
        """
        return self._with(*self._steps_like("Pipeline.then", stage))

    def __or__(self, stage: Pipeline[Out, New] | Propagator[Out, New], /) -> Pipeline[In, New]:
        return self.then(stage)

    def __ror__(self, stage: Propagator[Taken, In], /) -> Pipeline[Taken, Out]:
        return Pipeline.of(object)._with(*self._steps_like("Pipeline", stage), *self.steps)

    def _with(self, *steps: Step) -> Pipeline[In, Any]:
        """A recipe with more steps."""
        made = cast("Pipeline[In, Any]", object.__new__(Pipeline))
        made.steps = (*self.steps, *steps)
        return made

    @staticmethod
    def _steps_like(who: str, stage: Any) -> tuple[Step, ...]:
        """The steps of a pipeline, or a step with a block like the given one."""
        return stage.steps if isinstance(stage, Pipeline) else (step_like(who, stage),)

    # Running

    def run(
        self,
        items: Items[In],
        /,
        *,
        library: Literal["trio", "asyncio"] = "trio",
        **options: Unpack[RunOptions],
    ) -> Run[Out]:
        """Run the pipeline in a plain program, in a thread of its own, and iterate over the results.

        `for result in pipeline.run(items)` needs no asynchronous code. Leaving the loop stops everything.

        A collection, such as a list, is read in that thread. Any other iterable, such as a generator or a file, is read
        in a second thread, so that it may wait; it is also closed there. Plain functions without `executor` run in the
        thread of the loop, with the context variables of the caller.

        Args:
            items: The items; a generator, too, may be endless.
            library: Where the asynchronous functions and iterables run: in trio, or in asyncio, in another thread.
            options: The options of the run.

        Raises:
            RuntimeError: The caller runs in trio; use `stream` or `collect` there.
            TypeError: `items` is not iterable.
            ValueError: An option is out of its range, or the limit is smaller than a batch.
        """
        if library not in ("trio", "asyncio"):
            raise ValueError(f"Pipeline.run: library must be 'trio' or 'asyncio', got {library!r}")
        check_run("Pipeline.run", self.steps, options)
        return Run(self.steps, items, options, library == "asyncio")

    def stream(self, items: Items[In], /, **options: Unpack[RunOptions]) -> AbstractAsyncContextManager[Stream[Out]]:
        """Run the pipeline in an asynchronous program, of trio or of asyncio, and iterate over the results.

        Use it as `async with pipeline.stream(items) as results`, and then `async for result in results`. Leaving the
        block stops everything. A cancellation of the program stops the run, and an error of the run comes out here.

        In asyncio, asynchronous functions and iterables run in the loop of the program; give `trio_function(f)` for a
        function of trio. Everything else runs in a loop of trio in another thread, which all runs of a program share.
        So a plain function that takes long needs an `executor`.

        Args:
            items: The items: an iterable, an asynchronous iterable, a receive channel of trio, or a queue of asyncio.
            options: The options of the run.

        Raises:
            RuntimeError: On entering: neither trio nor asyncio runs here.
            TypeError: On entering: `items` is not iterable.
            ValueError: An option is out of its range, or the limit is smaller than a batch.
        """
        check_run("Pipeline.stream", self.steps, options)
        return StreamContext[Out](self.steps, items, options)

    async def collect(self, items: Items[In], /, **options: Unpack[RunOptions]) -> list[Out]:
        """Run the pipeline in an asynchronous program, of trio or of asyncio, and return all results.

        Args:
            items: As for `stream`.
            options: The options of the run.
        """
        async with self.stream(items, **options) as results:
            return [result async for result in results]

    def section(self, name: str | None = None) -> Section[In, Out]:
        """Make the blocks of the pipeline, linked in a line, as one part of a network that is built by hand.

        Args:
            name: The name in messages; by default what the stages do.
        """
        return Section(make_all(self.steps), name or str(self))

    def planned(self, plan: Plan) -> Pipeline[In, Out]:
        """Return a recipe with the same results that runs as a plan says.

        Each stage of the plan becomes one stage: the same worker does its tasks for an item, one after the other. The
        plan replaces `concurrency`, `executor`, `window` and `capacity` of the stages. A function may then be called
        from several threads at once, unless its stage is `stateful`.

        Args:
            plan: The plan; its stages have all tasks of this pipeline, in order.

        Raises:
            TypeError: It is no plan, or a function cannot be sent to processes.
            ValueError: A task is in no stage, in two of them, or cannot run as its stage says.
        """
        from .planned import planned_steps  # late: few programs have a plan

        made = cast("Pipeline[In, Out]", object.__new__(Pipeline))
        made.steps = planned_steps(self.steps, plan)
        return made

    async def profile(self, items: Items[In], /, *, count: int = 50) -> PipelineProfile:
        """Measure what each task costs; in an asynchronous program, of trio or of asyncio.

        Each function is called once with each item, in a thread, one task after the other. Nothing else should run
        meanwhile, in the program and on the machine.

        Args:
            items: As for `stream`. They should be typical.
            count: Up to this many items are used, >= 1.

        Raises:
            ValueError: There is no item, or `count` is out of its range.
        """
        from .profiling import profile_steps  # late: few programs measure

        return await profile_steps(self.steps, items, count)

    def run_profile(self, items: Items[In], /, *, count: int = 50) -> PipelineProfile:
        """Measure what each task costs, in a plain program, as `profile` does.

        Args:
            items: As for `run`. They should be typical.
            count: Up to this many items are used, >= 1.
        """
        from .profiling import run_profile  # late: few programs measure

        return run_profile(self.steps, items, count)

    def check(self) -> tuple[str, ...]:
        """Find parts of the pipeline that will stall; each finding is a sentence with a remedy. See `Network.check`."""
        return build(self.steps, (), {}, outlet=Outlet(HandOver(1))).network.check()

    def __str__(self) -> str:
        return " → ".join(step.label for step in self.steps) or "no stages"

    def __repr__(self) -> str:
        return f"<Pipeline {self}>"

    def _repr_svg_(self) -> str:
        from .drawing import draw  # late: only notebooks need it

        return draw(self.steps)
