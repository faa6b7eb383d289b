"""How many messages a sender may append without further ado.

Plain. A sender that comes back quickly gets twice as much as the last time, up to a limit; one that takes its time, or
waits for something in between, gets one message.
"""

from __future__ import annotations

QUICK = 0.0002
"""Seconds."""
LARGEST = 32


class CreditSize:
    """Learns from when a sender comes back."""

    __slots__ = ("_came_at", "_size")

    def __init__(self) -> None:
        self._size = 1
        self._came_at = 0.0

    def next(self, now: float, room: int) -> int:
        """How many messages a sender that comes now may append, if there is so much room."""
        self._size = min(self._size * 2, LARGEST) if now - self._came_at < QUICK else 1
        return max(0, min(self._size, room))

    def came(self, now: float) -> None:
        """A sender has come the slow way."""
        self._came_at = now
