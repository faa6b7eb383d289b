"""Watches what the task of an agent, the body, or any other task sends, and writes the spans of agents.

An agent works on an item from its receipt until it waits for the next one.
"""

from __future__ import annotations

import weakref
from typing import Any, Protocol

from ..base.activity import Activity
from ..base.timing import time_slice
from ..recording.item_numbers import ItemNumbers
from ..recording.oldest import bound, forget_oldest
from .item_trace import UNSAMPLED, ItemTrace

MOST_REMEMBERED = 1000
"""Up to this many of the latest received items are remembered, or a sixteenth more."""


class Writer(Protocol):
    """Decides about items and writes spans."""

    numbers: ItemNumbers

    def taken(self, item: object, stage: str) -> ItemTrace:
        """The trace of an item that is received."""
        ...

    def own_context(self) -> Any:
        """The context of the running task if it has a span of its own; else None."""
        ...

    def decide(self, number: int, context: Any) -> ItemTrace:
        """Decide whether an item that comes in a context is traced."""
        ...

    def entered(self, number: int) -> ItemTrace:
        """The trace of an item whose sender has no span of its own."""
        ...

    def worked(self, item: ItemTrace, stage: str, start: float, end: float) -> None:
        """Write the span of an agent."""
        ...


class TaskSpans:
    """Watches one task, or all tasks that are neither agents nor the body.

    Args:
        writer: Writes the spans.
        stage: The name of the agent.
        has_spans: Whether it is an agent: its work has spans, and what it sends belongs to the item that it works on.
    """

    __slots__ = ("_has_spans", "_received", "_since", "_stage", "_trace", "_writer")

    def __init__(self, writer: Writer, stage: str, has_spans: bool) -> None:
        self._writer = writer
        self._stage = stage
        self._has_spans = has_spans
        self._trace: ItemTrace | None = None
        self._since = 0.0
        self._received: dict[int, tuple[weakref.ref[object], ItemTrace]] = {}

    def received(self, item: object) -> None:
        """Note that the task has taken an item without waiting."""
        self.works_until(time_slice.clock())
        self.begins(item)

    def begins(self, item: object) -> None:
        """Note that the task begins to work on an item."""
        trace = self._writer.taken(item, self._stage)
        self._trace, self._since = trace, time_slice.clock()
        if type(item).__weakrefoffset__:  # others have no stable identity
            self._received[id(item)] = weakref.ref(item), trace
            if len(self._received) > bound(MOST_REMEMBERED):
                forget_oldest(self._received, MOST_REMEMBERED)

    def sending(self, item: object, target: str) -> None:
        """Note that the task is about to send an item."""
        writer = self._writer
        found = self._received.get(id(item))
        if (context := writer.own_context()) is not None:
            trace = writer.decide(writer.numbers.new(), context)
        elif found is not None and found[0]() is item:
            trace = found[1]
        elif self._trace is not None and self._has_spans:
            trace = self._trace
        else:
            trace = writer.entered(writer.numbers.new())
        writer.numbers.give(item, trace.handed_on(), target, inside=True)

    def waited(self, activity: Activity, since: float) -> None:
        """Note a wait of the task, which ends now."""
        if activity is Activity.WAIT_FOR_INPUT:
            self.works_until(since)

    def works_until(self, now: float) -> None:
        """End the work on the present item."""
        trace, self._trace = self._trace, None
        if self._has_spans and trace is not None and trace is not UNSAMPLED:
            self._writer.worked(trace, self._stage, self._since, now)
