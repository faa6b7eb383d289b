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
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs
import trio

from ..base.callables import callable_name, check_runs
from ..base.checks import check_capacity, check_function, check_number
from ..base.error_info import ErrorInfo
from ..base.names import automatic_name
from ..base.statistics import BlockStatistics, PartStatistics
from ..base.times import NEVER
from ..base.timing import time_slice
from ..base.units import show
from ..core.carried import lease_with
from ..core.contexts import carry_on
from ..core.inbox import UNBOUNDED, Inbox
from ..core.outbox import Outbox
from ..core.owner import Feed
from ..core.pause import Pause
from ..core.pausing import PausableCore
from ..core.priority_queue import PriorityQueue
from ..core.rate import Rate, as_rate
from ..core.resource_pool import ResourcePool
from ..core.source import Source, inlet_for
from ..core.threads import loop_of
from ..executors.keeper import Keeper
from .call_meter import NO_INPUT, NO_OUTPUT, WORKING, CallMeter, with_times
from .failing import FailingCore
from .key_turns import Key, KeyTurns, with_turns
from .leasing import Leasing, with_lease
from .pacing import Pacing
from .policies import DeadLetter, Failures, OnError, as_policy
from .runner import Runner

if TYPE_CHECKING:
    from ..executors.work import Outcome

In = TypeVar("In")
DEFAULT_CAPACITY = 1024


class FunctionInbox(Inbox[In]):
    """An inbox that also counts items in work: with capacity 1, a block takes an item only when it holds none."""

    __slots__ = ()
    block: FunctionCore[In]  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def room(self) -> int:
        """Return how many more messages fit in."""
        return self.capacity - len(self.queue) - self.block.runner.busy

    def room_for(self, link: Feed) -> int:
        """Return the room for a link; a source that sorts its messages keeps what could not be started now."""
        room = super().room_for(link)
        if link.outbox.waits_to_give:
            return min(room, self.block.runner.wanted() - len(self.queue))
        return room


