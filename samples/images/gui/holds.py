"""Keeps when the governor has held an agent back, to tell these waits from waits for a full buffer."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

__all__ = ["Holds"]

_KEPT = 4000


class Holds:
    """The newest intervals, in seconds since the start of the run."""

    def __init__(self) -> None:
        self._starts = deque[float](maxlen=_KEPT)
        self._ends = deque[float](maxlen=_KEPT)
        self._since: float | None = None

    def change(self, is_held: bool, now: float) -> None:
        """Begin an interval, or end it."""
        if is_held:
            self._since = now
        elif self._since is not None:
            self._starts.append(self._since)
            self._ends.append(now)
            self._since = None

    def cover(self, start: float, end: float) -> bool:
        """Whether the middle of a wait is in an interval; the last one may have no end yet."""
        middle = (start + end) / 2
        if self._since is not None and middle >= self._since:
            return True
        place = bisect_right(self._starts, middle)
        return place > 0 and middle <= self._ends[place - 1]
