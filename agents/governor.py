"""Bounds the items in flight between a first and a last block, and never loses a slot.

Invariant: slots in use = items that are in the governed blocks now + slots taken explicitly. The first part is not
booked but counted from the blocks themselves each time somebody wants to come in, so a slot cannot leak with an item
that was skipped, filtered out, merged or cancelled: an item that is no longer there holds no slot. A one-to-one block
on the way reports nothing and pays nothing.

With weights, the governor knows how many of the admitted items are still there, but not which. It assumes that the
lighter ones left first, so what it believes to be in flight is never less than what is.
"""

from __future__ import annotations

import heapq
import math
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import trio
from outcome import Outcome

from penstock.blocks import Block, MemoryBudget, Target, size_of
from penstock.blocks.base.byte_count import show_bytes, show_share
from penstock.blocks.base.callables import check_answer
from penstock.blocks.base.checks import check_function, check_number
from penstock.blocks.base.error_info import annotate, shorten
from penstock.blocks.base.in_trio import check_in_trio
from penstock.blocks.base.names import given_name
from penstock.blocks.base.statistics import GovernorStatistics
from penstock.blocks.base.threads import wrong_thread
from penstock.blocks.base.times import Histogram
from penstock.blocks.base.timing import time_slice
from penstock.blocks.core.graph import downstream, reachable, upstream
from penstock.blocks.core.inputs import Input, InputsBlock
from penstock.blocks.core.unique_names import UniqueNames
from penstock.blocks.core.waiting import WaitList, overseers

if TYPE_CHECKING:
    from penstock.blocks.core.inbox import Inbox
    from penstock.blocks.core.ports import Host
    from penstock.blocks.core.waiting import Waiter


