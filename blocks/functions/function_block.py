"""The shared core of the blocks that run a user's function.

The block owns the inbox, the outbox and the dead letters. A runner calls the function with the items: inline on the
loop, in tasks or in an executor. It gives results to `_emit` and exceptions to `_handle`. A new way to run functions
is a new runner.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any, NoReturn, Protocol, TypeVar

import attrs
import trio

from ..base.checks import check_capacity, check_number
from ..base.error_info import ErrorInfo, Shown, annotate
from ..base.log import log
from ..base.names import automatic_name
from ..base.statistics import BlockStatistics
from ..core.block import Block
from ..core.carried import lease_with, plain
from ..core.contexts import carry_on
from ..core.inbox import UNBOUNDED, Inbox
from ..core.outbox import Outbox
from ..core.resource_pool import ResourcePool
from ..core.source import inlet_for
from ..core.target import Target
from ..core.threads import loop_of
from ..core.waiting import WaitList
from ..executors.keeper import Keeper
from ..executors.parcel import check_picklable
from .at_end import END
from .effort import NO_INPUT, NO_OUTPUT, WORKING, Effort, with_times
from .item_limit import Late
from .leasing import Leasing, with_lease
from .policies import Action, DeadLetter, Failures, OnError, as_policy

In = TypeVar("In")
DEFAULT_CAPACITY = 1024


class Runner(Protocol):
    """Calls the function of a block with its items.

    Attributes:
        busy: How many items were taken from the inbox and are being worked on.
        waiting: How many results wait for the results of earlier items.
        at_once: The largest number of calls at once.
        place: Where the function runs, in words.
        ordered: Whether results are handed on in the order of their items.
        waits_for_room: Whether all running work is blocked until results have been taken.
        is_eager: Whether `give_out` can start work as soon as an item comes, without a step of the block.
    """

    is_eager: bool
    ordered: bool
    busy: int
    waiting: int
    at_once: int
    place: str

    @property
    def waits_for_room(self) -> bool: ...

    def start(self) -> None:
        """The network starts."""
        ...

    def step(self) -> None:
        """Start or do as much work as is allowed now."""
        ...

    def give_out(self) -> None:
        """Start as much work as is allowed now."""
        ...

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        """The tasks that work on an item now."""
        ...

    def close(self) -> None:
        """Release everything: there will be no more work, or the network has stopped."""
        ...


class FunctionInbox(Inbox[In]):
    """An inbox that also counts items in work: with capacity 1, a block takes an item only when it holds none."""

    __slots__ = ()
    block: FunctionBlock[In]  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def room(self) -> int:
        """How many more messages fit in."""
        return self.capacity - len(self.queue) - self.block._runner.busy


class FunctionBlock(Block, Target[In]):
    """A block that calls a function with each of its items."""

    __slots__ = (
        "_dead",
        "_effort",
        "_failures",
        "_inbox",
        "_outbox",
        "_runner",
        "_space",
        "_time_limit",
        "function",
        "leasing",
    )

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        capacity: int | None,
        on_error: OnError,
        filter: Callable[[In], bool] | None,
        time_limit: float | None,
        name: str | None,
    ) -> None:
        if not callable(function):
            who = type(self).__name__ if name is None else f"{self.kind} {name!r}"
            raise TypeError(f"{who}: the function must be callable, got {function!r}")
        super().__init__(name or name_of(function, type(self).__name__))
        check_capacity(str(self), capacity)
        if time_limit is not None:
            check_number(str(self), "time_limit", time_limit, above=True)
        self._time_limit = time_limit
        self.function: Callable[..., Any] = function
        self._failures = Failures(str(self), as_policy(str(self), on_error))
        self._inbox: Inbox[In] = FunctionInbox(self, deque(), capacity=capacity, filter=filter)
        self._outbox: Outbox[Any] = Outbox(self, deque())
        self._dead: Outbox[ErrorInfo] = Outbox(self, deque())
        self._space: WaitList[None] = WaitList()
        self._effort = Effort()
        self.leasing: Leasing | None = None
        self._runner: Runner

    def _use(self, runner: Runner) -> None:
        """Set the runner that calls the function. This is the last step of making the block: it may join a network."""
        self._runner = runner
        if isinstance(self._failures.final, DeadLetter):
            self._dead.link(inlet_for(self._dead, self._failures.final.target))

    def lease_from(self, pool: ResourcePool[Any] | None, executor: Executor | None) -> None:
        """Take a lease for each item if there is a pool, and call the function with the item and the lease."""
        if pool is not None:
            self.function = with_lease(str(self), self.function, pool, executor)
            self.leasing = Leasing(pool, self._wake, functools.partial(loop_of, self))

    def carry_by(self, inbox: Inbox[In], outbox: Outbox[Any], function: Callable[..., Any]) -> None:
        """Use ports and a function that carry contexts with the items."""
        self._inbox, self._outbox, self.function = inbox, outbox, function

    @property
    def wants_contexts(self) -> bool:
        """Whether its function is called in the contexts of its items."""
        return self._outbox.carries

    def input_linked(self) -> None:
        """Handle a new link to the block, or upstream of it, while the network runs."""
        if self.wants_contexts:
            carry_on(self.contexts_from())

    # What the runner asks and tells

    def keeper(self) -> Keeper | None:
        """The keeper that is told where the function is called, if the function holds state between calls."""
        return None

    @property
    def may_overtake(self) -> bool:
        """Whether results may leave in another order than their items came."""
        return not self._runner.ordered

    def _flush(self) -> None:
        """Hand on the results and dead letters that are ready."""
        if self._outbox.queue:
            self._outbox.flush()
        if self._dead.queue:
            self._dead.flush()

    def _room(self) -> int:
        """How many more results fit in."""
        if self._dead.queue:
            return 0
        outbox = self._outbox
        waiting = len(outbox.queue)
        if not outbox.links:
            return self._inbox.capacity - waiting
        if waiting:
            return 0
        link = outbox.links[0]
        if len(outbox.links) == 1 and link.is_plain:
            return max(1, link.inbox.room())
        return UNBOUNDED

    def _emit(self, results: list[Any]) -> None:
        """Put results into the outbox, in order."""
        self._outbox.emit(results)

    def _fault(self, error: BaseException, item: object, number: int) -> NoReturn:
        """Stop the network because the function raised."""
        assert self._network is not None
        if item is END:
            self._counts["consumed"] += 1  # it is no item; it was subtracted there when it came
            annotate(error, f"raised by at_end, behind item {number - 1}")
            self._network.fault(error, phase=self.name)
            raise error
        self._counts["dropped:fault"] += 1
        self._counts["failed"] += 1
        self._network.fault(error, phase=self.name, item=item, number=number)
        raise error

    def _handle(self, error: BaseException, item: Any, number: int, attempt: int) -> float | None:
        """Apply the policy to a failed item; return the seconds until the next try, or None if there is none."""
        lease = None if isinstance(error, Late) else lease_with(item)  # a call that is late may still use it
        delay: float | None = None
        try:
            delay = self._decide(error, plain(item), number, attempt)
        finally:
            if delay is None and lease is not None:
                lease.give_back()  # otherwise the exception may keep the lease, through its frames
        return delay

    def _decide(self, error: BaseException, item: Any, number: int, attempt: int) -> float | None:
        if not isinstance(error, Exception):
            self._fault(error, item, number)
        if isinstance(error, Late):
            error = error.explain(str(self), item, number)
        action = self._failures.decide(attempt, number, may_drop=item is not END)
        if action is not Action.FAIL:
            log.info("%s: item %d: %s: %s", self, number, action.value, Shown(error))
        if action is Action.RETRY:
            self._counts["retried"] += 1
            return self._delay(error, item, number, attempt + 1)
        if action is Action.FAIL:
            if self._failures.given_up:
                share = f"{self._failures.given_up} of {self._failures.seen} items failed"
                annotate(error, f"the error budget of {self} is used up: {share}")
            self._fault(error, item, number)
        self._counts["failed"] += 1
        if action is Action.SKIP:
            self._drop("skipped", (item,), (number,))
        else:
            self._lose((item,), (number,))
            info = ErrorInfo.of(error, phase=self.name, item=item, number=number)
            self._became((item,), info)
            self._dead.queue.append(info)
            self._dead.flush()
        return None

    def _delay(self, error: BaseException, item: Any, number: int, attempt: int) -> float:
        try:
            delay = self._failures.delay(attempt)
            if not delay >= 0:
                raise ValueError(f"{self}: backoff must give seconds >= 0, got {delay!r} for try {attempt}")
        except Exception as broken:
            broken.__cause__ = error
            self._fault(broken, item, number)
        return delay

    # Stepping

    def _start(self) -> None:
        if self._tracer is not None:
            self._effort.on_wait = self._tracer.waits_of(self.name)
        self._effort.change(NO_INPUT)
        if self.wants_contexts:
            carry_on(self.contexts_from())
        self._runner.start()
        super()._start()

    def _arrived(self) -> None:
        if self._effort.state is NO_INPUT:
            self._effort.change(WORKING)
        if not self._queued and self._runner.is_eager and self._network is not None and self._network.is_open:
            self._runner.give_out()
            if not (self._inbox.senders or self._inbox.postponed):
                return
        self._wake()

    def _step(self) -> None:
        if self._network is None or self._finished or self._network.is_being_stopped:
            return  # results that come after the stop are discarded
        self._inbox.begin_step()
        self._runner.step()
        if self.leasing is not None:
            self.leasing.stepped()
        self._settle()
        if self._inbox.closed and not self._held():
            self.drained()

    def drained(self) -> None:
        """Finish: no item will come any more, and none is held."""
        self._finish()

    def _settle(self) -> None:
        """Record whether the block works now or what it waits for."""
        if self._runner.busy and not self._runner.waits_for_room:
            state = WORKING
        elif ((self._outbox.queue or self._dead.queue) and (not self._inbox.queue or self._room() < 1)) or (
            self.leasing is not None and self.leasing.waits
        ):
            state = NO_OUTPUT
        else:
            state = WORKING if self._inbox.queue or self._runner.waiting else NO_INPUT
        if state is not self._effort.state:
            self._effort.change(state)

    def measured(self, seconds: float) -> BlockStatistics:
        """The statistics of the block over `seconds` of running time."""
        runner, queued = self._runner, len(self._inbox.queue)
        statistics = attrs.evolve(
            super().measured(seconds),
            place=runner.place,
            at_once=runner.at_once,
            retried=self._counts["retried"],
            failed=self._counts["failed"],
            queued=queued,
            most_queued=max(self._inbox.most_queued, queued),
            in_work=runner.busy,
        )
        return with_times(self._effort, statistics, seconds)

    def _finish(self) -> None:
        super()._finish()
        self._effort.change(WORKING)
        self._close()
        self._outbox.end()
        self._dead.end()

    def _abort(self, reason: str) -> None:
        if not self._finished:
            self._broken = reason
            self._effort.change(WORKING)
            self._counts["discarded"] += self._held()
            for port in (self._inbox, self._outbox, self._dead):
                port.abort(reason)
            self._close()

    def _close(self) -> None:
        self._runner.close()
        if self.leasing is not None:
            self.leasing.close()

    def remedy_for_calls(self) -> str:
        """Advice if later items may hold what the call of an earlier item waits for; else an empty string."""
        if not (self._runner.ordered and self._runner.waiting):
            return ""
        return (
            f"results of {self} wait for the call of an item before them; if that waits for what they have taken, give "
            "the block resource=ResourcePool(...), which it takes from in order, or ordered=False"
        )

    @property
    def pool(self) -> ResourcePool[Any] | None:
        """The pool that gives each item a lease, if there is one."""
        return None if self.leasing is None else self.leasing.pool

    @property
    def waits_for_lease(self) -> bool:
        """Whether the next item waits for a lease from the pool."""
        return self.leasing is not None and self.leasing.waits

    def recall(self) -> None:
        """If the block waits for a lease, free the leases that only reference cycles keep."""
        if self.leasing is not None and self.leasing.waits:
            self.leasing.pool.recall()

    def _held(self) -> int:
        runner = self._runner
        results = runner.waiting + len(self._outbox.queue) + len(self._dead.queue)
        return len(self._inbox.queue) + runner.busy + results

    def _describe_held(self) -> str:
        waiting = f"{len(self._inbox.queue)} waiting, {self._runner.busy} in work"
        results = self._runner.waiting + len(self._outbox.queue)
        return waiting + (f", {results} results to hand on" if results else "")

    def _ins(self) -> Sequence[Inbox[Any]]:
        return (self._inbox,)

    def _outs(self) -> Sequence[Outbox[Any]]:
        return (self._outbox, self._dead)

    def _tasks(self) -> Iterable[trio.lowlevel.Task]:
        return self._runner.tasks()


def name_of(function: Callable[..., Any], kind: str) -> str:
    """Name a block after its function, looking through partial functions; lambdas get a number instead."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    return automatic_name(kind) if name == "<lambda>" else name


