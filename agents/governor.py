"""Bounds the items in flight between a first and a last block, or in your own program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.blocks import Block, MemoryBudget, Target
from penstock.blocks.base.statistics import GovernorStatistics

from .governor_core import GovernorCore


class PipelineGovernor:
    """Bounds how much is in flight at once, so that a quick stage does not run far ahead of a slow stage.

    `govern(first, last)` works by itself: an item comes in at `first` only while there is a free slot. The slot is
    free again as soon as the item has left `last`, or has ended in between in any way. If only your program knows what
    to count (for example sentences, not phrases), call `wait_for_available_slot`, `free_slot` and `wait_for_empty`
    yourself.

    Args:
        limit: The number of slots, >= 1; with `weight`, the weight in flight, > 0; or a `MemoryBudget`, in bytes.
        weight: Gives the weight of an item, >= 0, when it comes in. An item that is heavier than the limit comes in
            alone. With None, a `MemoryBudget` uses `size_of`, and another limit counts items.
        name: The governor's name in reports; by default its class and a number.

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
        self._core = GovernorCore(limit, weight, name)

    def __str__(self) -> str:
        return str(self._core)

    def __repr__(self) -> str:
        return repr(self._core)

    @property
    def name(self) -> str:
        """The name in reports; a network adds a number to it if the name is taken."""
        return self._core.name

    @name.setter
    def name(self, name: str) -> None:
        self._core.name = name

    @property
    def limit(self) -> float:
        """The number of slots, the weight in flight, or the bytes.

        It can be changed at any time, in the thread of the loop. If it is raised, senders, links and tasks that wait
        come in at once, as far as there is room now. If it is lowered, nothing that is in flight is stopped, and
        nothing new comes in until less than the new limit is in flight.

        Raises:
            ValueError: The new limit is out of its range.
            RuntimeError: It was changed in another thread.
        """
        return self._core.limit

    @limit.setter
    def limit(self, limit: float) -> None:
        self._core.limit = limit

    @property
    def in_flight(self) -> float:
        """The slots in use now (or the weight in flight): items in the governed blocks plus slots taken explicitly."""
        return self._core.in_flight

    def govern(self, first: Target[Any], last: Block) -> None:
        """Bound the items between two blocks, both included; link the blocks first, and start the network after.

        An item that leaves the governed blocks by a side link is no longer in flight. An item that comes back to
        `first` by a link from a governed block is still in flight: it comes in without another slot.

        Args:
            first: The target at which items come in. All of them must come in there.
            last: The block that items leave when they are done.

        Raises:
            TypeError: `first` is not a target, or `last` is not a block.
            ValueError: No path of links leads from `first` to `last`; `first` is a block with several inputs or an
                input of one; another governor governs `first`; or this governor governs already.
        """
        self._core.govern(first, last)

    async def wait_for_available_slot(self, weight: int = 1) -> None:
        """Take a slot; wait until one is free. A call that is cancelled while it waits takes none.

        Args:
            weight: The number of slots, or bytes, to take at once, >= 1. Later calls wait their turn. A call for more
                than the limit is served when nothing else is in flight.

        Raises:
            ValueError: `weight` is not an int >= 1.
            trio.BrokenResourceError: The network that the governor watches has stopped.
        """
        await self._core.wait_for_available_slot(weight)

    def free_slot(self, weight: int = 1) -> None:
        """Give back one slot, or `weight` slots, taken with `wait_for_available_slot`.

        Raises:
            RuntimeError: More slots are given back than were taken.
            ValueError: `weight` is not an int >= 1.
        """
        self._core.free_slot(weight)

    async def wait_for_empty(self) -> None:
        """Wait until nothing is in flight.

        Raises:
            trio.BrokenResourceError: The network that the governor watches has stopped.
        """
        await self._core.wait_for_empty()

    def statistics(self) -> GovernorStatistics:
        """The governor's numbers so far."""
        return self._core.statistics()
