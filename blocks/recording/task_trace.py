"""Records the task of an agent or of a network's body: it works on an item from its receipt until it takes another.

A task that receives nothing makes its items: it works on each from the end of the last send until it sends this one.
"""

from __future__ import annotations

import weakref
from typing import Protocol

from ..base.activity import Activity
from ..base.error_info import shorten
from ..base.timing import time_slice
from .item_numbers import ItemNumbers
from .oldest import bound, forget_oldest

MOST_REMEMBERED = 1000
"""A task's trace remembers up to this many of the latest received items, or a sixteenth more."""


class Writer(Protocol):
    """Writes spans and has the numbers of items."""

    numbers: ItemNumbers

    def add(
        self, stage: str, worker: str, number: int, start: float, end: float, activity: Activity, label: str = ""
    ) -> None:
        """Write a span."""
        ...


class TaskTrace:
    """Records what one task does."""

    __slots__ = ("_handing_on", "_label", "_number", "_received", "_since", "_stage", "_tracer")

    def __init__(self, tracer: Writer, stage: str) -> None:
        self._tracer = tracer
        self._stage = stage
        self._number = 0
        self._label = ""
        self._received: dict[int, tuple[weakref.ref[object], int]] = {}
        self._handing_on = 0
        self._since = time_slice.clock()

    def received(self, item: object) -> None:
        """Note that the task has taken an item without waiting."""
        self.works_until(time_slice.clock())
        self.begins(item)

    def begins(self, item: object) -> None:
        """Note that the task begins to work on an item."""
        self._number = self._tracer.numbers.take(item, self._stage)
        self._label = shorten(item)
        if type(item).__weakrefoffset__:  # texts and numbers allow no weak references, and have no stable identity
            self._received[id(item)] = (weakref.ref(item), self._number)
            if len(self._received) > bound(MOST_REMEMBERED):
                forget_oldest(self._received, MOST_REMEMBERED)

    def sending(self, item: object, target: str) -> None:
        """Note that the task is about to send an item."""
        number = self._number
        found = self._received.get(id(item))
        if found is not None and found[0]() is item:  # otherwise an earlier object had this id
            number = found[1]
        if not number:
            number = self._tracer.numbers.new()
            now = time_slice.clock()
            self._write(number, self._since, now, Activity.WORK, shorten(item))
            self._since = now
        self._handing_on = number
        self._tracer.numbers.give(item, number, target, inside=True)

    def waited(self, activity: Activity, since: float) -> None:
        """Write a wait of the task, which ends now."""
        now = time_slice.clock()
        self.works_until(since)
        self._write(self._handing_on if activity is Activity.WAIT_FOR_OUTPUT else 0, since, now, activity)
        self._since = now

    def works_until(self, now: float) -> None:
        """Write the work of the task until `now`."""
        if self._number and now > self._since:
            self._write(self._number, self._since, now, Activity.WORK, self._label)
        self._since = now

    def _write(self, number: int, start: float, end: float, activity: Activity, label: str = "") -> None:
        self._tracer.add(self._stage, self._stage, number, start, end, activity, label)
