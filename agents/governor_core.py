"""Bounds the items in flight between a first and a last block, and never loses a slot.

Invariant: slots in use = items in the governed blocks now + slots taken explicitly. The governor keeps no account of
the first part. It counts the items in the blocks each time an item wants to come in. So a slot cannot leak with an item
that was skipped, filtered out, merged or cancelled: an item that is no longer there holds no slot. A one-to-one block
between the two reports nothing, and the governor costs it nothing.

With weights, the governor knows how many of the admitted items are still there, but not which. It assumes that the
lighter items left first, so its estimate of the weight in flight is never too low.
"""

from __future__ import annotations

import heapq
import math
import threading
import weakref
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

import trio

from penstock.blocks import Block, MemoryBudget, Target, size_of
from penstock.blocks.base.byte_count import show_bytes, show_share
from penstock.blocks.base.checks import check_count, check_function, check_number
from penstock.blocks.base.in_trio import check_in_trio
from penstock.blocks.base.names import given_name
from penstock.blocks.base.statistics import GovernorStatistics
from penstock.blocks.base.threads import wrong_thread
from penstock.blocks.base.times import Histogram
from penstock.blocks.base.timing import time_slice
from penstock.blocks.base.weighing import weigh
from penstock.blocks.core.block import inside
from penstock.blocks.core.block_core import BlockCore, core_at, core_of
from penstock.blocks.core.graph import downstream, reachable, upstream
from penstock.blocks.core.input_port import Input
from penstock.blocks.core.inputs import InputsBlock
from penstock.blocks.core.threads import loop_of
from penstock.blocks.core.unique_names import UniqueNames
from penstock.blocks.core.waiting import WaitList, running_networks

if TYPE_CHECKING:
    from penstock.blocks.core.inbox import Inbox
    from penstock.blocks.core.ports import Host
    from penstock.blocks.core.waiting import Waiter


