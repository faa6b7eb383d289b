"""The port by which blocks, the running network and the deadlock detection know a governor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from ..base.statistics import GovernorStatistics


@runtime_checkable
class Gate(Protocol):
    """A governor, which bounds the items in flight between two blocks or in a program.

    Attributes:
        name: The name in reports and messages.
    """

    name: str

    @property
    def limit(self) -> float:
        """The number of slots, the weight in flight, or the bytes."""
        ...

    @property
    def in_flight(self) -> float:
        """Slots in use now, or weight in flight."""
        ...

    # For the inbox at which items come in

    @property
    def is_refusing(self) -> bool:
        """Whether it has refused an item, and has not called `gate_opened` since."""
        ...

    def admit(self, items: Iterable[Any], most: int) -> int:
        """Let in the first items, up to `most` and the number of free slots; return how many."""
        ...

    def free(self) -> int:
        """How many items would be let in now; 1 at most if that depends on the items."""
        ...

    def covers(self, block: Any) -> bool:
        """Whether the items in a block have been let in already."""
        ...

    def why_full(self) -> str:
        """Explain why nothing is let in now."""
        ...

    # For the network

    def attach(self, network: Any) -> None:
        """Note in which network the governed blocks run."""
        ...

    def look(self) -> None:
        """Let in waiting items, if items have left."""
        ...

    def network_ended(self, reason: str) -> None:
        """End all waits, because the network has ended."""
        ...

    def statistics(self) -> GovernorStatistics:
        """The statistics of the governor so far."""
        ...

    # For the deadlock detection

    def counted_region(self) -> tuple[Any, tuple[Any, ...]] | None:
        """The inbox of the region and its blocks; None if there is no region, or if items have weights."""
        ...

    def limit_for(self, more: int) -> str:
        """Return a limit, as text, with which `more` further items would be let in now."""
        ...

    def holders(self) -> Iterable[tuple[object, int]]:
        """The blocks and tasks that hold its slots, each with the number of slots."""
        ...
