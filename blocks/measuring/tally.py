"""What an agent, or the body of a network, has received, sent, and waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcome import Outcome, Value

from ..base.activity import Activity
from ..base.times import Histogram
from ..base.timing import time_slice
from ..core.observer import TaskObserver

if TYPE_CHECKING:
    from ..core.waiting import Waiter

ACTIVITIES = {
    "receive": Activity.WAIT_FOR_INPUT,
    "see a change": Activity.WAIT_FOR_INPUT,
    "send": Activity.WAIT_FOR_OUTPUT,
    "take a slot": Activity.WAIT_FOR_OUTPUT,
}
"""What a task does that waits for something; other waits are for neither."""


class Lifetime:
    """From when to when something ran."""

    __slots__ = ("_ended_at", "_started_at")

    def __init__(self) -> None:
        self._started_at: float | None = None
        self._ended_at: float | None = None

    def begin(self) -> None:
        """It begins now."""
        self._started_at = time_slice.clock()

    def end(self) -> None:
        """It ends now, if it has not ended before."""
        if self._ended_at is None:
            self._ended_at = time_slice.clock()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._ended_at is not None

    def seconds(self) -> float:
        """How long it has run, until now or its end."""
        return self.seconds_at(time_slice.clock() if self._ended_at is None else self._ended_at)

    def seconds_at(self, now: float) -> float:
        """How long it had run at a time."""
        return 0.0 if self._started_at is None else now - self._started_at


class Tally:
    """The measurements of one task.

    Attributes:
        received: Items it has received.
        emitted: Items it has sent; those that it may still send on credit are not counted.
        life: From when to when it ran.
        waits_in: How long it waited to receive.
        waits_out: How long it waited to send, or for a slot.
        fed_for: Seconds from its begin to the last item that it has sent, without its waits.
        trace: Records what it does, if that is wanted.
    """

    __slots__ = ("_waited", "emitted", "fed_for", "life", "received", "trace", "waits_in", "waits_out")

    def __init__(self) -> None:
        self.received: int = 0
        self.emitted: int = 0
        self.life: Lifetime = Lifetime()
        self.waits_in: Histogram = Histogram()
        self.waits_out: Histogram = Histogram()
        self.fed_for: float = 0.0
        self._waited = 0.0
        self.trace: TaskObserver | None = None

    def begin(self, trace: TaskObserver | None) -> None:
        """The task begins."""
        self.trace = trace
        self.life.begin()

    def end(self) -> None:
        """The task has ended, if it has not before."""
        trace, self.trace = self.trace, None
        if trace is not None:
            trace.works_until(time_slice.clock())
        self.life.end()

    def took(self, item: object) -> None:
        """The task has received an item, without waiting."""
        self.received += 1
        if self.trace is not None:
            self.trace.received(item)

    def sends(self, now: float) -> None:
        """The task has handed something on."""
        self.fed_for = self.life.seconds_at(now) - self._waited

    def waited(self, waiter: Waiter[Any], answer: Outcome[Any]) -> None:
        """A wait of the task is over."""
        self._note(waiter.doing, waiter.since)
        if isinstance(answer, Value):
            if waiter.doing == "receive":
                self.received += 1
                if self.trace is not None and not getattr(waiter.place, "_keeps_value", False):
                    self.trace.begins(answer.value)
            elif waiter.doing == "send":
                self.emitted += 1
                self.sends(time_slice.clock())

    def _note(self, doing: str, since: float) -> None:
        activity = ACTIVITIES.get(doing)
        if activity is not None:
            waits = self.waits_in if activity is Activity.WAIT_FOR_INPUT else self.waits_out
            seconds = time_slice.clock() - since
            waits.add(seconds)
            self._waited += seconds
            if self.trace is not None:
                self.trace.waited(activity, since)