class GovernorCore:
    """The core of a governor: its slots, the blocks that it governs, and the tasks that wait for a slot."""

    def __init__(
        self,
        limit: float | MemoryBudget,
        weight: Callable[[Any], float] | None,
        name: str | None,
    ) -> None:
        self.name: str = given_name("PipelineGovernor", name)
        self._in_bytes = isinstance(limit, MemoryBudget)
        if isinstance(limit, MemoryBudget):
            limit, weight = limit.limit, size_of if weight is None else weight
        check_function(str(self), "weight", weight)
        self._weight = weight
        self._check_limit(limit)
        self._limit = limit
        self._weights: list[float] = []
        self._blocks: tuple[BlockCore, ...] = ()
        self._region: frozenset[BlockCore] = frozenset()
        self._first: Inbox[Any] | None = None
        self._taken = 0
        self._refused_at = -math.inf
        self._refused_since = 0.0
        self._most_in_flight = 0.0
        self._waits = Histogram()
        self._waiting: WaitList[int] = WaitList()
        self._waiting_for_empty: WaitList[int] = WaitList()
        self.host: Host | None = None
        self._ended: str | None = None
        self._users: weakref.WeakSet[trio.lowlevel.Task] = weakref.WeakSet()

    def __str__(self) -> str:
        return f"governor {self.name!r}"

    def __repr__(self) -> str:
        return f"<PipelineGovernor {self.name!r} {self._shown()} in flight>"

    def _shown(self) -> str:
        return show_share(self.in_flight, self.limit) if self._in_bytes else f"{self.in_flight} of {self.limit}"

    # The limit

    @property
    def limit(self) -> float:
        """The number of slots, the weight in flight, or the bytes."""
        return self._limit

    @limit.setter
    def limit(self, limit: float) -> None:
        self._check_limit(limit)
        doing = "change the limit of"
        self._check_thread(doing)
        loop = loop_of(self)
        if loop is not None and not loop.is_here:
            raise wrong_thread(f"{doing} {self}")
        is_raised = limit > self._limit
        self._limit = limit
        if is_raised and self.is_refusing:
            self._let_in()
        self._wake_waiting()

    def _check_limit(self, limit: float) -> None:
        if self._weight is None:
            check_count(str(self), "limit", limit)
        check_number(str(self), "limit", limit, above=True)

    def _check_thread(self, doing: str) -> None:
        if any(waiter.thread != threading.get_ident() for waiter in (*self._waiting, *self._waiting_for_empty)):
            raise wrong_thread(f"{doing} {self}")

    # What is in flight

    @property
    def in_flight(self) -> float:
        """The slots in use now (or the weight in flight): items in the governed blocks plus slots taken explicitly."""
        if self._weight is None:
            return self._population() + self._taken
        self._settle_weights()
        return sum(self._weights) + self._taken

    def _population(self) -> int:
        return sum([block.in_flight() for block in self._blocks])  # a list is quicker than a generator

    def _settle_weights(self) -> None:
        population = self._population()
        while len(self._weights) > population:
            heapq.heappop(self._weights)

    # The governed region

    def govern(self, first: Target[Any], last: Block) -> None:
        """Bound the items between two blocks, both included; link the blocks first, and start the network after."""
        if not isinstance(first, Target):
            raise TypeError(f"{self}: first must be a target, where items come in, got {first!r}")
        if not isinstance(last, Block):
            raise TypeError(f"{self}: last must be a block, which items leave, got {last!r}")
        if isinstance(first, (Input, InputsBlock)):
            raise ValueError(
                f"{self}: {first} takes its items where they are; govern from the blocks before or behind it"
            )
        inbox: Inbox[Any] = inside(first).inbox
        region = between(core_at(inbox), core_of(last))
        if not region:
            raise ValueError(
                f"{self}: no path of links leads from {first} to {last}; link the blocks first, and use explicit slots "
                "where agents stand between them"
            )
        if inbox.gate is not None:
            raise ValueError(f"{self}: {first} is governed already")
        if self._blocks:
            raise ValueError(f"{self} governs already; make another one")
        inbox.answers_change()
        inbox.gate = self
        self._first = inbox
        self._blocks = region
        self._region = frozenset(region)
        for block in region:
            block.withdraw()
            block.governed = (*block.governed, self)
            if block.host is not None:
                self.attach(block.host)

    def attach(self, network: Host) -> None:
        """Join a network: from now on its pump calls `look` when items may have left."""
        self.host = network
        if self not in network.pump.gates:
            self.name = UniqueNames(gate.name for gate in network.pump.gates).take(self.name)
            network.pump.gates.append(self)

    def admit(self, items: Iterable[Any], most: int) -> int:
        """Let in the first items, up to the number of free slots and up to `most`; return how many."""
        used = self.in_flight
        if self._weight is None:
            count = max(0, min(most, int(self.limit - used)))
            used += count
        else:
            count = 0
            for item in tuple(islice(items, most)):
                weight = weigh(self, self._weight, item)
                if used and used + weight > self.limit:
                    break
                heapq.heappush(self._weights, weight)
                used += weight
                count += 1
        self._most_in_flight = max(self._most_in_flight, used)
        if count < most:
            if self._refused_at < 0:
                self._refused_since = time_slice.clock()
            self._refused_at = used
        return count

    def free(self) -> int:
        """How many items would be let in now; 1 at most if items have weights."""
        free = self.limit - self.in_flight
        return max(0, int(free)) if self._weight is None else int(free > 0)

    @property
    def is_refusing(self) -> bool:
        """Whether it has refused an item, and has not let in waiting items since."""
        return self._refused_at > 0

    def covers(self, block: BlockCore) -> bool:
        """Whether items in a block are in flight already, so that they may come in again without a slot."""
        return block in self._region

    def why_full(self) -> str:
        """Explain that the governor lets nothing in now."""
        return f"{self} lets nothing in ({self._shown()} in flight)"

    def look(self) -> None:
        """Let waiting items and tasks in, if slots have become free."""
        # the order matters: counting what is in flight is costly, and needed only if an item was refused
        if self._first is not None and self.is_refusing and self.in_flight < self._refused_at:  # an item has left
            self._let_in()
        self._wake_waiting()

    def _let_in(self) -> None:
        """Let items that were refused try again."""
        assert self._first is not None
        self._refused_at = -math.inf
        self._waits.add(time_slice.clock() - self._refused_since)
        self._first.gate_opened()

    # Explicit slots

    async def wait_for_available_slot(self, weight: int = 1) -> None:
        """Take a slot; wait until one is free."""
        self._check_weight(weight)
        check_in_trio("wait for a slot of", self)
        await trio.lowlevel.checkpoint_if_cancelled()
        task = trio.lowlevel.current_task()
        self._users.add(task)
        for network in tuple(running_networks.pumps):
            network.measures.uses_gate(self, task)
        if self._waiting or not self._has_room(weight):
            self._check_not_ended()
            try:
                await self._waiting.park(self, "take a slot", weight)
            except BaseException:
                self._wake_waiting()  # a lighter wait behind this one may be over now
                raise
        else:
            self._take_slot(weight)

    def free_slot(self, weight: int = 1) -> None:
        """Give back one slot, or `weight` slots, taken with `wait_for_available_slot`."""
        self._check_weight(weight)
        if self._taken < weight:
            raise RuntimeError(
                f"{self}: free_slot({weight}) gives back more than the {self._taken} that are taken"
                if self._taken
                else f"{self}: free_slot() without a slot that was taken; take it with wait_for_available_slot()"
            )
        check_in_trio("free a slot of", self)
        self._check_thread("free a slot of")
        self._taken -= weight
        self._users.add(trio.lowlevel.current_task())
        self.look()

    async def wait_for_empty(self) -> None:
        """Wait until nothing is in flight."""
        check_in_trio("wait for the end of", self)
        await trio.lowlevel.checkpoint_if_cancelled()
        if self.in_flight:
            self._check_not_ended()
            await self._waiting_for_empty.park(self, "see the pipeline empty", 0)

    def _wake_waiting(self) -> None:
        while self._waiting and self._has_room((waiter := self._waiting.first()).payload):
            self._take_slot(waiter.payload)
            self._waiting.wake(waiter)
        if self._waiting_for_empty and not self.in_flight:
            for waiter in self._waiting_for_empty:
                self._waiting_for_empty.wake(waiter)

    def network_ended(self, reason: str) -> None:
        """Fail all waits: the network has ended."""
        self._ended = reason
        for waiters in (self._waiting, self._waiting_for_empty):
            for waiter in waiters:
                waiters.fail(waiter, trio.BrokenResourceError(f"{self}: {reason}"))

    def _check_not_ended(self) -> None:
        if self._ended is not None:
            raise trio.BrokenResourceError(f"{self}: {self._ended}")

    def _check_weight(self, weight: int) -> None:
        check_count(str(self), "weight", weight)

    def _has_room(self, weight: int) -> bool:
        used = self.in_flight
        return not used or used + weight <= self.limit

    def _take_slot(self, weight: int) -> None:
        self._taken += weight
        self._most_in_flight = max(self._most_in_flight, self.in_flight)

    # Statistics

    def statistics(self) -> GovernorStatistics:
        """The governor's numbers so far."""
        unit = "bytes" if self._in_bytes else ""
        waits = self._waits.summary(time_slice.clock() - self._refused_since if self.is_refusing else None)
        return GovernorStatistics(self.name, self.limit, self.in_flight, self._most_in_flight, waits, unit)

    # Waiting

    def parked(self) -> None:
        running_networks.tell()

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        if waiter.doing == "take a slot":
            self._waits.add(time_slice.clock() - waiter.since)
        for network in tuple(running_networks.pumps):
            network.measures.waited(waiter, result)

    def outside_tasks(self) -> Iterable[trio.lowlevel.Task]:
        return self._users

    def describe_wait(self, waiter: Waiter[Any]) -> str:
        return f"waits to {waiter.doing} at {self}, {self._shown()} in flight"

    def holders(self) -> Iterable[tuple[object, int]]:
        yield from ((block, block.in_flight()) for block in self._blocks if block.in_flight())
        if self._taken:
            yield from ((task, self._taken) for task in self._users)

    def counted_region(self) -> tuple[Inbox[Any], tuple[BlockCore, ...]] | None:
        if self._weight is not None or self._first is None:
            return None
        return self._first, self._blocks

    def limit_for(self, more: int) -> str:
        needed = self.in_flight + more * max(self._weights_seen(), default=1)
        return f"{math.ceil(needed)} bytes ({show_bytes(needed)})" if self._in_bytes else f"{needed}"

    def _weights_seen(self) -> list[float]:
        """The weights of the items in flight, and of those that wait to come in."""
        if self._weight is None or self._first is None:
            return []
        inbox = self._first
        waiting = [waiter.payload for waiter in inbox.senders]
        waiting += [link.outbox.head(link) for link in inbox.postponed if link.outbox.available(link)]
        try:
            return [*self._weights, *map(self._weight, waiting)]
        except Exception:  # the user's function; the report of a deadlock must not fail
            return list(self._weights)


def between(first: BlockCore, last: BlockCore) -> tuple[BlockCore, ...]:
    """All blocks on a path of links from one block to another, both included; empty if there is no path."""
    after = reachable(first, downstream)
    before = reachable(last, upstream)
    return tuple(block for block in after if block in before) if last in after else ()
