"""The measurements of the task of an agent or of the body: the items it has received and sent, and its waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
"""The activity that each kind of wait counts as; other waits count as none."""


class Lifetime:
    """The start and the end of something that runs."""

    __slots__ = ("_ended_at", "_started_at")

    def __init__(self) -> None:
        self._started_at: float | None = None
        self._ended_at: float | None = None

    def begin(self) -> None:
        """Set the start to now."""
        self._started_at = time_slice.clock()

    def end(self) -> None:
        """Set the end to now, unless it is set."""
        if self._ended_at is None:
            self._ended_at = time_slice.clock()

    @property
    def is_over(self) -> bool:
        """Whether the end is set."""
        return self._ended_at is not None

    def seconds(self) -> float:
        """Seconds from the start until now or until the end."""
        return self.seconds_at(time_slice.clock() if self._ended_at is None else self._ended_at)

    def seconds_at(self, now: float) -> float:
        """Return the seconds from the start until `now` or until the end; 0 without a start."""
        return 0.0 if self._started_at is None else now - self._started_at


class TaskMeter:
    """The measurements of one task.

    Attributes:
        received: The number of items that it has received.
        emitted: The number of items that it has sent; unused credit is not counted.
        life: Its start and its end.
        waits_in: Its waits to receive, in seconds.
        waits_out: Its waits to send, or for a slot, in seconds.
        fed_for: Seconds from its start to the last item that it has sent, without its waits.
        trace: Records the task; None without a recording.
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
        """Start measuring: the task begins."""
        self.trace = trace
        self.life.begin()

    def end(self) -> None:
        """Stop measuring: the task has ended. A second call does nothing."""
        trace, self.trace = self.trace, None
        if trace is not None:
            trace.works_until(time_slice.clock())
        self.life.end()

    def took(self, item: object) -> None:
        """Count an item that the task has received without waiting."""
        self.received += 1
        if self.trace is not None:
            self.trace.received(item)

    def sends(self, now: float) -> None:
        """Note that the task has sent something."""
        self.fed_for = self.life.seconds_at(now) - self._waited

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        """Count a wait of the task that is over, and the item that it ended with."""
        self._note(waiter.doing, waiter.since)
        if result:
            if waiter.doing == "receive":
                self.received += 1
                if self.trace is not None and not getattr(waiter.place, "keeps_value", False):
                    self.trace.begins(result[0])
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
