"""The clock of the stamps and of the figures of a run."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

__all__ = ["clock"]


class Clock:
    """Gives the time in seconds. It is looked up at each use, so that tests can replace it."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now: Callable[[], float] = perf_counter


clock: Clock = Clock()
"""The clock that all runs of this process use."""
