"""Counts and times the functions of a fused stage, in this process or in worker processes.

A worker process has no way of its own to send numbers home. So it gives back a `Report` instead of the result of a call
that it has measured. To unpickle the report is to count it, and gives the result. So nothing else has to know of it.

It is sent to worker processes, so this module imports little.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import attrs

from penstock.blocks.base.statistics import PartStatistics
from penstock.blocks.base.times import Histogram

LONG = 2e-3
"""Seconds of a call, from which on every call is measured; of quicker ones only some are, about one in this time."""
SELDOM = 4096
"""At least one call in this number is measured."""


def next_after(seconds: Sequence[float]) -> int:
    """How many calls there are until the next one that is measured, after one that took this long."""
    total = sum(seconds)
    return 1 if total >= LONG else min(SELDOM, 1 + int(LONG / max(total, 1e-9)))


class FusedMeter:
    """The times of the functions in one run, and how many items have not come to the next function.

    To measure all functions costs about as much as a few quick ones. So it is done for so few calls that it needs about
    a hundredth of their time. A copy in a worker process is an `AwayMeter`.

    Attributes:
        left: How many calls there are until the next one that is measured, which is included; infinite for none.
    """

    __slots__ = ("__weakref__", "_ended", "_lock", "_number", "_seen", "_times", "left")

    def __init__(self, tasks: int) -> None:
        self.left: float = 1
        self._lock = threading.Lock()
        self._times = [Histogram() for _ in range(tasks)]
        self._ended = [0] * tasks
        self._seen: dict[int, int] = {}
        self._number = next(numbers)
        meters[self._number] = self

    def __reduce__(self) -> tuple[type[AwayMeter], tuple[int]]:
        return AwayMeter, (self._number,)

    def failed(self, seconds: Sequence[float]) -> None:
        """Add the times of the functions before one that has failed."""
        with self._lock:
            self._add(seconds)
        self.left = next_after(seconds)

    def done(self, result: Any, seconds: Sequence[float], place: int | None) -> Any:
        """Add a call, and return its result.

        Args:
            result: The result.
            seconds: The times of the functions; none if they were not measured.
            place: The item has gone no further than to the function at this place; None if it went on.
        """
        self._note(seconds, place)
        if seconds:
            self.left = next_after(seconds)
        return result

    def arrived(self, worker: int, number: int, seconds: Sequence[float], place: int | None) -> None:
        """Add a call of a worker process; if its report is read a second time, this does nothing."""
        with self._lock:
            is_new = number > self._seen.get(worker, 0)
            if is_new:
                self._seen[worker] = number
        if is_new:
            self._note(seconds, place)

    def _note(self, seconds: Sequence[float], place: int | None) -> None:
        with self._lock:
            self._add(seconds)
            if place is not None:
                self._ended[place] += 1

    def _add(self, seconds: Sequence[float]) -> None:
        for times, each in zip(self._times, seconds, strict=False):  # not all, if the item was dropped
            times.add(each)

    def statistics(self, names: Sequence[str], items: int) -> tuple[PartStatistics, ...]:
        """The numbers of each function, after a number of items."""
        parts: list[PartStatistics] = []
        with self._lock:
            for name, times, ended in zip(names, self._times, self._ended, strict=True):
                parts.append(PartStatistics(name, max(items, times.summary().count), times.summary()))
                items -= ended
        return tuple(parts)


meters: weakref.WeakValueDictionary[int, FusedMeter] = weakref.WeakValueDictionary()
"""The meters of this process, by their numbers."""
numbers = itertools.count(1)


class AwayMeter:
    """Takes the place of a meter in a worker process, and sends the numbers home with the results.

    Args:
        home: The number of the meter at home.

    Attributes:
        left: How many calls there are until the next one that is measured, which is included; infinite for none.
    """

    __slots__ = ("_home", "_reports", "_worker", "left")

    def __init__(self, home: int) -> None:
        self.left: float = 1
        self._home = home
        self._worker = int.from_bytes(os.urandom(8))  # forked workers share the state of `random`
        self._reports = itertools.count(1)

    def failed(self, seconds: Sequence[float]) -> None:
        """A function has failed: there is no result with which the times could go home."""
        self.left = next_after(seconds)

    def done(self, result: Any, seconds: Sequence[float], place: int | None) -> Report:
        """Return a report of a call, as for a `FusedMeter`."""
        if seconds:
            self.left = next_after(seconds)
        return Report(self._home, self._worker, next(self._reports), result, tuple(seconds), place)


@attrs.frozen
class Report:
    """The result of a call in a worker process, with its numbers; when it is unpickled, it is the result.

    Attributes:
        home: The number of the meter at home.
        worker: A number of this worker.
        number: The number of this report, counted from 1.
        result: The result.
        seconds: The times of the functions; none if they were not measured.
        place: The item has gone no further than to the function at this place; None if it went on.
    """

    home: int
    worker: int
    number: int
    result: Any
    seconds: tuple[float, ...]
    place: int | None

    def __reduce__(self) -> tuple[Any, ...]:
        return arrive, (self.result, self.home, self.worker, self.number, self.seconds, self.place)


def arrive(result: Any, home: int, worker: int, number: int, seconds: tuple[float, ...], place: int | None) -> Any:
    """Count a call in this process, if its run has not ended, and return the result."""
    meter = meters.get(home)
    if meter is not None:
        meter.arrived(worker, number, seconds, place)
    return result
