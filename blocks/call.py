"""A block that calls a function with each message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from .base.callables import check_runs, is_async
from .core.block import OF_SOURCES, no_attribute
from .core.rate import Rate
from .core.resource_pool import Lease, ResourcePool
from .core.shape import Shape
from .core.target import Target
from .functions.checks import check_concurrency, keeps_order
from .functions.concurrent_block import ConcurrentBlock
from .functions.function_block import DEFAULT_CAPACITY, FunctionCore
from .functions.inline_runner import InlineRunner
from .functions.policies import OnError
from .functions.runners import in_executor, in_tasks

In = TypeVar("In")
Thing = TypeVar("Thing")


class CallCore(FunctionCore[In]):
    """The core of a call."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        """No messages come out."""
        return Shape(needs_taker=False)

    def emit(self, results: list[Any]) -> None:
        self.counts["consumed"] += len(results)


class Call(ConcurrentBlock, Target[In]):
    """Calls a function with each message; the result is not used. Works in a network only.

    - Inputs and outputs: takes messages from links and senders; has no output.
    - Order: calls begin in the order in which the messages came; with concurrency 1 they also end in this order.
    - Holds: up to `capacity` messages, including those in work.
    - Back-pressure: when it is full, senders wait and links are postponed.
    - Ends: after its last producer, when the last call has returned.
    - Fails: by `on_error`, with the item and its number (counted from 1) in a note on the exception.

    Args:
        function: A plain function, which runs on the loop and should be quick, unless there is an `executor`; or an
            `async def` function, which runs in tasks of the loop and takes no executor.
        concurrency: Up to this many calls run at once, >= 1; more than 1 needs an executor or an async function. It
            can be changed while the block runs: assign to the attribute `concurrency`.
        executor: Where a plain function is called instead of on the loop: `Threads`, `Processes`, or any other
            `concurrent.futures.Executor`. Up to `concurrency` calls run at once, even if it has more workers.
            Several quick items are sent together.
        key: Returns the key of a message, as for `Transformer`: messages with the same key are worked on one at a time,
            in order; messages with different keys may overtake each other. Up to 16 messages, or 4 × concurrency if
            that is more, are started and not done; most of them may wait for their key. Default: None, no keys.
        priority: Returns the priority of a message, a number: of the messages that wait here, the one with the highest
            number is started next; those with the same number are started in the order in which they came. Senders
            and links that wait for room still come in their order. Default: None, messages are started as they came.
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
    kind: ClassVar[str] = "call"
    _core: CallCore[In]

    @overload
    def __init__(
        self,
        function: Callable[[In], Awaitable[Any]] | Callable[[In], Any],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        key: Callable[[In], Hashable] | None = ...,
        priority: Callable[[In], float] | None = ...,
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
        function: Callable[[In, Lease[Thing]], Any],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        key: Callable[[In], Hashable] | None = ...,
        priority: Callable[[In], float] | None = ...,
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
        key: Callable[[In], Hashable] | None = None,
        priority: Callable[[In], float] | None = None,
        capacity: int | None = DEFAULT_CAPACITY,
        on_error: OnError = "fail",
        filter: Callable[[In], bool] | None = None,
        time_limit: float | None = None,
        context: bool = False,
        resource: ResourcePool[Any] | None = None,
        rate: Rate | float | None = None,
        name: str | None = None,
    ) -> None:
        self._core = core = CallCore(
            self, function, capacity=capacity, on_error=on_error, filter=filter, time_limit=time_limit, name=name
        )
        check_runs(core, function)
        runs_async = is_async(function)
        check_concurrency(core, concurrency, None, capacity, runs_async, executor)
        keeps_order(core, None, key)
        core.fall_back()
        core.lease_from(resource, executor)
        core.pace_by(rate)
        if context:
            from .functions.context import carry  # late: few blocks carry contexts

            carry(core, capacity=capacity, filter=filter, executor=executor)
        core.sort_by(priority)
        if runs_async:
            core.use(in_tasks(core, key, concurrency, False, None))
        elif executor is not None:
            core.use(in_executor(core, key, executor, concurrency, False, None))
        else:
            core.use(InlineRunner(core))

    if not TYPE_CHECKING:  # pragma: no branch  # type checkers know what there is

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(
                self, name, OF_SOURCES, "a call hands nothing on; use a Transformer, which hands on its result"
            )
