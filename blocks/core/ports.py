"""The walls of the core: what a block sees of those around it, and they of each other, as protocols."""

from __future__ import annotations

from typing import Any, Protocol

from ..base.statistics import GovernorStatistics


class WatchedGate(Protocol):
    """A governor, which has to look again when items have left."""

    name: str

    def attach(self, network: Any) -> None:
        """Learn in which network the governed blocks run."""
        ...

    def look(self) -> None:
        """Let in who waits, if items have left."""
        ...

    def network_ended(self, reason: str) -> None:
        """Let nobody wait any longer."""
        ...

    def statistics(self) -> GovernorStatistics:
        """What it has done so far, in numbers."""
        ...
