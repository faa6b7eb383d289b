"""The shared core of the blocks that run a user's function.

The block owns the inbox, the outbox and the dead letters. A runner calls the function with the items: inline on the
loop, in tasks or in an executor. It gives results to `emit` and exceptions to `handle`. A new way to run functions
is a new runner.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any, Generic, NoReturn, Protocol, TypeVar, cast

import attrs
import trio

from ..base.checks import check_capacity, check_number
from ..base.error_info import ErrorInfo, Shown, annotate
from ..base.log import log
from ..base.names import automatic_name
from ..base.statistics import BlockStatistics
from ..core.block_core import BlockCore
from ..core.carried import lease_with, plain
from ..core.contexts import carry_on
from ..core.inbox import UNBOUNDED, Inbox
from ..core.outbox import Outbox
from ..core.resource_pool import ResourcePool
from ..core.source import Source, inlet_for
from ..core.threads import loop_of
from ..executors.keeper import Keeper
from .at_end import END
from .call_meter import NO_INPUT, NO_OUTPUT, WORKING, CallMeter, with_times
from .item_limit import ItemTimeout
from .leasing import Leasing, with_lease
from .policies import Action, DeadLetter, Failures, OnError, as_policy

In = TypeVar("In")
DEFAULT_CAPACITY = 1024


class Runner(Protocol):
    """Calls the function of a block with its items.

    Attributes:
        busy: The number of items that were taken from the inbox and are being worked on.
        waiting: The number of results that wait for the results of earlier items.
        at_once: The largest number of calls at once.
        place: Where the function runs, in words.
        ordered: Whether results are handed on in the order of their items.
        waits_for_room: Whether all running work is blocked until results have been taken.
        is_eager: Whether `give_out` can start work as soon as an item comes, without a step of the block.
    """

    ordered: bool
    busy: int
    waiting: int
    at_once: int
    place: str

    @property
    def is_eager(self) -> bool: ...

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
    block: FunctionCore[In]  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def room(self) -> int:
        """Return how many more messages fit in."""
        return self.capacity - len(self.queue) - self.block.runner.busy


class FunctionCore(BlockCore, Generic[In]):
    """The core of a block that calls a function with each of its items."""

    __slots__ = (
        "call_meter",
        "dead",
        "failures",
        "function",
        "inbox",
        "leasing",
        "outbox",
        "runner",
        "time_limit",
    )

    def __init__(
        self,
        facade: Any,
        function: Callable[..., Any],
        *,
        capacity: int | None,
        on_error: OnError,
        filter: Callable[[In], bool] | None,
        time_limit: float | None,
        name: str | None,
    ) -> None:
        if not callable(function):
            whose = type(facade).__name__ if name is None else f"{facade.kind} {name!r}"
            raise TypeError(f"{whose}: the function must be callable, got {function!r}")
        super().__init__(facade, name or name_of(function, type(facade).__name__))
        who = str(self)
        check_capacity(who, capacity)
        if time_limit is not None:
            check_number(who, "time_limit", time_limit, above=True)
        self.time_limit: float | None = time_limit
        self.function: Callable[..., Any] = function
        self.failures: Failures = Failures(who, as_policy(who, on_error))
        self.inbox: Inbox[In] = FunctionInbox(self, deque(), capacity=capacity, filter=filter)
        self.outbox: Outbox[Any] = Outbox(self, deque())
        self.dead: Outbox[ErrorInfo] | None = None  # only with a policy that needs it: there may be many blocks
        self.call_meter: CallMeter = CallMeter()
        self.leasing: Leasing | None = None
        self.runner: Runner

    def use(self, runner: Runner) -> None:
        """Set the runner that calls the function. This is the last step of making the block: it may join a network."""
        self.runner = runner
        if isinstance(self.failures.final, DeadLetter):
            self.dead = Outbox(self, deque())
            self.dead.link(inlet_for(self.dead, self.failures.final.target))

    def lease_from(self, pool: ResourcePool[Any] | None, executor: Executor | None) -> None:
        """Take a lease for each item if there is a pool, and call the function with the item and the lease."""
        if pool is not None:
            self.function = with_lease(str(self), self.function, pool, executor)
            self.leasing = Leasing(pool, self.wake, functools.partial(loop_of, self))

    def carry_by(self, inbox: Inbox[In], outbox: Outbox[Any], function: Callable[..., Any]) -> None:
        """Use ports and a function that carry contexts with the items."""
        self.inbox, self.outbox, self.function = inbox, outbox, function

    @property
    def gives(self) -> bool:
        """Whether the block hands on what its function returns."""
        return isinstance(cast("object", self.facade), Source)

    @property
    def wants_contexts(self) -> bool:
        """Whether its function is called in the contexts of its items."""
        return self.outbox.carries

    def input_linked(self) -> None:
        """Handle a new link to the block, or upstream of it, while the network runs."""
        if self.wants_contexts:
            carry_on(self.contexts_from())

    # For the runner

    def keeper(self) -> Keeper | None:
        """The keeper that is told where the function is called, if the function holds state between calls."""
        return None

    @property
    def may_overtake(self) -> bool:
        """Whether results may leave in another order than their items came."""
        return not self.runner.ordered

    def flush(self) -> None:
        """Hand on the results and dead letters that are ready."""
        if self.outbox.queue:
            self.outbox.flush()
        if self.dead is not None and self.dead.queue:
            self.dead.flush()

    def has_dead_letters(self) -> bool:
        """Whether a dead letter waits for its target."""
        return self.dead is not None and bool(self.dead.queue)

    def room(self) -> int:
        """How many more results fit in."""
        if self.dead is not None and self.dead.queue:
            return 0
        outbox = self.outbox
        waiting = len(outbox.queue)
        if not outbox.links:
            return self.inbox.capacity - waiting
        if waiting:
            return 0
        link = outbox.links[0]
        if len(outbox.links) == 1 and link.inbox.takes_runs:
            return max(1, link.inbox.room())
        return UNBOUNDED

    def emit(self, results: list[Any]) -> None:
        """Put results into the outbox, in order."""
        self.outbox.emit(results)

    def _fault(self, error: BaseException, item: object, number: int) -> NoReturn:
        """Stop the network because the function raised."""
        assert self.host is not None
        if item is END:
            self.counts["consumed"] += 1  # it is not an item, and was subtracted there when it came
            annotate(error, f"raised by at_end, behind item {number - 1}")
            self.host.fault(error, phase=self.name)
            raise error
        self.counts["dropped:fault"] += 1
        self.counts["failed"] += 1
        self.host.fault(error, phase=self.name, item=item, number=number)
        raise error

    def handle(self, error: BaseException, item: Any, number: int, attempt: int) -> float | None:
        """Apply the policy to a failed item; return the seconds until the next try, or None if there is none."""
        lease = None if isinstance(error, ItemTimeout) else lease_with(item)  # a late call may still use it
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
        if isinstance(error, ItemTimeout):
            error = error.with_item(str(self), item, number)
        action = self.failures.decide(attempt, number, may_drop=item is not END)
        if action is not Action.FAIL:
            log.info("%s: item %d: %s: %s", self, number, action.value, Shown(error))
        if action is Action.RETRY:
            self.counts["retried"] += 1
            return self._delay(error, item, number, attempt + 1)
        if action is Action.FAIL:
            if self.failures.given_up:
                share = f"{self.failures.given_up} of {self.failures.seen} items failed"
                annotate(error, f"the error budget of {self} is exceeded: {share}")
            self._fault(error, item, number)
        self.counts["failed"] += 1
        if action is Action.SKIP:
            self.drop("skipped", (item,), (number,))
        else:
            self.announce_loss((item,), (number,))
            info = ErrorInfo.of(error, phase=self.name, item=item, number=number)
            self.merged_into((item,), info)
            assert self.dead is not None
            self.dead.queue.append(info)
            self.dead.flush()
        return None

    def _delay(self, error: BaseException, item: Any, number: int, attempt: int) -> float:
        try:
            delay = self.failures.delay(attempt)
            if not delay >= 0:
                raise ValueError(f"{self}: backoff must give seconds >= 0, got {delay!r} for try {attempt}")
        except Exception as broken:
            broken.__cause__ = error
            self._fault(broken, item, number)
        return delay

    # Stepping

    def begin(self) -> None:
        if self.tracer is not None:
            self.call_meter.on_wait = self.tracer.waits_of(self.name)
        self.call_meter.change(NO_INPUT)
        if self.wants_contexts:
            carry_on(self.contexts_from())
        self.runner.start()
        super().begin()

    def awaits_sender(self) -> None:
        if not (self.queued or self.inbox.queue or self.runner.busy or self.runner.is_eager):
            self.queued = True
            self.scheduler.add_later(self)

    def arrived(self) -> None:
        if self.call_meter.state is NO_INPUT:
            self.call_meter.change(WORKING)
        if not self.queued and self.runner.is_eager and self.host is not None and self.host.is_open:
            self.runner.give_out()
            if not (self.inbox.senders.waiters or self.inbox.postponed):
                return
        self.wake()

    def step(self) -> None:
        if self.host is None or self.finished or self.host.is_stopping:
            return  # results that come after the stop are discarded
        self.inbox.begin_step()
        self.runner.step()
        if self.leasing is not None:
            self.leasing.stepped()
        self.settle()
        if self.inbox.closed and not self.held():
            self.drained()

    def drained(self) -> None:
        """Finish: no item will come any more, and none is held."""
        self.finish()

    def settle(self) -> None:
        """Record whether the block works now or what it waits for."""
        if self.runner.busy and not self.runner.waits_for_room:
            state = WORKING
        elif ((self.outbox.queue or self.has_dead_letters()) and (not self.inbox.queue or self.room() < 1)) or (
            self.leasing is not None and self.leasing.waits
        ):
            state = NO_OUTPUT
        else:
            state = WORKING if self.inbox.queue or self.runner.waiting else NO_INPUT
        if state is not self.call_meter.state:
            self.call_meter.change(state)

    def measured(self, seconds: float) -> BlockStatistics:
        """The statistics of the block over `seconds` of running time."""
        runner, queued = self.runner, len(self.inbox.queue)
        statistics = attrs.evolve(
            super().measured(seconds),
            place=runner.place,
            at_once=runner.at_once,
            retried=self.counts["retried"],
            failed=self.counts["failed"],
            queued=queued,
            most_queued=max(self.inbox.most_queued, queued),
            in_work=runner.busy,
        )
        return with_times(self.call_meter, statistics, seconds)

    def finish(self) -> None:
        super().finish()
        self.call_meter.change(WORKING)
        self._close()
        for outbox in self.outboxes():
            outbox.end()

    def abort(self, reason: str) -> None:
        if not self.finished:
            self.mark_broken(reason)
            self.call_meter.change(WORKING)
            self.counts["discarded"] += self.held()
            self.inbox.abort(reason)
            for outbox in self.outboxes():
                outbox.abort(reason)
            self._close()

    def _close(self) -> None:
        self.runner.close()
        if self.leasing is not None:
            self.leasing.close()

    def remedy_for_calls(self) -> str:
        """Advice if later items may hold what the call of an earlier item waits for; else an empty string."""
        if not (self.runner.ordered and self.runner.waiting):
            return ""
        return (
            f"results of {self} wait for the call of an earlier item; if that call waits for resources that later "
            "items have taken, give the block resource=ResourcePool(...), from which items take in order, or "
            "ordered=False"
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

    def held(self) -> int:
        runner = self.runner
        dead = 0 if self.dead is None else len(self.dead.queue)
        return len(self.inbox.queue) + runner.busy + runner.waiting + len(self.outbox.queue) + dead

    def _describe_held(self) -> str:
        waiting = f"{len(self.inbox.queue)} waiting, {self.runner.busy} in work"
        results = self.runner.waiting + len(self.outbox.queue)
        return waiting + (f", {results} results to hand on" if results else "")

    def inboxes(self) -> Sequence[Inbox[Any]]:
        return (self.inbox,)

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return (self.outbox,) if self.dead is None else (self.outbox, self.dead)

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        return self.runner.tasks()


def name_of(function: Callable[..., Any], kind: str) -> str:
    """Name a block after its function, looking through partial functions; lambdas get a number instead."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    return automatic_name(kind) if name == "<lambda>" else name
