"""Decides how many messages a sender may append directly to the queue of a target.

Plain code without trio. A sender that comes back quickly gets twice the last credit, up to a limit. A slower sender, or
a sender that waited in between, gets a credit of one message.
"""

from __future__ import annotations

QUICK = 0.0002
"""Seconds within which a sender must come back to count as quick."""
LARGEST = 64


class CreditSize:
    """Sets the credit by how quickly a sender comes back."""

    __slots__ = ("_came_at", "_size")

    def __init__(self) -> None:
        self._size = 1
        self._came_at = 0.0

    def next(self, now: float, room: int) -> int:
        """Return how many messages a sender that comes now may append, up to `room`."""
        self._size = min(self._size * 2, LARGEST) if now - self._came_at < QUICK else 1
        return max(0, min(self._size, room))

    def came(self, now: float) -> None:
        """Note the time of a send without credit."""
        self._came_at = now
