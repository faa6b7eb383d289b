"""A block that turns each message into any number of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import Executor
from typing import Any, ClassVar, TypeVar, overload

import attrs

from .base.callables import is_async, is_async_generator
from .core.balance import BlockBalance
from .core.resource_pool import Lease, ResourcePool
from .core.shape import Shape
from .core.source import Source
from .functions.async_runner import AsyncExpandingRunner
from .functions.at_end import END, Keeper, LastCall, check_at_end, with_end
from .functions.context import carry
from .functions.function_block import (
    DEFAULT_CAPACITY,
    FunctionBlock,
    check_concurrency,
    check_expanding,
    default_window,
)
from .functions.inline_runner import ExpandingRunner
from .functions.policies import OnError
from .functions.timed_runner import executor_runner

In = TypeVar("In")
Thing = TypeVar("Thing")
Out = TypeVar("Out")


class TransformMany(FunctionBlock[In], Source[Out]):
    """Calls a function with each message and hands on the 0 … n outputs it gives. Works in a network only.

    - Inputs and outputs: takes messages from links and senders; each output goes to the first linked target that
      accepts it, or to a receiver.
    - Order: outputs come in the order of the messages, and within one message as they were given, unless
      `ordered=False`: then only the latter.
    - Holds: at most `capacity` messages that wait or are in work; at most `window` between the start of their call
      and being handed on. A generator is read no further than its outputs are taken (one batch ahead; in `Threads`
      and `Processes` two or three chunks, of what is made in 2 ms and the target has room for). The outputs of an item
      are collected first where they must be: if `on_error` is not "fail" (an item that fails then gives none); for
      async functions, if they have to wait for another item's; in executors of others, where the function runs. A list
      or a tuple comes whole.
    - Back-pressure: while outputs are not taken, no further one is made; when it is full, senders wait and links are
      postponed. A worker whose generator waits keeps its thread or process for it; others may work in its place.
    - Ends: after its last producer, when every output was taken.
    - Fails: by `on_error`, with the item and its number (counted from 1) in a note on the exception. With "fail", what
      an item has given before stays given. A generator is closed where it runs, however that ends.

    In the balance a message counts as consumed, and its outputs as produced, those of `at_end` too.

    Args:
        function: A plain function that returns an iterable or is a generator, which runs on the loop unless there is
            an `executor`; an `async def` function that returns an iterable; or an asynchronous generator function.
        concurrency: At most so many calls at once, >= 1; more than 1 needs an executor or an async function.
        executor: Where a plain function is called instead of on the loop: `Threads`, `Processes`, or any other
            `concurrent.futures.Executor`. At most `concurrency` calls run at once, whatever its number of workers.
            Several quick items travel together.
        ordered: Whether the outputs keep the order of the messages.
        window: At most so many items between start and being handed on, >= concurrency. Default as for `Transformer`.
        capacity: At most so many messages wait or are in work, >= concurrency; None for no bound.
        on_error: What becomes of an item for which the function raises: "fail", "skip", or a policy.
        time_limit: Seconds that one item may take, > 0, by trio's clock; one that takes longer fails with
            `TimeLimitExceeded`, by `on_error`. An async function is cancelled then. A plain function on the loop cannot
            be: it fails when it has returned. With an executor the item fails at once and travels by itself; a process
            is ended, a thread keeps its place until its call returns. None, the default, for no limit.
        filter: Only messages of which this is true are taken; others are declined.
        at_end: Called once behind the last message, without arguments, where the function runs. Gives what the function
            still holds (the rest of a line, a trailer, the last sum), in one of the ways in which the function may give
            outputs; async only if the function is. These go out before the block completes, and `time_limit` holds for
            them too. It is not called if the network fails or is cancelled before that, nor if nothing needs the
            outputs any more. If it raises, `Retry` calls it again; after that it is a fault, whatever `on_error` says,
            because there is no message that could be left out. Needs `concurrency=1` and one place for what the
            function holds: the loop, `Threads`, a `ThreadPoolExecutor`, or `Processes(1)` that is not shared. If that
            process ends before its time, what it held is lost, and that is a fault too.
        context: Whether the function is called with the context variables (`contextvars`) of who sent the item. They
            go with the result to the next block that has this too, also through buffers and other blocks that hand on
            what they get. Not with an executor that uses other processes. By
            default the function sees those of the task that has entered the network.
        resource: A `ResourcePool`: the function is called with the item and a lease, `function(item, lease)`, and an
            item starts only when there is one, in order. None, the default, for none.
        name: What reports call the block; by default the name of the function.

    Raises:
        ValueError: A number is out of its range, `on_error` is no policy, or `at_end` would not find all that the
            function holds in one place.
        TypeError: `function` or `at_end` cannot be called, or not by the executor.
    """

    __slots__ = ("_last_call",)
    kind: ClassVar[str] = "transform-many"

    # The first takes whatever there is, and is what a type checker needs for a lambda. mypy makes nothing of an async
    # function with it, unless it is told the types, and takes another then.
    @overload
    def __init__(
        self,
        function: Callable[[In], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(  # type: ignore[overload-cannot-match]  # see above
        self,
        function: Callable[[In], AsyncIterator[Out]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(  # type: ignore[overload-cannot-match]  # see above
        self,
        function: Callable[[In], Awaitable[Iterable[Out]]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        function: Callable[[In, Lease[Thing]], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: ResourcePool[Thing],
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        function: Callable[[In, Lease[Thing]], AsyncIterator[Out]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: ResourcePool[Thing],
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        function: Callable[[In, Lease[Thing]], Awaitable[Iterable[Out]]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        ordered: bool = ...,
        window: int | None = ...,
        capacity: int | None = ...,
        on_error: OnError = ...,
        filter: Callable[[In], bool] | None = ...,
        time_limit: float | None = ...,
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: ResourcePool[Thing],
        name: str | None = ...,
    ) -> None: ...

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        concurrency: int = 1,
        executor: Executor | None = None,
        ordered: bool = True,
        window: int | None = None,
        capacity: int | None = DEFAULT_CAPACITY,
        on_error: OnError = "fail",
        filter: Callable[[In], bool] | None = None,
        time_limit: float | None = None,
        at_end: Callable[[], Any] | None = None,
        context: bool = False,
        resource: ResourcePool[Any] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            function, capacity=capacity, on_error=on_error, filter=filter, time_limit=time_limit, name=name
        )
        is_generator = is_async_generator(function)
        runs_async = is_generator or is_async(function)
        check_concurrency(self, concurrency, window, capacity, runs_async, executor)
        self.lease_from(resource, executor)
        self._last_call = LastCall.NONE
        if at_end is not None:
            check_at_end(str(self), at_end, runs_async=runs_async, concurrency=concurrency, executor=executor)
            self._last_call = LastCall.DUE
            self.function = with_end(str(self), self.function, at_end, executor)
        if context:
            carry(self, capacity=capacity, filter=filter, executor=executor, expands=True)
        check_expanding(self, executor)
        if runs_async:
            width = window or default_window(concurrency)
            self._use(AsyncExpandingRunner(self, concurrency, ordered, width, is_generator))
        elif executor is not None:
            self._use(executor_runner(self, executor, concurrency, ordered, window, True))
        else:
            self._use(ExpandingRunner(self))

    @property
    def shape(self) -> Shape:
        """More messages may come out than go in."""
        return Shape(expands=True)

    # The call behind the last input. It goes the way of an item, but is none: it is not counted as held, and what is
    # counted as consumed when it is done was taken off when it began.

    def keeper(self) -> Keeper | None:
        """Who sees to it that what the function holds for `at_end` is not lost."""
        return None if self._last_call is LastCall.NONE else Keeper(str(self))

    @property
    def gives_at_end(self) -> bool:
        """Whether the last call is still to be made."""
        return self._last_call is LastCall.DUE

    def drained(self) -> None:
        """Make the last call, or finish if there is none, or none any more."""
        if self._last_call is LastCall.DUE:
            self._last_call = LastCall.MADE
            self._counts["consumed"] -= 1
            self._inbox.queue.append(END)  # type: ignore[arg-type]  # the runner's function knows it
            self._wake()
        elif not self._is_in_last_call():
            super().drained()

    def _is_in_last_call(self) -> bool:
        """Whether the last call is under way; then nothing else is."""
        runner = self._runner
        return self._last_call is LastCall.MADE and bool(self._inbox.queue or runner.busy or runner.waiting)

    def _held(self) -> int:
        return super()._held() - self._is_in_last_call()

    def _stuck(self) -> int:
        return self._held() + self._is_in_last_call()

    def _balance(self) -> BlockBalance:
        balance = super()._balance()
        return attrs.evolve(balance, consumed=balance.consumed + self._is_in_last_call())

    def end_early(self) -> None:
        """Take nothing more in, and make no last call: nothing needs what it would give."""
        if self._is_in_last_call() and self._inbox.queue:
            self._inbox.queue.clear()
            self._counts["consumed"] += 1
        self._last_call = LastCall.NONE if self._last_call is LastCall.DUE else self._last_call
        super().end_early()

    def _abort(self, reason: str) -> None:
        self._counts["consumed"] += self._is_in_last_call()
        super()._abort(reason)
