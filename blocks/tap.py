"""A block that calls a function with each message and hands on the message itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Executor
from typing import Any, ClassVar, TypeVar, cast

from .base.callables import check_runs, is_async
from .core.rate import Rate
from .core.source import Source
from .core.target import Target
from .functions.checks import check_concurrency, keeps_order
from .functions.concurrent_block import ConcurrentBlock
from .functions.function_block import DEFAULT_CAPACITY
from .functions.looking import Looking, looking_later
from .functions.policies import OnError
from .functions.runners import in_executor, in_tasks
from .functions.tapping_runner import TappingRunner
from .transformer import TransformerCore

T = TypeVar("T")


class Tap(ConcurrentBlock, Target[T], Source[T]):
    """Calls a function with each message and hands on the message itself, unchanged. Works in a network only.

    Use it to count, log or save what passes. The result of the function is not used.

    - Inputs and outputs: takes messages from links and senders; each message goes to the first linked target that
      accepts it, or to a receiver, after the call has returned.
    - Order: messages go out in the order in which they came, unless `ordered=False`. A skipped item leaves no gap.
    - Holds: up to `capacity` messages that wait or are in work; up to `window` that are started and not yet handed
      on.
    - Back-pressure: while messages are not taken, no further call is started; when it is full, senders wait and links
      are postponed.
    - Ends: after its last producer, when every message was taken.
    - Fails: by `on_error`, with the item and its number (counted from 1) in a note on the exception. With "skip", an
      item for which the function raises does not go on.

    Args:
        look: Called with each message. A plain function, which runs on the loop and should be quick, unless there is an
            `executor`; or an `async def` function, which runs in tasks of the loop and takes no executor.
        concurrency: Up to this many calls run at once, >= 1; more than 1 needs an executor or an async function. It
            can be changed while the block runs: assign to the attribute `concurrency`.
        executor: Where a plain function is called instead of on the loop: `Threads`, `Processes`, or any other
            `concurrent.futures.Executor`. A message that comes back from a process is a copy.
        ordered: Whether messages go out in the order in which they came. Default: True; with a `key`, only messages
            with the same key keep their order, unless `ordered=True`.
        key: Returns the key of a message, as for `Transformer`: the function is called for messages with the same key
            one at a time, in order. Default: None, no keys.
        window: Up to this many messages are started and not yet handed on, >= concurrency. Default as for
            `Transformer`.
        capacity: Up to this many messages wait or are in work, >= concurrency; None for no bound.
        on_error: What happens to a message for which the function raises: "fail", "skip", or a policy.
        time_limit: Seconds that one call may take, > 0, by trio's clock, as for `Transformer`. Default: None, no limit.
        context: Whether the function is called with the context variables (`contextvars`) of the message's sender,
            which go on with the message, as for `Transformer`.
        rate: A `Rate`, or the number of calls per second, as for `Transformer`. Default: None, no limit.
        name: The name of the block in reports; by default the name of the function.

    Raises:
        ValueError: A number is out of its range, or `on_error` is not a policy.
        TypeError: `look` cannot be called, or not by the executor, or is a generator function.
    """

    __slots__ = ()
    kind: ClassVar[str] = "tap"
    _core: TransformerCore[T]

    def __init__(
        self,
        look: Callable[[T], Awaitable[object]] | Callable[[T], object],
        *,
        concurrency: int = 1,
        executor: Executor | None = None,
        ordered: bool | None = None,
        key: Callable[[T], Hashable] | None = None,
        window: int | None = None,
        capacity: int | None = DEFAULT_CAPACITY,
        on_error: OnError = "fail",
        time_limit: float | None = None,
        context: bool = False,
        rate: Rate | float | None = None,
        name: str | None = None,
    ) -> None:
        self._core = core = TransformerCore[T](
            self, look, capacity=capacity, on_error=on_error, filter=None, time_limit=time_limit, name=name
        )
        check_runs(core, look)
        runs_async = is_async(look)
        check_concurrency(core, concurrency, window, capacity, runs_async, executor)
        is_ordered = keeps_order(core, ordered, key)
        core.pace_by(rate)
        if context:
            from .functions.context import carry_filter  # late: few blocks carry contexts

            carry_filter(core, capacity=capacity, executor=executor)
        if runs_async:
            core.function = looking_later(str(core), cast("Callable[[T], Awaitable[Any]]", core.function))
            core.use(in_tasks(core, key, concurrency, is_ordered, window))
        elif executor is not None:
            core.function = Looking(core.function)
            core.use(in_executor(core, key, executor, concurrency, is_ordered, window))
        else:
            core.use(TappingRunner(core))