class PipelineGovernor:
    """Bounds how much is in flight at once, so that a quick stage does not run far ahead of a slow one.

    `govern(first, last)` does it by itself: an item is let in at `first` only while there is a free slot, and its slot
    is free again as soon as the item has left `last` or has ended anywhere in between, in whatever way. For what only
    the program knows ("count sentences, not phrases") there are the explicit calls of the chapter:
    `wait_for_available_slot`, `free_slot`, `wait_for_empty`.

    Args:
        limit: So many slots, >= 1; with `weight`, so much weight, > 0; or a `MemoryBudget`, for so many bytes.
        weight: Gives the weight of an item, >= 0, when it comes in. An item that is heavier than the limit is let in
            alone. None takes `size_of` with a `MemoryBudget`, and otherwise counts items.
        name: What reports call the governor.

    Raises:
        ValueError: `limit` is out of its range.
    """

    def __init__(
        self,
        limit: float | MemoryBudget,
        *,
        weight: Callable[[Any], float] | None = None,
        name: str | None = None,
    ) -> None:
        self.name: str = given_name("PipelineGovernor", name)
        self._in_bytes = isinstance(limit, MemoryBudget)
        if isinstance(limit, MemoryBudget):
            limit, weight = limit.limit, size_of if weight is None else weight
        if weight is None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
            raise ValueError(f"{self}: limit must be an int >= 1, got {limit!r}")
        check_number(str(self), "limit", limit, above=True)
        check_function(str(self), "weight", weight)
        self.limit = limit
        self._weight = weight
        self._weights: list[float] = []
        self._blocks: tuple[Block, ...] = ()
        self._region: frozenset[Block] = frozenset()
        self._first: Target[Any] | None = None
        self._taken = 0
        self._refused_at = -math.inf
        self._refused_since = 0.0
        self._most_in_flight = 0.0
        self._waits = Histogram()
        self._waiting: WaitList[int] = WaitList()
        self._waiting_for_empty: WaitList[int] = WaitList()
        self._network: Host | None = None
        self._ended: str | None = None
        self._users: weakref.WeakSet[trio.lowlevel.Task] = weakref.WeakSet()

    def __str__(self) -> str:
        return f"governor {self.name!r}"

    def __repr__(self) -> str:
        return f"<PipelineGovernor {self.name!r} {self._shown()} in flight>"

    def _shown(self) -> str:
        return show_share(self.in_flight, self.limit) if self._in_bytes else f"{self.in_flight} of {self.limit}"

    # What is in flight

    @property
    def in_flight(self) -> float:
        """Slots in use now (or weight in flight): items in the governed blocks and slots taken explicitly."""
        if self._weight is None:
            return self._population() + self._taken
        self._settle_weights()
        return sum(self._weights) + self._taken

    def _population(self) -> int:
        return sum(block.in_flight() for block in self._blocks)

    def _settle_weights(self) -> None:
        population = self._population()
        while len(self._weights) > population:
            heapq.heappop(self._weights)

    # The governed region

    def govern(self, first: Target[Any], last: Block) -> None:
        """Bound the items between two blocks, both included; link the blocks before, start the network after.

        Items that leave the blocks between the two by a side link are in flight no more. Items that come back to
        `first` by a link from one of these blocks are in flight already: they come in without another slot.

        Args:
            first: Where items come in. All of them must come in there.
            last: What items leave when they are done.

        Raises:
            TypeError: `first` is no target, or `last` is no block.
            ValueError: No path of links leads from `first` to `last`, `first` is a block with several inputs, another
                governor holds it, or this governor governs already.
        """
        if not isinstance(first, Target):
            raise TypeError(f"{self}: first must be a target, where items come in, got {first!r}")
        if not isinstance(last, Block):
            raise TypeError(f"{self}: last must be a block, which items leave, got {last!r}")
        if isinstance(first, (Input, InputsBlock)):
            raise ValueError(
                f"{self}: {first} takes its items where they are; govern from the blocks before or behind it"
            )
        inbox = first._inbox
        region = between(inbox.block, last)
        if not region:
            raise ValueError(
                f"{self}: no path of links leads from {first} to {last}; link the blocks first, and use explicit slots "
                "where agents stand between them"
            )
        if inbox.gate is not None:
            raise ValueError(f"{self}: {first} is governed already")
        if self._blocks:
            raise ValueError(f"{self} governs already; make another one")
        inbox.revoke()
        inbox.gate = self
        self._first = first
        self._blocks = region
        self._region = frozenset(region)
        for block in region:
            block._governed.append(self)
            if block._network is not None:
                self.attach(block._network)

    def attach(self, network: Host) -> None:
        """Be told by the pump of the network when items may have left."""
        self._network = network
        if self not in network.pump.gates:
            self.name = UniqueNames(gate.name for gate in network.pump.gates).take(self.name)
            network.pump.gates.append(self)

    def admit(self, items: Sequence[Any]) -> int:
        """Let in as many of the items, from the first on, as there are slots for; give their number."""
        used = self.in_flight
        if self._weight is None:
            count = max(0, min(len(items), int(self.limit - used)))
            used += count
        else:
            count = 0
            for item in items:
                weight = self._weigh(self._weight, item)
                if used and used + weight > self.limit:
                    break
                heapq.heappush(self._weights, weight)
                used += weight
                count += 1
        self._most_in_flight = max(self._most_in_flight, used)
        if count < len(items):
            if self._refused_at < 0:
                self._refused_since = time_slice.clock()
            self._refused_at = used
        return count

    def covers(self, block: Block) -> bool:
        """Whether what is in a block is in flight already, so that it may come in again."""
        return block in self._region

    def why_full(self) -> str:
        """Say in words that nothing is let in now, and why."""
        return f"{self} lets nothing in ({self._shown()} in flight)"

    def _weigh(self, weight: Callable[[Any], float], item: object) -> float:
        try:
            number = weight(item)
            check_answer(self, "weight", number)
            with suppress(TypeError):  # of what cannot be compared: None, say, if there is no `return` in the weight
                if number >= 0:  # which NaN is not; with it nothing would ever be full
                    return number
            raise ValueError(f"{self}: a weight must be a number >= 0, got {number!r}")
        except Exception as error:
            annotate(error, f"in the weight of {self} for {shorten(item)}")
            raise

    def look(self) -> None:
        """Let in who waits, if slots have become free."""
        # in that order: counting what is in flight is the costly part, and needed only if somebody was refused
        if self._first is not None and self._refused_at > 0 and self.in_flight < self._refused_at:  # an item has left
            self._refused_at = -math.inf
            self._waits.add(time_slice.clock() - self._refused_since)
            self._first._inbox.gate_opened()
        self._wake_waiting()

    # Explicit slots

    async def wait_for_available_slot(self, weight: int = 1) -> None:
        """Take a slot; waits until there is one. One that is cancelled while it waits holds none.

        Args:
            weight: Take so many slots, or bytes, at once, >= 1. Those who come later wait their turn. More than the
                limit are given to one that is alone.

        Raises:
            ValueError: `weight` is no such number.
            trio.BrokenResourceError: The network that the governor watches has stopped.
        """
        self._check_weight(weight)
        check_in_trio("wait for a slot of", self)
        await trio.lowlevel.checkpoint_if_cancelled()
        task = trio.lowlevel.current_task()
        self._users.add(task)
        for network in tuple(overseers.pumps):
            network.measures.uses_gate(self, task)
        if self._waiting or not self._has_room(weight):
            self._check_not_ended()
            await self._waiting.park(self, "take a slot", weight)
        else:
            self._take_slot(weight)

    def free_slot(self, weight: int = 1) -> None:
        """Give a slot back that was taken with `wait_for_available_slot`; or so many.

        Raises:
            RuntimeError: More would be given back than were taken.
            ValueError: `weight` is no int >= 1.
        """
        self._check_weight(weight)
        if self._taken < weight:
            raise RuntimeError(
                f"{self}: free_slot({weight}) gives back more than the {self._taken} that are taken"
                if self._taken
                else f"{self}: free_slot() without a slot that was taken; take it with wait_for_available_slot()"
            )
        check_in_trio("free a slot of", self)
        if any(waiter.thread != threading.get_ident() for waiter in (*self._waiting, *self._waiting_for_empty)):
            raise wrong_thread(f"free a slot of {self}")
        self._taken -= weight
        self._users.add(trio.lowlevel.current_task())
        self.look()

    async def wait_for_empty(self) -> None:
        """Wait until nothing is in flight.

        Raises:
            trio.BrokenResourceError: The network that the governor watches has stopped.
        """
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
        """The network has ended: nobody must wait any longer."""
        self._ended = reason
        for waiters in (self._waiting, self._waiting_for_empty):
            for waiter in waiters:
                waiters.fail(waiter, trio.BrokenResourceError(f"{self}: {reason}"))

    def _check_not_ended(self) -> None:
        if self._ended is not None:
            raise trio.BrokenResourceError(f"{self}: {self._ended}")

    def _check_weight(self, weight: int) -> None:
        if not isinstance(weight, int) or isinstance(weight, bool) or weight < 1:
            raise ValueError(f"{self}: weight must be an int >= 1, got {weight!r}")

    def _has_room(self, weight: int) -> bool:
        used = self.in_flight
        return not used or used + weight <= self.limit

    def _take_slot(self, weight: int) -> None:
        self._taken += weight
        self._most_in_flight = max(self._most_in_flight, self.in_flight)

    # Knowing

    def statistics(self) -> GovernorStatistics:
        """What the governor has done so far, in numbers."""
        unit = "bytes" if self._in_bytes else ""
        waits = self._waits.summary(time_slice.clock() - self._refused_since if self._refused_at > 0 else None)
        return GovernorStatistics(self.name, self.limit, self.in_flight, self._most_in_flight, waits, unit)

    # Waiting

    def _parked(self) -> None:
        overseers.tell()

    def _waited(self, waiter: Waiter[Any], answer: Outcome[Any]) -> None:
        if waiter.doing == "take a slot":
            self._waits.add(time_slice.clock() - waiter.since)
        for network in tuple(overseers.pumps):
            network.measures.waited(waiter, answer)

    def _others(self) -> Iterable[trio.lowlevel.Task]:
        return self._users

    def _describe_wait(self, waiter: Waiter[Any]) -> str:
        return f"waits to {waiter.doing} at {self}, {self._shown()} in flight"

    def _holders(self) -> Iterable[tuple[object, int]]:
        yield from ((block, block.in_flight()) for block in self._blocks if block.in_flight())
        if self._taken:
            yield from ((task, self._taken) for task in self._users)

    def _counted_region(self) -> tuple[Inbox[Any], tuple[Block, ...]] | None:
        if self._weight is not None or self._first is None:
            return None
        return self._first._inbox, self._blocks

    def _limit_for(self, more: int) -> str:
        needed = self.in_flight + more * max(self._weights_seen(), default=1)
        return f"{math.ceil(needed)} bytes ({show_bytes(needed)})" if self._in_bytes else f"{needed}"

    def _weights_seen(self) -> list[float]:
        """The weights of what is in flight, and of what waits to come in."""
        if self._weight is None or self._first is None:
            return []
        inbox = self._first._inbox
        waiting = [waiter.payload for waiter in inbox.senders]
        waiting += [link.outbox.head(link) for link in inbox.postponed if link.outbox.available(link)]
        try:
            return [*self._weights, *map(self._weight, waiting)]
        except Exception:  # it is the user's, and what is told of a standstill must not fail
            return list(self._weights)


def between(first: Block, last: Block) -> tuple[Block, ...]:
    """All blocks on a path of links from one block to another, both included; empty if there is no path."""
    after = reachable(first, downstream)
    before = reachable(last, upstream)
    return tuple(block for block in after if block in before) if last in after else ()
