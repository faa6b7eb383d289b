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
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import trio

from penstock.blocks import Block, Target
from penstock.blocks.block import automatic_name, downstream, reachable, upstream
from penstock.blocks.checks import check_function, check_number
from penstock.blocks.error_info import annotate, shorten
from penstock.blocks.inputs import Input, InputsBlock
from penstock.blocks.waiting import WaitList, overseers

if TYPE_CHECKING:
    from penstock.blocks import Network
    from penstock.blocks.waiting import Waiter


class PipelineGovernor:
    """Bounds how much is in flight at once, so that a quick stage does not run far ahead of a slow one.

    `govern(first, last)` does it by itself: an item is let in at `first` only while there is a free slot, and its slot
    is free again as soon as the item has left `last` or has ended anywhere in between, in whatever way. For what only
    the program knows ("count sentences, not phrases") there are the explicit calls of the chapter:
    `wait_for_available_slot`, `free_slot`, `wait_for_empty`.

    Args:
        limit: So many slots, >= 1; with `weight`, so much weight, > 0.
        weight: Gives the weight of an item when it comes in, for instance `len` for bytes. An item that is heavier
            than the limit is let in alone. None counts items.
        name: What reports call the governor.

    Raises:
        ValueError: `limit` is out of its range.
    """

    def __init__(self, limit: float, *, weight: Callable[[Any], float] | None = None, name: str | None = None) -> None:
        self.name = name or automatic_name("PipelineGovernor")
        if weight is None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
            raise ValueError(f"{self}: limit must be an int >= 1, got {limit!r}")
        check_number(str(self), "limit", limit, above=True)
        check_function(str(self), "weight", weight)
        self.limit = limit
        self._weight = weight
        self._weights: list[float] = []
        self._blocks: tuple[Block, ...] = ()
        self._first: Target[Any] | None = None
        self._taken = 0
        self._refused_at = -math.inf
        self._waiting: WaitList[None] = WaitList()
        self._waiting_for_empty: WaitList[None] = WaitList()
        self._network: Network | None = None
        self._ended: str | None = None
        self._users: weakref.WeakSet[trio.lowlevel.Task] = weakref.WeakSet()

    def __str__(self) -> str:
        return f"governor {self.name!r}"

    def __repr__(self) -> str:
        return f"<PipelineGovernor {self.name!r} {self.in_flight} of {self.limit} in flight>"

    # What is in flight

    @property
    def in_flight(self) -> float:
        """Slots in use now (or weight in flight): items in the governed blocks and slots taken explicitly."""
        if self._weight is None:
            return self._population() + self._taken
        self._settle_weights()
        return sum(self._weights) + self._taken

    def _population(self) -> int:
        return sum(block._held() for block in self._blocks)

    def _settle_weights(self) -> None:
        population = self._population()
        while len(self._weights) > population:
            heapq.heappop(self._weights)

    # The governed region

    def govern(self, first: Target[Any], last: Block) -> None:
        """Bound the items between two blocks, both included; link the blocks before, start the network after.

        Items that leave the blocks between the two by a side link are in flight no more.

        Args:
            first: Where items come in. All of them must come in there.
            last: What items leave when they are done.

        Raises:
            TypeError: `first` is no target.
            ValueError: No path of links leads from `first` to `last`, `first` is a block with several inputs, another
                governor holds it, or this governor governs already.
        """
        if not isinstance(first, Target):
            raise TypeError(f"{self}: first must be a target, where items come in, got {first!r}")
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
        for block in region:
            block._governed.append(self)
            if block._network is not None:
                self.attach(block._network)

    def attach(self, network: Network) -> None:
        """Be told by the pump of the network when items may have left."""
        self._network = network
        if self not in network._pump.gates:
            network._pump.gates.append(self)

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
        if count < len(items):
            self._refused_at = used
        return count

    def why_full(self) -> str:
        """Say in words that nothing is let in now, and why."""
        return f"{self} lets nothing in ({self.in_flight} of {self.limit} in flight)"

    def _weigh(self, weight: Callable[[Any], float], item: object) -> float:
        try:
            return weight(item)
        except Exception as error:
            annotate(error, f"in the weight of {self} for {shorten(item)}")
            raise

    def look(self) -> None:
        """Let in who waits, if slots have become free."""
        # in that order: counting what is in flight is the costly part, and needed only if somebody was refused
        if self._first is not None and self._refused_at > 0 and self.in_flight < self._refused_at:  # an item has left
            self._refused_at = -math.inf
            self._first._inbox.gate_opened()
        self._wake_waiting()

    # Explicit slots

    async def wait_for_available_slot(self) -> None:
        """Take a slot; waits until there is one. One that is cancelled while it waits holds none.

        Raises:
            trio.BrokenResourceError: The network that the governor watches has stopped.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._users.add(trio.lowlevel.current_task())
        if self._waiting or self.in_flight >= self.limit:
            self._check_not_ended()
            await self._waiting.park(self, "take a slot", None)
        else:
            self._taken += 1

    def free_slot(self) -> None:
        """Give a slot back that was taken with `wait_for_available_slot`.

        Raises:
            RuntimeError: More would be given back than were taken.
        """
        if self._taken < 1:
            raise RuntimeError(
                f"{self}: free_slot() without a slot that was taken; take it with wait_for_available_slot()"
            )
        self._taken -= 1
        self._users.add(trio.lowlevel.current_task())
        self.look()

    async def wait_for_empty(self) -> None:
        """Wait until nothing is in flight.

        Raises:
            trio.BrokenResourceError: The network that the governor watches has stopped.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self.in_flight:
            self._check_not_ended()
            await self._waiting_for_empty.park(self, "see the pipeline empty", None)

    def _wake_waiting(self) -> None:
        while self._waiting and self.in_flight < self.limit:
            self._taken += 1
            self._waiting.wake(self._waiting.first())
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

    # Waiting

    def _parked(self) -> None:
        overseers.tell()

    def _others(self) -> Iterable[trio.lowlevel.Task]:
        return self._users

    def _describe_wait(self, waiter: Waiter[Any]) -> str:
        return f"waits to {waiter.doing} at {self}, {self.in_flight} of {self.limit} in flight"


def between(first: Block, last: Block) -> tuple[Block, ...]:
    """All blocks on a path of links from one block to another, both included; empty if there is no path."""
    after = reachable(first, downstream)
    before = reachable(last, upstream)
    return tuple(block for block in after if block in before) if last in after else ()
