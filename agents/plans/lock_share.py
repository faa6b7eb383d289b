"""Measures for which share of its time a function holds the interpreter lock.

A second thread wakes up again and again while the function runs. If the lock is free, it goes on at once. If the
function holds the lock, it goes on only after the switch interval, when the interpreter takes the lock away. So each
time that it wakes up late is time in which the lock was held. What the function does inside the lock for much less than
the switch interval is seen as free.

Compared with two threads that both call the function, this needs each item only once, so it also works for functions
that have a state or change their item, and it tells small shares from none.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import attrs

from penstock.blocks.executors.threads import SwitchInterval

NAP: Final = 0.0003
"""Seconds between two looks."""
INTERVAL: Final = 0.00025
"""The switch interval during a measurement, in seconds."""
LATE: Final = 0.75 * INTERVAL
"""Seconds by which a thread wakes up late if the lock was held."""
ENOUGH: Final = 20
"""The fewest looks that say something."""


@attrs.define
class Looks:
    """What was seen.

    Attributes:
        count: The number of looks.
        seconds: The time that they took.
        held: The part of it in which the lock was held.
    """

    count: int = 0
    seconds: float = 0.0
    held: float = 0.0

    def add(self, seconds: float) -> None:
        """Note a look that took some seconds."""
        self.count += 1
        self.seconds += seconds
        if seconds - NAP > LATE:
            self.held += seconds

    @property
    def share(self) -> float | None:
        """The share of the time in which the lock was held; None if there were not enough looks."""
        return self.held / self.seconds if self.count >= ENOUGH else None


class LockSampler:
    """Looks at the interpreter lock while functions run; used as a `with` block.

    Attributes:
        is_inside: Whether a function runs now; its caller says so.
        has_begun: Whether it looks.
        looks: What was seen while a function ran.
    """

    def __init__(
        self, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.is_inside: bool = False
        self.has_begun: bool = False
        self.looks: Looks = Looks()
        self._sleep = sleep
        self._clock = clock
        self._is_over = False
        self._thread = threading.Thread(target=self._look, name="penstock lock sampler", daemon=True)
        self._interval = SwitchInterval(INTERVAL)

    def __enter__(self) -> LockSampler:
        self._interval.begin()  # before the workers of this measurement, which change it too
        return self

    def begin(self) -> None:
        """Start to look."""
        self.has_begun = True
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        if self.has_begun:
            self._thread.join()
        self._interval.end()

    def _look(self) -> None:
        while not self._is_over:
            was_inside, start = self.is_inside, self._clock()
            self._sleep(NAP)
            if was_inside and self.is_inside:
                self.looks.add(self._clock() - start)


def has_lock() -> bool:
    """Whether this Python has an interpreter lock that is in use."""
    is_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return is_enabled()
