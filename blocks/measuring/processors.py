"""Measures the number of idle processors, if the system shows it: on Linux, read from `/proc/stat`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

COUNTERS = Path("/proc/stat")
IDLE = slice(3, 5)
"""The columns with the idle time and the waits for a disk in the line of a processor."""
SHORTEST = 0.1
"""Seconds; a shorter run is not measured, because the system counts in hundredths of a second."""


class IdleTime:
    """Measures how long the processors of this program are idle between `begin` and `end`."""

    __slots__ = ("_began", "_counters", "_idle", "_seconds")

    def __init__(self, counters: Path = COUNTERS) -> None:
        self._counters = counters
        self._began: tuple[float, float] | None = None
        self._idle = self._seconds = 0.0

    def begin(self) -> None:
        """Start measuring."""
        self._began = self._look()

    def end(self) -> None:
        """Stop measuring."""
        self._take()
        self._began = None

    def free(self) -> float | None:
        """The average number of free processors; None if the system does not show it or the time was too short."""
        self._take()
        return None if self._seconds < SHORTEST else self._idle / self._seconds

    def _take(self) -> None:
        now = None if self._began is None else self._look()
        if now is not None and self._began is not None:
            self._seconds, self._idle = now[0] - self._began[0], now[1] - self._began[1]

    def _look(self) -> tuple[float, float] | None:
        """Return the time and the idle seconds of all processors until now; None if the system does not show it."""
        try:
            lines = self._counters.read_text(encoding="ascii").splitlines()
            usable = {f"cpu{number}" for number in usable_numbers()}
            rows = [fields for line in lines if (fields := line.split()) and fields[0] in usable]
            idle = sum(int(number) for _, *columns in rows for number in columns[IDLE]) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, AttributeError):
            return None
        return (perf_counter(), idle) if rows else None


def usable_numbers() -> set[int]:
    """Return the numbers of the processors that this program may use."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return set(range(os.cpu_count() or 1)) if affinity is None else affinity(0)