def default_window(concurrency: int) -> int:
    """The default number of items that may be started and not yet handed on."""
    return max(16, 4 * concurrency)


def check_concurrency(
    block: FunctionBlock[Any],
    concurrency: int,
    window: int | None,
    capacity: int | None,
    runs_async: bool,
    executor: Executor | None,
) -> None:
    """Check that the numbers fit each other and the function; a `ValueError` says what to do."""
    for what, number in (("concurrency", concurrency), ("window", window)):
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
            raise ValueError(f"{block}: {what} must be an int >= 1, got {number!r}")
    if window is not None and window < concurrency:
        raise ValueError(f"{block}: window must be at least the concurrency, {concurrency}, got {window}")
    if capacity is not None and capacity < concurrency:
        raise ValueError(f"{block}: capacity must be at least the concurrency, {concurrency}, got {capacity}")
    if executor is None and concurrency > 1 and not runs_async:
        raise ValueError(
            f"{block}: concurrency={concurrency} needs an executor or an async function; a plain function runs on the "
            f"loop, one call at a time (give the block executor=Threads({concurrency}))"
        )
    if executor is not None:
        check_executor(block, executor, runs_async)


def check_expanding(block: FunctionBlock[Any], executor: Executor | None) -> None:
    """Raise a `TypeError` that says what to do if the executor keeps results, which the block must see."""
    refuse = getattr(executor, "_check_expanding", None)
    if refuse is not None:
        refuse(str(block))


def check_executor(block: FunctionBlock[Any], executor: Executor, runs_async: bool) -> None:
    """Raise a `TypeError` that says what to do if the executor cannot call the block's function."""
    if not isinstance(executor, Executor):
        raise TypeError(
            f"{block}: executor must be Threads, Processes or another concurrent.futures.Executor, got {executor!r}"
        )
    if runs_async:
        raise TypeError(
            f"{block}: an async function runs in tasks of the loop and takes no executor; leave out executor=, or give "
            "the block a plain function"
        )
    check = getattr(executor, "_check", None)
    if check is not None:
        check(block.function, str(block))
    elif isinstance(executor, ProcessPoolExecutor):
        check_picklable(block.function, str(block))
