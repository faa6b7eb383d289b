"""A block that turns each message into any number of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from concurrent.futures import Executor
from typing import Any, ClassVar, TypeVar, overload

import attrs

from .base.callables import is_async, is_async_generator
from .core.balance import BlockBalance
from .core.rate import Rate
from .core.resource_pool import Lease, ResourcePool
from .core.shape import Shape
from .core.source import Source
from .core.target import Target
from .functions.at_end import END, Keeper, LastCall, check_at_end, with_end
from .functions.checks import check_concurrency, check_expanding, keeps_order
from .functions.concurrent_block import ConcurrentBlock
from .functions.expanding_runner import ExpandingRunner
from .functions.function_block import DEFAULT_CAPACITY, FunctionCore
from .functions.policies import OnError
from .functions.runner import Expanding, Runner
from .functions.runners import expanding_in_tasks, in_executor

In = TypeVar("In")
Thing = TypeVar("Thing")
Out = TypeVar("Out")


class TransformManyCore(FunctionCore[In]):
    """The core of a transform-many.

    Attributes:
        last_call: Whether the call after the last message will be made, was made, or is not needed.
        is_unwanted: Whether nothing needs its outputs any more.
    """

    __slots__ = ("is_unwanted", "last_call")
    last_call: LastCall
    is_unwanted: bool

    def use(self, runner: Runner) -> None:
        self.is_unwanted = False
        super().use(runner)

    @property
    def shape(self) -> Shape:
        """More messages may come out than go in."""
        return Shape(expands=True)

    # The call after the last input. It travels like an item, but is not one: it does not count as held, and `consumed`
    # is reduced by one when it begins, because its end adds one.

    def keeper(self) -> Keeper | None:
        """The keeper that notices if the state of the function for `at_end` would be lost."""
        return None if self.last_call is LastCall.NONE else Keeper(str(self))

    @property
    def gives_at_end(self) -> bool:
        """Whether the last call is still to be made."""
        return self.last_call is LastCall.DUE

    def drained(self) -> None:
        """Make the last call if it is due; finish if there is none or it is done."""
        if self.last_call is LastCall.DUE:
            self.last_call = LastCall.MADE
            self.counts["consumed"] -= 1
            queue: Any = self.inbox.queue
            add = queue.append_first if self.is_sorted else queue.append  # not by its priority: it is no message
            add(END)  # the runner's function knows it
            self.wake()
        elif not self._is_in_last_call():
            super().drained()

    def _is_in_last_call(self) -> bool:
        """Whether the last call is running; no other call runs then."""
        runner = self.runner
        return self.last_call is LastCall.MADE and bool(self.inbox.queue or runner.busy or runner.waiting)

    def tell_ends_to(self, who: str, ends: Callable[[int], None]) -> None:
        """Tell after which of its outputs each item has ended.

        Raises:
            ValueError: It cannot tell, or not to `who`.
        """
        if problem := self._why_ends_are_unknown():
            raise ValueError(f"{who}: split {self} {problem}")
        self.ends = ends

    def _why_ends_are_unknown(self) -> str:
        """Why it cannot be told which outputs came of one item; empty if it can."""
        if self.last_call is not LastCall.NONE:
            return "has at_end, whose outputs came of no input"
        if self.turns is not None or not getattr(self.runner, "ordered", True):
            return "does not keep the order of its items: make it without key= and ordered=False"
        if self.host is not None:
            return "has run already: make the regroup before it runs"
        return "has another regroup already" if self.ends is not None else ""

    def held(self) -> int:
        return super().held() - self._is_in_last_call()

    def undelivered(self) -> int:
        return self.held() + self._is_in_last_call()

    def accounts(self) -> BlockBalance:
        balance = super().accounts()
        return attrs.evolve(balance, consumed=balance.consumed + self._is_in_last_call())

    def difference(self) -> int:
        return super().difference() - self._is_in_last_call()

    def end_early(self) -> None:
        """Take no more messages, and make no last call, because its outputs are not needed."""
        if self._is_in_last_call() and self.inbox.queue:
            self.inbox.queue.clear()
            self.counts["consumed"] += 1
        self.last_call = LastCall.NONE if self.last_call is LastCall.DUE else self.last_call
        super().end_early()
        self.is_unwanted = True
        was_in_last_call = self._is_in_last_call()
        try:
            self._expanding.stop_expanding()
        except Exception as error:  # from a generator's clean-up
            assert self.host is not None
            self.host.fault(error, phase=self.name, item=None, number=None)
            raise
        if was_in_last_call and not self.runner.busy:  # it was discarded like an item, but it is none
            self.counts["discarded"] -= 1
            self.counts["consumed"] += 1

    @property
    def _expanding(self) -> Expanding:
        runner: Any = self.runner
        return runner  # type: ignore[no-any-return]  # its runners can all do it

    def arrived(self) -> None:
        if self.is_unwanted:
            self.wake()
        else:
            super().arrived()

    def step(self) -> None:
        if self.is_unwanted:  # what was in work before this block still comes
            self.counts["discarded"] += self.inbox.discard()
        super().step()

    def abort(self, reason: str) -> None:
        self.counts["consumed"] += self._is_in_last_call()
        super().abort(reason)


class TransformMany(ConcurrentBlock, Target[In], Source[Out]):
    """Calls a function with each message and hands on its 0 … n outputs. Works in a network only.

    - Inputs and outputs: takes messages from links and senders; each output goes to the first linked target that
      accepts it, or to a receiver.
    - Order: outputs come in the order of the messages. With `ordered=False`, only the outputs of one message keep their
      order; with a `key`, the outputs of messages with the same key.
    - Holds: up to `capacity` messages that wait or are in work; up to `window` that are started and not yet handed
      on. A generator is read only a little further than its outputs are taken: one batch ahead, or two or three chunks
      in `Threads` and `Processes` (a chunk is what is made in 2 ms, up to the room in the target). In some cases, all
      outputs of an item are collected first: if `on_error` is not "fail" (a failed item then gives no outputs); for
      async functions, if they have to wait for another item's outputs; in other executors. A list or tuple comes as a
      whole.
    - Back-pressure: while outputs are not taken, no further outputs are made; when it is full, senders wait and links
      are postponed. A worker whose generator waits keeps its thread or process; other workers can go on.
    - Ends: after its last producer, when every output was taken.
    - Fails: by `on_error`, with the item and its number (counted from 1) in a note on the exception. With "fail",
      outputs that an item gave before its failure are not taken back. A generator is always closed where it runs.

    In the balance a message counts as consumed, and its outputs (also those of `at_end`) as produced.

    Args:
        function: A plain function that returns an iterable or is a generator, which runs on the loop unless there is
            an `executor`; an `async def` function that returns an iterable; or an asynchronous generator function.
        concurrency: Up to this many calls run at once, >= 1; more than 1 needs an executor or an async function. It
            can be changed while the block runs: assign to the attribute `concurrency`.
        executor: Where a plain function is called instead of on the loop: `Threads`, `Processes`, or any other
            `concurrent.futures.Executor`. Up to `concurrency` calls run at once, even if it has more workers.
            Several quick items are sent together.
        ordered: Whether the outputs keep the order of the messages. Default: True; with a `key`, only outputs for the
            same key keep their order, unless `ordered=True`.
        key: Returns the key of a message, as for `Transformer`: messages with the same key are worked on one at a time,
            in order, and their outputs leave in this order. Default: None, no keys.
        priority: Returns the priority of a message, a number: of the messages that wait here, the one with the highest
            number is started next; those with the same number are started in the order in which they came. Senders
            and links that wait for room still come in their order. Default: None, messages are started as they came.
        window: Up to this many items are started and not yet handed on, >= concurrency. Default as for
            `Transformer`.
        capacity: Up to this many messages wait or are in work, >= concurrency; None for no bound.
        on_error: What happens to an item for which the function raises: "fail", "skip", or a policy.
        time_limit: Seconds that one item may take, > 0, by trio's clock; a late item fails with `TimeLimitExceeded`,
            by `on_error`. An async function is cancelled at the limit. A plain function on the loop cannot
            be: its item fails when the call has returned. With an executor, each job has one item, and a late item
            fails at once; a process is ended, a thread is occupied until its call returns. Default: None, no limit.
        filter: Only messages for which this is true are taken; others are declined.
        at_end: Called once after the last message, without arguments, where the function runs. It gives what the
            function still holds (the rest of a line, a trailer, the last sum) in one of the ways in which the function
            may give outputs; it may be async only if the function is. These outputs go out before the block completes,
            and `time_limit` applies to the call. It is not called if the network fails or is cancelled before, or if
            the outputs are not needed any more. If it raises, `Retry` calls it again; after that it is a fault with
            every `on_error`, because there is no message to drop. Needs `concurrency=1` and one place for the state of
            the function: the loop, `Threads`, a `ThreadPoolExecutor`, or `Processes(1)` that is not shared. If this
            process ends early, its state is lost, which is a fault too.
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
        ValueError: A number is out of its range, `on_error` is not a policy, or the state of the function would not be
            in one place for `at_end`.
        TypeError: `function` or `at_end` cannot be called, or not by the executor.
    """

    __slots__ = ()
    kind: ClassVar[str] = "transform-many"
    _core: TransformManyCore[In]

    # The first overload takes any function; type checkers need it for a lambda. With it, mypy cannot infer the types of
    # an async function, unless they are annotated, and uses another overload.
    @overload
    def __init__(
        self,
        function: Callable[[In], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]],
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
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: None = ...,
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(  # type: ignore[overload-cannot-match]  # see above
        self,
        function: Callable[[In], AsyncIterator[Out]],
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
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: None = ...,
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(  # type: ignore[overload-cannot-match]  # see above
        self,
        function: Callable[[In], Awaitable[Iterable[Out]]],
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
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: None = ...,
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        function: Callable[[In, Lease[Thing]], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]],
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
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: ResourcePool[Thing],
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        function: Callable[[In, Lease[Thing]], AsyncIterator[Out]],
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
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
        context: bool = ...,
        resource: ResourcePool[Thing],
        rate: Rate | float | None = ...,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        function: Callable[[In, Lease[Thing]], Awaitable[Iterable[Out]]],
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
        at_end: Callable[[], AsyncIterator[Out] | Awaitable[Iterable[Out]] | Iterable[Out]] | None = ...,
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
        at_end: Callable[[], Any] | None = None,
        context: bool = False,
        resource: ResourcePool[Any] | None = None,
        rate: Rate | float | None = None,
        name: str | None = None,
    ) -> None:
        self._core = core = TransformManyCore(
            self, function, capacity=capacity, on_error=on_error, filter=filter, time_limit=time_limit, name=name
        )
        is_generator = is_async_generator(function)
        runs_async = is_generator or is_async(function)
        check_concurrency(core, concurrency, window, capacity, runs_async, executor)
        is_ordered = keeps_order(core, ordered, key)
        core.fall_back(expands=True)
        core.lease_from(resource, executor)
        core.pace_by(rate)
        core.last_call = LastCall.NONE
        if at_end is not None:
            check_at_end(str(core), at_end, runs_async=runs_async, concurrency=concurrency, executor=executor)
            core.last_call = LastCall.DUE
            core.function = with_end(str(core), core.function, at_end, executor)
        if context:
            from .functions.context import carry  # late: few blocks carry contexts

            carry(core, capacity=capacity, filter=filter, executor=executor, expands=True)
        core.sort_by(priority)
        check_expanding(core, executor)
        if runs_async:
            core.use(expanding_in_tasks(core, key, concurrency, is_ordered, window, is_generator))
        elif executor is not None:
            core.use(in_executor(core, key, executor, concurrency, is_ordered, window, True))
        else:
            core.use(ExpandingRunner(core))
