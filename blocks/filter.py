"""A block that keeps the messages for which a predicate is true, and drops the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import Executor
from itertools import compress
from operator import not_
from typing import Any, ClassVar, TypeVar, cast

from .base.callables import is_async, is_async_generator, is_generator
from .core.contexts import plain_all
from .core.rate import Rate
from .core.source import Source
from .core.target import Target
from .functions.checks import check_concurrency, check_expanding, keeps_order
from .functions.concurrent_block import ConcurrentBlock
from .functions.filtering_runner import FilteringRunner
from .functions.function_block import DEFAULT_CAPACITY, FunctionCore
from .functions.policies import OnError
from .functions.runners import in_executor, in_tasks
from .functions.sieve import Rejected, Sieve, async_sieve

T = TypeVar("T")


class FilterCore(FunctionCore[T]):
    """The core of a filter.

    Attributes:
        judged: The number of items that have an answer.
    """

    __slots__ = ("judged",)
    judged: int

    @property
    def keeps_order(self) -> bool:
        """Whether messages go out in the order in which they came in."""
        return self.runner.ordered

    def sort_out(self, items: Sequence[T], answers: list[bool]) -> None:
        """Hand on the items with the answer True; drop the rest."""
        kept = list(compress(items, answers))
        if len(kept) < len(answers):
            self._reject(list(compress(items, map(not_, answers))), answers)
        self.judged += len(answers)
        super().emit(kept)

    def emit(self, results: list[Any]) -> None:
        rejected = [result.item for result in results if type(result) is Rejected]
        if rejected:
            self._reject(rejected, [type(result) is not Rejected for result in results])
        self.judged += len(results)
        super().emit([result for result in results if type(result) is not Rejected] if rejected else results)

    def _reject(self, items: list[T], answers: Sequence[bool]) -> None:
        """Drop items, and report their numbers among the items with an answer."""
        items = plain_all(items)
        self.count_dropped("filtered", items)
        for branch in self.outbox.branches:
            branch.rejected(self, [self.judged + n for n, is_kept in enumerate(answers, 1) if not is_kept])
        self.report_lost(items)


class Filter(ConcurrentBlock, Target[T], Source[T]):
    """Hands on the messages for which a predicate is true, and drops the rest. Works in a network only.

    - Inputs and outputs: takes messages from links and senders; each kept message goes to the first linked target that
      accepts it, or to a receiver.
    - Order: messages go out in the order in which they came, unless `ordered=False`. A dropped message leaves no gap.
    - Holds: up to `capacity` messages that wait or are in work; up to `window` that are started and not yet handed
      on.
    - Back-pressure: while messages are not taken, no further call is started; when it is full, senders wait and links
      are postponed.
    - Ends: after its last producer, when every kept message was taken.
    - Fails: by `on_error`, with the item and its number (counted from 1) in a note on the exception.

    In the balance, a message that is not kept counts as dropped ("filtered").

    Use it where the other messages are not wanted. A `filter=` of a link or of another block only *declines* a message:
    it stays with its source, in front of all others, until another target takes it.

    Args:
        predicate: Returns whether a message is kept. A plain function, which runs on the loop and should be quick,
            unless there is an `executor`; or an `async def` function, which runs in tasks of the loop and takes no
            executor.
        concurrency: Up to this many calls run at once, >= 1; more than 1 needs an executor or an async function. It
            can be changed while the block runs: assign to the attribute `concurrency`.
        executor: Where a plain predicate is called instead of on the loop: `Threads`, `Processes`, or any other
            `concurrent.futures.Executor`, but no `Cluster`. A message that comes back from a process is a copy.
        ordered: Whether messages go out in the order in which they came. Default: True; with a `key`, only messages
            with the same key keep their order, unless `ordered=True`.
        key: Returns the key of a message, as for `Transformer`: the predicate is called for messages with the same key
            one at a time, in order. Default: None, no keys.
        window: Up to this many messages are started and not yet handed on, >= concurrency. Default as for
            `Transformer`.
        capacity: Up to this many messages wait or are in work, >= concurrency; None for no bound.
        on_error: What happens to a message for which the predicate raises: "fail", "skip", or a policy.
        time_limit: Seconds that one call may take, > 0, by trio's clock, as for `Transformer`. Default: None, no limit.
        context: Whether the predicate is called with the context variables (`contextvars`) of the message's sender,
            which go on with the message, as for `Transformer`.
        rate: A `Rate`, or the number of calls per second, as for `Transformer`. Default: None, no limit.
        name: The name of the block in reports; by default the name of the predicate.

    Raises:
        ValueError: A number is out of its range, or `on_error` is not a policy.
        TypeError: `predicate` cannot be called, or not by the executor, or is a generator function.
    """

    __slots__ = ()
    kind: ClassVar[str] = "filter"
    _core: FilterCore[T]

    def __init__(
        self,
        predicate: Callable[[T], Awaitable[bool]] | Callable[[T], object],
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
        self._core = core = FilterCore[T](
            self, predicate, capacity=capacity, on_error=on_error, filter=None, time_limit=time_limit, name=name
        )
        core.judged = 0
        if is_generator(predicate) or is_async_generator(predicate):
            raise TypeError(
                f"{core}: a predicate returns True or False; a generator function cannot, got {predicate!r}"
            )
        runs_async = is_async(predicate)
        check_concurrency(core, concurrency, window, capacity, runs_async, executor)
        is_ordered = keeps_order(core, ordered, key)
        core.pace_by(rate)
        if context:
            from .functions.context import carry_filter  # late: few blocks carry contexts

            carry_filter(core, capacity=capacity, executor=executor)
        if runs_async:
            core.function = async_sieve(cast("Callable[[T], Awaitable[object]]", core.function))
            core.use(in_tasks(core, key, concurrency, is_ordered, window))
        elif executor is not None:
            check_expanding(core, executor)
            core.function = Sieve(core.function)
            core.use(in_executor(core, key, executor, concurrency, is_ordered, window))
        else:
            core.use(FilteringRunner(core, core.sort_out))
