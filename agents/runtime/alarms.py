"""Calls functions at given times, in a thread of its own: the next tries and the time limits of tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from time import monotonic

from .own_thread import own_thread

SPARE = 64
"""Up to this many alarms that were cancelled are kept, besides as many as there are others."""


class Alarm:
    """A function that is called later.

    Attributes:
        function: The function; None after the call, and after a cancellation, so that it keeps nothing alive.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], None]) -> None:
        self.function: Callable[[], None] | None = function


class Alarms:
    """The alarms of one runtime. The thread starts with the first alarm."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = count()
        self._due: list[tuple[float, int, Alarm]] = []
        self._cancelled = 0
        self._has_begun = False
        self._is_over = False

    def after(self, seconds: float, function: Callable[[], None]) -> Alarm:
        """Call a function after some seconds; it must not raise."""
        alarm = Alarm(function)
        entry = (monotonic() + seconds, next(self._numbers), alarm)
        with self._changed:
            heappush(self._due, entry)
            if not self._has_begun:
                self._has_begun = True
                own_thread(self._run, "alarms").start()
            if self._due[0] is entry:
                self._changed.notify()
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """Do not call a function, unless that has happened already."""
        with self._changed:
            if alarm.function is None:
                return
            alarm.function = None
            self._cancelled += 1
            if 2 * self._cancelled > len(self._due) + SPARE:
                self._due = [entry for entry in self._due if entry[2].function is not None]
                heapify(self._due)
                self._cancelled = 0

    def end(self) -> None:
        """End the thread; alarms that are not due yet are forgotten."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def _run(self) -> None:
        while (function := self._next()) is not None:
            function()

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next alarm; None at the end."""
        with self._changed:
            while not self._is_over:
                rest = self._due[0][0] - monotonic() if self._due else None
                if rest is None or rest > 0:
                    self._changed.wait(None if rest is None else min(rest, threading.TIMEOUT_MAX))
                    continue
                alarm = heappop(self._due)[2]
                function, alarm.function = alarm.function, None
                if function is not None:
                    return function
                self._cancelled -= 1
        return None
