"""Pipelines: recipes that are composed in a line, and run from any kind of program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, Unpack, cast, overload

from penstock.agents.plans.plan import Plan
from penstock.blocks import (
    Filter,
    Flatten,
    Fold,
    Lease,
    Propagator,
    Rate,
    ResourcePool,
    Take,
    TakeWhile,
    Tap,
    Throttle,
    Transformer,
    TransformMany,
)
from penstock.blocks.base.callables import callable_name
from penstock.blocks.regroup import NO_START

from .function_step import function_step
from .other_steps import batch_step, block_step, fork_step, with_regroup
from .recipe import Recipe, steps_like
from .sources import Items
from .stage_options import BlockOptions, CallOptions, ForkOptions, MapOptions, StageOptions
from .steps import Step

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
Taken = TypeVar("Taken")
New = TypeVar("New")
Thing = TypeVar("Thing")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Pipeline(Recipe[In, Out]):
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

    __slots__ = ()

    @overload
    def __init__(
        self: Pipeline[A, B],
        function: Callable[[A], Awaitable[B]],
        /,
        **options: Unpack[MapOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Pipeline[A, B],
        function: Callable[[A], B],
        /,
        **options: Unpack[MapOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Pipeline[A, B],
        function: Callable[[A, Lease[Thing]], Awaitable[B]],
        /,
        *,
        resource: ResourcePool[Thing],
        **options: Unpack[MapOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Pipeline[A, B],
        function: Callable[[A, Lease[Thing]], B],
        /,
        *,
        resource: ResourcePool[Thing],
        **options: Unpack[MapOptions],
    ) -> None: ...
    def __init__(
        self,
        function: Callable[..., Any],
        /,
        *,
        resource: ResourcePool[Any] | None = None,
        **options: Unpack[MapOptions],
    ) -> None:
        self.steps = (function_step("Pipeline", Transformer, function, options, MapOptions, resource=resource),)

    @staticmethod
    def of(kind: type[Taken], /) -> Pipeline[Taken, Taken]:
        """Return a recipe without stages, for items of a type.

        Type checkers need it if the first stage is a lambda: `Pipeline.of(str).map(lambda line: line.strip())`. It is
        also the start of a pipeline that does not begin with a function, and a branch that hands on the item itself.

        Args:
            kind: The type of the items; it is not checked in a run.
        """
        del kind
        return pipeline_of(())

    # Stages

    @overload
    def map(self, function: Callable[[Out], Awaitable[New]], /, **options: Unpack[MapOptions]) -> Pipeline[In, New]: ...
    @overload
    def map(self, function: Callable[[Out], New], /, **options: Unpack[MapOptions]) -> Pipeline[In, New]: ...
    @overload
    def map(
        self,
        function: Callable[[Out, Lease[Thing]], Awaitable[New]],
        /,
        *,
        resource: ResourcePool[Thing],
        **options: Unpack[MapOptions],
    ) -> Pipeline[In, New]: ...
    @overload
    def map(
        self,
        function: Callable[[Out, Lease[Thing]], New],
        /,
        *,
        resource: ResourcePool[Thing],
        **options: Unpack[MapOptions],
    ) -> Pipeline[In, New]: ...
    def map(
        self,
        function: Callable[..., Any],
        /,
        *,
        resource: ResourcePool[Any] | None = None,
        **options: Unpack[MapOptions],
    ) -> Pipeline[In, Any]:
        """Call a function with each item; the result goes on. See `Transformer`.

        Args:
            function: A plain function, which runs on the loop and should be quick, unless there is an `executor`; or an
                asynchronous function.
            resource: A `ResourcePool`: the function is called with the item and a lease, `function(item, lease)`, and
                an item starts only when it can get a lease, in order. All runs share the pool; two runs in different
                threads cannot wait for it at the same time. Default: None, no lease.
            options: The options of the stage.
        """
        step = function_step("Pipeline.map", Transformer, function, options, MapOptions, resource=resource)
        return self._with(step)

    @overload
    def flat_map(
        self,
        function: Callable[[Out], Awaitable[Iterable[New]]],
        /,
        *,
        at_end: Callable[[], Items[New] | Awaitable[Iterable[New]]] | None = ...,
        **options: Unpack[MapOptions],
    ) -> Pipeline[In, New]: ...
    @overload
    def flat_map(
        self,
        function: Callable[[Out], Items[New]],
        /,
        *,
        at_end: Callable[[], Items[New] | Awaitable[Iterable[New]]] | None = ...,
        **options: Unpack[MapOptions],
    ) -> Pipeline[In, New]: ...
    @overload
    def flat_map(
        self,
        function: Callable[[Out, Lease[Thing]], Awaitable[Iterable[New]]],
        /,
        *,
        resource: ResourcePool[Thing],
        at_end: Callable[[], Items[New] | Awaitable[Iterable[New]]] | None = ...,
        **options: Unpack[MapOptions],
    ) -> Pipeline[In, New]: ...
    @overload
    def flat_map(
        self,
        function: Callable[[Out, Lease[Thing]], Items[New]],
        /,
        *,
        resource: ResourcePool[Thing],
        at_end: Callable[[], Items[New] | Awaitable[Iterable[New]]] | None = ...,
        **options: Unpack[MapOptions],
    ) -> Pipeline[In, New]: ...
    def flat_map(
        self,
        function: Callable[..., Any],
        /,
        *,
        resource: ResourcePool[Any] | None = None,
        at_end: Callable[[], Any] | None = None,
        **options: Unpack[MapOptions],
    ) -> Pipeline[In, Any]:
        """Call a function with each item; each element of the result goes on. See `TransformMany`.

        Args:
            function: Returns an iterable, or is a generator function, which is read as far as there is room.
            resource: As for `map`.
            at_end: Called once after the last item, without arguments. It gives what the function still holds, in one
                of the ways in which the function may give results. Default: None.
            options: The options of the stage.
        """
        more = {"resource": resource, "at_end": at_end}
        return self._with(function_step("Pipeline.flat_map", TransformMany, function, options, MapOptions, **more))

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
        return self._with(function_step("Pipeline.filter", Filter, predicate, options, StageOptions))

    def tap(
        self, look: Callable[[Out], Awaitable[object]] | Callable[[Out], object], /, **options: Unpack[StageOptions]
    ) -> Pipeline[In, Out]:
        """Call a function with each item, and hand on the item itself. See `Tap`.

        Args:
            look: The function; its result is not used.
            options: The options of the stage.
        """
        return self._with(function_step("Pipeline.tap", Tap, look, options, StageOptions))

    def flatten(self: Pipeline[Taken, Iterable[New]], /, **options: Unpack[CallOptions]) -> Pipeline[Taken, New]:
        """Hand on the elements of each item, which is an iterable, one by one. See `Flatten`.

        Args:
            options: The options of the stage. `on_error` says what happens to an item that cannot be read.
        """
        return self._with(block_step("Pipeline.flatten", Flatten, (), {}, "flatten", options, CallOptions))

    @overload
    def fold(
        self,
        function: Callable[[New, Out], Awaitable[New]],
        start: New,
        /,
        *,
        running: bool = ...,
        **options: Unpack[CallOptions],
    ) -> Pipeline[In, New]: ...
    @overload
    def fold(
        self, function: Callable[[New, Out], New], start: New, /, *, running: bool = ..., **options: Unpack[CallOptions]
    ) -> Pipeline[In, New]: ...
    def fold(
        self,
        function: Callable[[Any, Any], Any],
        start: Any,
        /,
        *,
        running: bool = False,
        **options: Unpack[CallOptions],
    ) -> Pipeline[In, Any]:
        """Make one result of all items with a function of the state and an item. See `Fold`.

        Args:
            function: Returns the next state.
            start: The first state; it is also the result if there are no items.
            running: Whether the state after each item goes on, instead of the last one. Default: False.
            options: The options of the stage.
        """
        label = f"fold {callable_name(function)}"
        own, args = {"running": running}, (function, start)
        return self._with(block_step("Pipeline.fold", Fold, args, own, label, options, CallOptions))

    def batch(
        self,
        items: int | None = None,
        /,
        *,
        seconds: float | None = None,
        max_weight: float | None = None,
        weight: Callable[[Out], float] | None = None,
        **options: Unpack[BlockOptions],
    ) -> Pipeline[In, list[Out]]:
        """Collect items into lists. See `Batch`.

        Args:
            items: The number of items in a full list, >= 1. The last list may be shorter. None, with `weight`, for any
                number.
            seconds: The longest time from the first item of a list until the list goes on, > 0; None to wait until it
                is full.
            max_weight: The greatest weight of a list, > 0.
            weight: Returns the weight of an item, >= 0: its bytes, for example. Then a list may have up to `capacity`
                items, if there is no number of items, and the default limit of a run lets them in.
            options: The options of the stage.
        """
        own = {"max_seconds": seconds, "max_weight": max_weight, "weight": weight}
        return self._with(batch_step("Pipeline.batch", items, own, options))

    @overload
    def regroup(self, /, *, name: str | None = ...) -> Pipeline[In, list[Out]]: ...
    @overload
    def regroup(
        self, function: Callable[[New, Out], New], start: New, /, *, name: str | None = ...
    ) -> Pipeline[In, New]: ...
    def regroup(
        self, function: Callable[[Any, Any], Any] | None = None, start: Any = NO_START, /, *, name: str | None = None
    ) -> Pipeline[In, Any]:
        """Put together again what came of one item of the last `flat_map` or `flatten`: a list per item. See `Regroup`.

        `flat_map(pages).map(scan).regroup()` gives the results of each document as one list, in the order of its pages.
        What was lost on the way is missing in its list. A second `regroup` belongs to the `flat_map` before that.

        Args:
            function: Makes the next state of the state and an item, so that the last state goes on instead of a list. A
                plain function, which runs on the loop and should be quick. Default: lists are made.
            start: The first state of each group; only with a function.
            name: The name of the block. Default: "regroup".

        Raises:
            ValueError: There is no `flat_map` or `flatten` before it; or a stage in between does not keep the order, or
                merges items.
            TypeError: The function cannot be called with a state and an item, or something is missing.
        """
        return pipeline_of(with_regroup("Pipeline.regroup", self.steps, (function, start), name))

    def throttle(self, rate: Rate | float, /, **options: Unpack[BlockOptions]) -> Pipeline[In, Out]:
        """Hand on items at a bounded rate. See `Throttle`; a stage with a function has the option `rate`.

        Args:
            rate: A `Rate`, or the number of items per second.
            options: The options of the stage.
        """
        return self._with(block_step("Pipeline.throttle", Throttle, (rate,), {}, "throttle", options, BlockOptions))

    def take(self, count: int, /, **options: Unpack[BlockOptions]) -> Pipeline[In, Out]:
        """Let only the first items go on; then the stages before it and the source end. See `Take`.

        Args:
            count: The number of items, >= 1.
            options: The options of the stage.
        """
        return self._with(block_step("Pipeline.take", Take, (count,), {}, f"take {count}", options, BlockOptions))

    def take_while(
        self, predicate: Callable[[Out], object], /, *, inclusive: bool = False, **options: Unpack[BlockOptions]
    ) -> Pipeline[In, Out]:
        """Let items go on while a condition holds; then the stages before it and the source end. See `TakeWhile`.

        Items that are on their way at that moment are finished, discarded, and counted as discarded.

        Args:
            predicate: A plain function that returns whether to go on after an item; it runs on the loop.
            inclusive: Whether the item for which it is false is still handed on. Default: False.
            options: The options of the stage.
        """
        label = f"take while {callable_name(predicate)}"
        own = {"inclusive": inclusive}
        return self._with(block_step("Pipeline.take_while", TakeWhile, (predicate,), own, label, options, BlockOptions))

    # Joining with others

    @overload
    def fork(
        self, branch_1: Pipeline[Out, A], branch_2: Pipeline[Out, B], /, **options: Unpack[ForkOptions]
    ) -> Pipeline[In, tuple[A, B]]: ...
    @overload
    def fork(
        self,
        branch_1: Pipeline[Out, A],
        branch_2: Pipeline[Out, B],
        branch_3: Pipeline[Out, C],
        /,
        **options: Unpack[ForkOptions],
    ) -> Pipeline[In, tuple[A, B, C]]: ...
    @overload
    def fork(
        self,
        branch_1: Pipeline[Out, A],
        branch_2: Pipeline[Out, B],
        branch_3: Pipeline[Out, C],
        branch_4: Pipeline[Out, D],
        /,
        **options: Unpack[ForkOptions],
    ) -> Pipeline[In, tuple[A, B, C, D]]: ...
    @overload
    def fork(self, *branches: Pipeline[Out, A], **options: Unpack[ForkOptions]) -> Pipeline[In, tuple[A, ...]]: ...
    def fork(self, *branches: Pipeline[Any, Any], **options: Unpack[ForkOptions]) -> Pipeline[In, Any]:
        """Send every item through several pipelines at once; their results for it go on together, as a tuple.

        If one branch drops an item, its results in the other branches are dropped too, and counted as "no partner". See
        `Broadcast` and `Join`.

        Args:
            branches: Two or more pipelines.
            options: The options of the fork.
        """
        if len(branches) < 2 or not all(isinstance(branch, Pipeline) for branch in branches):
            raise TypeError(f"Pipeline.fork: needs two or more pipelines, got {branches!r}")
        return self._with(fork_step("Pipeline.fork", [branch.steps for branch in branches], options))

    def then(self, stage: Pipeline[Out, New] | Propagator[Out, New], /) -> Pipeline[In, New]:
        """Continue with the stages of another pipeline, or with a block.

        `first | second` is the same.

        Args:
            stage: A pipeline; or a block with one input and one output. Each run makes a new block like it, of the same
                class and with the same arguments, so it must not be linked or used elsewhere.
        """
        return self._with(*steps_like("Pipeline.then", stage))

    def __or__(self, stage: Pipeline[Out, New] | Propagator[Out, New], /) -> Pipeline[In, New]:
        return self.then(stage)

    def __ror__(self, stage: Propagator[Taken, In], /) -> Pipeline[Taken, Out]:
        return Pipeline.of(object)._with(*steps_like("Pipeline", stage), *self.steps)

    def _with(self, *steps: Step) -> Pipeline[In, Any]:
        """A recipe with more steps."""
        return pipeline_of((*self.steps, *steps))

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

        return pipeline_of(planned_steps(self.steps, plan))


def pipeline_of(steps: tuple[Step, ...]) -> Pipeline[Any, Any]:
    """Make a recipe of steps."""
    made = object.__new__(cast("type[Pipeline[Any, Any]]", Pipeline))
    made.steps = steps
    return made