class FunctionCore(PausableCore, FailingCore, Generic[In]):
    """The core of a block that calls a function with each of its items."""

    __slots__ = (
        "call_meter",
        "dead",
        "ends",
        "expected",
        "failures",
        "falls_back",
        "function",
        "inbox",
        "leasing",
        "outbox",
        "paused",
        "runner",
        "time_limit",
        "turns",
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
        self.expected: int | None = None  # how many items it will get, if that is known
        self.dead: Outbox[ErrorInfo] | None = None  # only with a policy that needs it: there may be many blocks
        self.paused: Pause | None = None
        self.call_meter: CallMeter = CallMeter()
        self.falls_back: bool = False  # whether items that have failed may go to another function
        self.leasing: Leasing | Pacing | None = None
        self.turns: KeyTurns[Any] | None = None
        self.ends: Callable[[int], None] | None = None  # told after which of the outputs an item has ended
        self.runner: Runner

    def tell_ends(self, counts: Iterable[int]) -> None:
        """Tell that items have ended; `counts` has how many outputs each one has, which are handed on next."""
        if self.ends is not None:
            end = self.outbox.messages_gone() + len(self.outbox.queue)
            for count in counts:
                end += count
                self.ends(end)

    def use(self, runner: Runner) -> None:
        """Set the runner that calls the function. This is the last step of making the block: it may join a network."""
        self.runner = runner
        if self.failures.fallback is not None and not self.falls_back:
            raise ValueError(
                f"{self}: it takes no Fallback; only Transformer, TransformMany and Call have a function whose result "
                "can be replaced"
            )
        if isinstance(self.failures.final, DeadLetter):
            self.dead = Outbox(self, deque())
            self.dead.link(inlet_for(self.dead, self.failures.final.target))

    def fall_back(self, expands: bool = False) -> None:
        """Call the fallback, if there is one, for items that have failed. Call this before `lease_from`.

        Args:
            expands: Whether the function gives several outputs, and may be a generator function.
        """
        self.falls_back = True
        if self.failures.fallback is not None:
            from .fallback import with_fallback  # late: few blocks have one

            if not expands:
                check_runs(f"the Fallback of {self}", self.failures.fallback.function)
            self.function = with_fallback(str(self), self.function, self.failures.fallback.function)

    def lease_from(self, pool: ResourcePool[Any] | None, executor: Executor | None) -> None:
        """Take a lease for each item if there is a pool, and call the function with the item and the lease."""
        if pool is not None:
            self.function = with_lease(str(self), self.function, pool, executor)
            self.leasing = Leasing(pool, self.wake, functools.partial(loop_of, self))

    def pace_by(self, rate: Rate | float | None) -> None:
        """Let calls start at a rate, if there is one. Call `lease_from` before."""
        limit = as_rate(str(self), rate)
        if limit is not None:
            assert not isinstance(self.leasing, Pacing)
            self.leasing = Pacing(self, limit, self.leasing)

    def sort_by(self, priority: Callable[[In], float] | None) -> None:
        """Start the most urgent item first, if there is a function that tells the priority."""
        check_function(self, "priority", priority)
        if priority is not None:
            carries = self.inbox.contexts is not None
            self.inbox.queue = PriorityQueue(str(self), priority, carries=carries)
            self.inbox.takes_one_by_one()

    @property
    def rate(self) -> Rate | None:
        """The rate at which calls may start, if there is one."""
        return self.leasing.rate if isinstance(self.leasing, Pacing) else None

    @property
    def is_sorted(self) -> bool:
        """Whether items are started by their priority."""
        return isinstance(self.inbox.queue, PriorityQueue)

    def take_turns(self, key: Key) -> KeyTurns[Any]:
        """Work on one item of each key at a time."""
        self.turns = KeyTurns(self, key)
        return self.turns

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

    @property
    def dashboard(self) -> str:
        """The address of a page about the cluster that works for the block; "" if there is none."""
        from ..executors.client_lane import dashboard_of  # late: few programs have a cluster

        return dashboard_of(getattr(self.runner, "executor", None))

    # For the runner

    def job_done(self, first: int, places: Sequence[int], outcome: Outcome) -> None:
        """React to a job that has come back from an executor, before its results are handed on.

        Args:
            first: The number of the first item of its batch.
            places: The places of its items in the batch.
            outcome: The results and failures.
        """

    def keeper(self) -> Keeper | None:
        """The keeper that is told where the function is called, if the function holds state between calls."""
        return None

    @property
    def may_overtake(self) -> bool:
        """Whether results may leave in another order than their items came."""
        return self.is_sorted or not self.runner.ordered

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

    # Stepping

    def begin(self) -> None:
        if self.tracer is not None:
            self.call_meter.on_wait = self.tracer.waits_of(self.name)
        self.call_meter.change(NO_INPUT)
        if self.wants_contexts:
            carry_on(self.contexts_from())
        if self.leasing is not None:
            self.leasing.begin()
        self.runner.start()
        super().begin()

    def awaits_sender(self) -> None:
        if not (self.queued or self.inbox.queue or self.runner.busy or self.runner.is_eager):
            self.queued = True
            self.scheduler.add_later(self)

    def arrived(self) -> None:
        if self.call_meter.state is NO_INPUT:
            self.call_meter.change(WORKING)
        host = self.host
        if not self.queued and self.runner.is_eager and host is not None and host.is_open and not host.is_stopping:
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

    def why_held(self) -> str:
        """Explain why messages stay here although nothing else holds them up; empty if the block is not paused."""
        return "" if self.paused is None else f"it is paused since {show(time_slice.clock() - self.paused.since)}"

    def at_work(self) -> int:
        """Return how many items are in work."""
        return self.runner.busy

    def settle(self) -> None:
        """Record whether the block works now or what it waits for."""
        if self.paused is not None and not self.runner.busy:
            self.paused.is_quiet()
        if self.runner.busy and not self.runner.waits_for_room:
            state = WORKING
        elif ((self.outbox.queue or self.has_dead_letters()) and (not self.inbox.queue or self.room() < 1)) or (
            self.leasing is not None and self.leasing.waits_for_lease
        ):
            state = NO_OUTPUT
        else:
            state = WORKING if self.inbox.queue or self.runner.waiting else NO_INPUT
        if state is not self.call_meter.state:
            self.call_meter.change(state)

    def measured(self, seconds: float) -> BlockStatistics:
        """The statistics of the block over `seconds` of running time."""
        runner, in_work = self.runner, self._in_work()
        queued = len(self.inbox.queue) + runner.busy - in_work
        statistics = attrs.evolve(
            super().measured(seconds),
            place=runner.place,
            at_once=runner.at_once,
            retried=self.counts["retried"],
            failed=self.counts["failed"],
            queued=queued,
            most_queued=max(self.inbox.most_queued, queued),
            in_work=in_work,
            wait_for_rate=NEVER if self.leasing is None else self.leasing.waits_for_rate,
        )
        if runner.ordered and runner.waiting:
            statistics = attrs.evolve(statistics, awaits="an earlier item", ahead=runner.waiting)
        statistics = with_times(self.call_meter, statistics, seconds)
        parts: Callable[[int], tuple[PartStatistics, ...]] | None = getattr(self.function, "part_statistics", None)
        if parts is not None:
            statistics = attrs.evolve(statistics, parts=parts(self.call_meter.items))
        return statistics if self.turns is None else with_turns(self.turns, statistics)

    def finish(self) -> None:
        super().finish()
        if self.paused is not None:
            self.paused.is_quiet()
        self.call_meter.change(WORKING)
        self._close()
        for outbox in self.outboxes():
            outbox.end()

    def end_early(self) -> None:
        if self.turns is not None:
            self.turns.is_ending = True
        super().end_early()

    def discard(self, item: Any) -> None:
        """Count an item that was taken and not worked on as discarded."""
        lease = lease_with(item)
        if lease is not None:
            lease.give_back()
        self.counts["discarded"] += 1

    def abort(self, reason: str) -> None:
        if not self.finished:
            self.mark_broken(reason)
            if self.paused is not None:
                self.paused.is_broken(trio.BrokenResourceError(f"{self} cannot be paused: {reason}"))
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
        if self.turns is not None and self.turns.waiting:
            return (
                f"{self.turns.waiting} items of {self} wait for the call of an earlier item with the same key; if that "
                "call waits for what comes of a later item, give the two items different keys"
            )
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
        return self.leasing is not None and self.leasing.waits_for_lease

    def recall(self) -> None:
        """If the block waits for a lease, free the leases that only reference cycles keep."""
        pool = self.pool
        if pool is not None and self.waits_for_lease:
            pool.recall()

    def is_at_work(self) -> bool:
        """Also while its leases have to come back, so that it stays in the network, which asks for them at the end."""
        lessee = None if self.leasing is None else self.leasing.lessee
        return super().is_at_work() or (lessee is not None and lessee.pool.must_get_back(lessee))

    def check_returned(self) -> None:
        lessee = None if self.leasing is None else self.leasing.lessee
        if lessee is not None:
            lessee.pool.check_returned(lessee, str(self))

    def held(self) -> int:
        runner = self.runner
        dead = 0 if self.dead is None else len(self.dead.queue)
        return len(self.inbox.queue) + runner.busy + runner.waiting + len(self.outbox.queue) + dead

    def _in_work(self) -> int:
        """How many items have a call now; the others that the runner has taken wait for their key or for a worker."""
        behind = 0 if self.turns is None else self.turns.waiting
        return min(self.runner.busy - behind, self.runner.at_once)

    def _describe_held(self) -> str:
        behind = 0 if self.turns is None else self.turns.waiting
        in_work = self._in_work()
        waiting = f"{len(self.inbox.queue) + self.runner.busy - behind - in_work} waiting, {in_work} in work"
        waiting += f", {behind} behind their key" if behind else ""
        results = self.runner.waiting + len(self.outbox.queue)
        return waiting + (f", {results} result{'s' * (results > 1)} to hand on" if results else "")

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
    name = callable_name(function)
    return automatic_name(kind) if name == "<lambda>" else name
