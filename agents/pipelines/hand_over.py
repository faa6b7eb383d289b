"""Results on their way from a loop to a consumer in another thread, or in another loop.

Invariant: every item that was put in is in `_waiting`, or in the slice that the consumer has, or is counted in
`_released`. The loop puts items in and asks how many were released; everything else is the consumer's.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
AHEAD = 256
"""The greatest bound, and the one if the user gives no number."""
PATIENCE = 0.1 if sys.platform == "win32" else None
"""Seconds of one wait of the consumer; on Windows, Ctrl-C does not interrupt the wait for a lock."""


def slice_of(bound: int) -> int:
    """How many items cross at once."""
    return max(1, bound // 4)


class HandOver(Generic[T]):
    """A bounded queue between a loop and the consumer of its results.

    Args:
        bound: How many items the loop puts in before some must be released, >= 1; 256 at most.
        arrived: Called in the loop's thread when there is something new for the consumer; None if it waits in `take`.

    Attributes:
        bound: As above; it can be changed.
        error: The exception with which the run has ended; None if there is none.
    """

    def __init__(self, bound: int, arrived: Callable[[], None] | None = None) -> None:
        self.bound: int = min(bound, AHEAD)
        self.error: BaseException | None = None
        self._arrived = arrived
        self._slice = slice_of(self.bound)
        self._ready = threading.Condition(threading.Lock())
        self._waiting: deque[list[T]] = deque()
        self._taken = 0  # the length of the slice that the consumer has
        self._unreported = 0
        self._released = 0
        self._tell: Callable[[], None] | None = None
        self._is_closed = False
        self._has_ended = False

    # For the loop

    def open(self, tell: Callable[[], None]) -> None:
        """Begin; `tell` is called in the consumer's thread when items were released."""
        self._tell = tell

    def change_bound(self, bound: int) -> None:
        """Change how many items are put in before some must be released."""
        with self._ready:
            self.bound = min(bound, AHEAD)
            self._slice = slice_of(self.bound)

    def put(self, items: list[T]) -> None:
        """Put items in."""
        size = self._slice
        slices = [items] if len(items) <= size else [items[n : n + size] for n in range(0, len(items), size)]
        with self._ready:
            self._waiting.extend(slices)
            self._ready.notify()
        if self._arrived is not None:
            self._arrived()

    def released(self) -> int:
        """Return how many items were released since the last call."""
        with self._ready:
            count, self._released, self._unreported = self._released, 0, 0
        return count

    def unread(self) -> int:
        """Return how many items the consumer will never see."""
        with self._ready:
            return 0 if not self._is_closed else sum(map(len, self._waiting))

    def end(self, error: BaseException | None) -> None:
        """End: after the items that wait, the consumer gets the error, or the end."""
        with self._ready:
            self.error = error
            self._has_ended = True
            self._ready.notify()
        if self._arrived is not None:
            self._arrived()

    # For the consumer

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended; items may still wait."""
        return self._has_ended

    def take(self) -> list[T] | None:
        """Take some items; wait for them. None at the end, with or without an error."""
        while True:
            items = self.take_nowait()
            if items is not None:
                return items
            with self._ready:
                while not self._waiting and not self._has_ended:
                    self._ready.wait(PATIENCE)
                if not self._waiting:
                    return None

    def take_nowait(self) -> list[T] | None:
        """Take some items; None if there are none now. The items that were taken before are released."""
        with self._ready:
            count, self._taken = self._taken, 0
            self._released += count
            self._unreported += count
            items = self._waiting.popleft() if self._waiting else None
            if items is not None:
                self._taken = len(items)
            has_to_tell = self._unreported > 0 and (items is None or self._unreported * 4 >= self.bound)
            if has_to_tell:
                self._unreported = 0
        if has_to_tell and self._tell is not None:
            self._tell()
        return items

    def close(self) -> None:
        """Take nothing more: items that wait are not delivered."""
        with self._ready:
            self._is_closed = True

    def begin_anew(self, error: BaseException) -> None:
        """End in a forked child, where the loop does not exist; the consumer gets the error when it goes on."""
        self._ready = threading.Condition(threading.Lock())  # the loop may have held the old one
        self._waiting.clear()
        self._tell = None
        if not self._has_ended:
            self.error = error
            self._has_ended = True
