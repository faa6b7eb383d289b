"""Measures the number of idle processors, if the system shows it: on Linux, read from `/proc/stat`."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

COUNTERS = Path("/proc/stat")
IDLE = slice(3, 5)
"""The columns with the idle time and the waits for a disk in the line of a processor."""
MOST_BYTES = 1 << 20
SHORTEST = 0.1
"""Seconds; a shorter run is not measured, because the system counts in hundredths of a second."""
FRESH = 0.01
"""Seconds for which a copy of the counters serves further runs that begin: the system counts no finer."""


class Last(threading.local):
    """The last copy of the counters in this thread, for many short runs one after the other.

    Attributes:
        path: The file that was copied.
        copy: The time, and the counters.
    """

    path: Path | None = None
    copy: tuple[float, bytes] = (-math.inf, b"")


last: Last = Last()


class IdleTime:
    """Measures how long the processors of this program were idle, between `begin` and `end`.

    The counters are only copied while the program runs. They are parsed when the user asks for the result, because many
    networks are short.
    """

    __slots__ = ("_began", "_counters", "_ended")

    def __init__(self, counters: Path = COUNTERS) -> None:
        self._counters = counters
        self._began: tuple[float, bytes] | None = None
        self._ended: tuple[float, bytes] | None = None

    def begin(self) -> None:
        """Measure from now on, or from up to a hundredth of a second ago."""
        if last.path is self._counters and 0 <= perf_counter() - last.copy[0] < FRESH:
            self._began = last.copy
        elif (copy := self._look()) is not None:
            self._began, last.path, last.copy = copy, self._counters, copy

    def end(self) -> None:
        """Measure no longer."""
        if self._began is not None and perf_counter() - self._began[0] >= SHORTEST:
            self._ended = self._look()
        else:
            self._began = None

    def free(self) -> float | None:
        """The average number of free processors; None if the system does not tell it or the time was too short."""
        began = self._began
        now = None if began is None else self._ended or self._look()
        if began is None or now is None or now[0] - began[0] < SHORTEST:
            return None
        idle, idle_before = idle_seconds(now[1]), idle_seconds(began[1])
        return None if idle is None or idle_before is None else (idle - idle_before) / (now[0] - began[0])

    def _look(self) -> tuple[float, bytes] | None:
        """The time, and the counters of the system; None if it has none."""
        try:
            file = os.open(self._counters, os.O_RDONLY)
        except OSError:
            return None
        try:
            return perf_counter(), os.read(file, MOST_BYTES)
        except OSError:
            return None
        finally:
            os.close(file)


def idle_seconds(counters: bytes) -> float | None:
    """The idle seconds of all processors that this program may use; None if the counters do not tell it."""
    usable = {f"cpu{number}" for number in usable_numbers()}
    try:
        lines = counters.decode("ascii").splitlines()
        rows = [fields for line in lines if (fields := line.split()) and fields[0] in usable]
        idle = sum(int(number) for _, *columns in rows for number in columns[IDLE]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    return idle if rows else None


def usable_numbers() -> set[int]:
    """Return the numbers of the processors that this program may use."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return set(range(os.cpu_count() or 1)) if affinity is None else affinity(0)
