"""A block that turns each message into another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Executor
from typing import Any, ClassVar, TypeVar, overload

from .base.callables import check_runs, is_async
from .core.inbox import UNBOUNDED
from .core.rate import Rate
from .core.resource_pool import Lease, ResourcePool
from .core.shape import Shape
from .core.source import Source
from .core.target import Target
from .functions.async_runner import AsyncRunner
from .functions.checks import check_concurrency, keeps_order
from .functions.concurrent_block import ConcurrentBlock
from .functions.function_block import DEFAULT_CAPACITY, FunctionCore
from .functions.inline_runner import InlineRunner
from .functions.policies import OnError
from .functions.runners import in_executor, in_tasks

In = TypeVar("In")
Thing = TypeVar("Thing")
Out = TypeVar("Out")


class TransformerCore(FunctionCore[In]):
    """The core of a transformer."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        """One result comes out for each message; the room is given only if no message may be dropped."""
        runner = self.runner
        if not isinstance(runner, AsyncRunner) or not self.failures.is_strict or self.inbox.capacity == UNBOUNDED:
            return Shape(total=self.expected)
        return Shape(total=self.expected, room=self.inbox.capacity + runner.window)

    @property
    def keeps_order(self) -> bool:
        """Whether results go out in the order in which the messages came in."""
        return self.runner.ordered and not self.is_sorted


class Transformer(ConcurrentBlock, Target[In], Source[Out]):
    """Calls a function with each message and hands on its result. Works in a network only.

    - Inputs and outputs: takes messages from links and senders; each result goes to the first linked target that
      accepts it, or to a receiver.
    - Order: results come in the order of the messages, unless `ordered=False`. A skipped item leaves no gap. With a
      `key`, results come in the order of the messages with the same key.
    - Holds: up to `capacity` messages that wait or are in work; up to `window` that are started and not yet handed
      on. A plain function on the loop works ahead of its target by one batch, of about a fifth of a millisecond.
    - Back-pressure: while results are not taken, no further call is started; when it is full, senders wait and links
      are postponed.
    - Ends: after its last producer, when every result was taken.
    - Fails: by `on_error`, with the item and its number (counted from 1) in a note on the exception.

    Args:
        function: A plain function, which runs on the loop and should be quick, unless there is an `executor`; or an
            `async def` function, which runs in tasks of the loop and takes no executor.
        concurrency: Up to this many calls run at once, >= 1; more than 1 needs an executor or an async function. It
            can be changed while the block runs: assign to the attribute `concurrency`.
        executor: Where a plain function is called instead of on the loop: `Threads`, `Processes`, or any other
            `concurrent.futures.Executor`. Up to `concurrency` calls run at once, even if it has more workers.
            Several quick items are sent together.
        ordered: Whether the results keep the order of the messages. Default: True; with a `key`, only results for the
            same key keep their order, unless `ordered=True`.
        key: Returns the key of a message, for example its user or its file: a plain function; its result is hashable.
            Messages with the same key are worked on one at a time, in order, and their results leave in this order;
            messages with different keys may overtake each other. A message whose key is in use waits without holding
            a worker, and messages behind it may start, as far as the `window` allows. If the key function raises, the
            message fails by `on_error`, without a further try. With an executor, each job has one message. Has no
            effect for a plain function on the loop. Default: None, no keys.
        priority: Returns the priority of a message, a number: of the messages that wait here, the one with the highest
            number is started next; those with the same number are started in the order in which they came. Senders
            and links that wait for room still come in their order. Default: None, messages are started as they came.
        window: Up to this many items are started and not yet handed on, >= concurrency. With a larger window,
            workers go on longer while one slow item is not done. Default: 16, or 4 × concurrency if that is more; with
            an executor, the default counts batches instead of items. Has no effect for a plain function on the loop.
        capacity: Up to this many messages wait or are in work, >= concurrency; None for no bound.
        on_error: What happens to an item for which the function raises: "fail", "skip", or a policy.
        time_limit: Seconds that one item may take, > 0, by trio's clock; a late item fails with `TimeLimitExceeded`,
            by `on_error`. An async function is cancelled at the limit. A plain function on the loop cannot
            be: its item fails when the call has returned. With an executor, each job has one item, and a late item
            fails at once; a process is ended, a thread is occupied until its call returns. Default: None, no limit.
        filter: Only messages for which this is true are taken; others are declined.
        context: Whether the function is called with the context variables (`contextvars`) of the item's sender. They
            go with the result to the next block with this option, also through buffers and other blocks that hand
            messages on. Not with an executor that uses other processes. Default: False, the function sees the variables
            of the task that has entered the network.
        resource: A `ResourcePool`: the function is called with the item and a lease, `function(item, lease)`, and an
            item starts only when it can get a lease, in order. Default: None, no lease.
        rate: A `Rate`, or the number of calls per second: an item starts only when the rate allows it, in order; the
            further tries of `Retry` count too. Several blocks may share a `Rate`. With an executor, the start is the
            hand-over to it. Default: None, no limit.
        name: The name of the block in reports; by default the name of the function.

    Raises:
        ValueError: A number is out of its range, or `on_error` is not a policy.
        TypeError: `function` cannot be called, or not by the executor, or is a generator function.
    """

    __slots__ = ()
    kind: ClassVar[str] = "transformer"
    _core: TransformerCore[In]

    # The first overload takes any function; type checkers need it for a lambda. With it, mypy cannot infer the types of
    # an async function, unless they are annotated, and uses the second overload.
    @overload
    def __init__(
        self,
        function: Callable[[In], Awaitable[Out] | Out],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool | None = ...,
        key: Callable[[In], Hashable] | None = ...,
        priority: Callable[[In], float] | None = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        context: bool = ...,
        resource: None = ...,
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(  # type: ignore[overload-cannot-match]  # see above
        self,
        function: Callable[[In], Awaitable[Out]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool | None = ...,
        key: Callable[[In], Hashable] | None = ...,
        priority: Callable[[In], float] | None = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        context: bool = ...,
        resource: None = ...,
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        function: Callable[[In, Lease[Thing]], Awaitable[Out] | Out],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool | None = ...,
        key: Callable[[In], Hashable] | None = ...,
        priority: Callable[[In], float] | None = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        context: bool = ...,
        resource: ResourcePool[Thing],
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        function: Callable[[In, Lease[Thing]], Awaitable[Out]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool | None = ...,
        key: Callable[[In], Hashable] | None = ...,
        priority: Callable[[In], float] | None = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        context: bool = ...,
        resource: ResourcePool[Thing],
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        concurrency: int = 1,
        executor: Executor | None = None,
        ordered: bool | None = None,
        key: Callable[[In], Hashable] | None = None,
        priority: Callable[[In], float] | None = None,
        window: int | None = None,
        capacity: int | None = DEFAULT_CAPACITY,
        on_error: OnError = "fail",
        filter: Callable[[In], bool] | None = None,
        time_limit: float | None = None,
        context: bool = False,
        resource: ResourcePool[Any] | None = None,
        rate: Rate | float | None = None,
        name: str | None = None,
    ) -> None:
        self._core = core = TransformerCore(
            self, function, capacity=capacity, on_error=on_error, filter=filter, time_limit=time_limit, name=name
        )
        check_runs(core, function)
        runs_async = is_async(function)
        check_concurrency(core, concurrency, window, capacity, runs_async, executor)
        is_ordered = keeps_order(core, ordered, key)
        core.fall_back()
        core.lease_from(resource, executor)
        core.pace_by(rate)
        if context:
            from .functions.context import carry  # late: few blocks carry contexts

            carry(core, capacity=capacity, filter=filter, executor=executor)
        core.sort_by(priority)
        if runs_async:
            core.use(in_tasks(core, key, concurrency, is_ordered, window))
        elif executor is not None:
            core.use(in_executor(core, key, executor, concurrency, is_ordered, window))
        else:
            core.use(InlineRunner(core))
