"""The numbers of all networks of the program, as metrics; they can be read in any thread.

The numbers of a running network are taken in the thread of its loop, because they change there without a lock. A
reader asks the loop and waits. If the loop is blocked, the reader gets the numbers of the last time. When a network
ends, its numbers are added to the totals of its name. So counters never go back, and networks of one name, at the same
time or one after another, are counted together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from time import monotonic

import trio

from ..base.network_statistics import Statistics
from ..base.threads import Loop
from ..core.ports import Host
from ..core.view import View
from ..core.watchers import watchers
from .metrics import AGE, ENDED, RUNNING, Metric, Row, label_of_network, rows_of

PATIENCE = 1.0
"""Seconds that a reader waits for the loops of all networks."""
MOST_NAMES = 1000
"""Up to this many names of networks that have ended are kept; beyond that, the names that ended first are forgotten."""

Values = dict[tuple[Metric, tuple[str, ...]], float]
"""The values of metrics, by their labels."""


class Running:
    """A running network.

    Attributes:
        numbers: Its latest statistics; None before they were first taken.
        taken_at: When they were taken; or when the network started.
    """

    def __init__(self, network: View) -> None:
        self.numbers: Statistics | None = None
        self.taken_at: float = monotonic()
        self._network = network
        self._loop = Loop.running()
        self._asked: list[threading.Event] = []

    def ask(self) -> threading.Event:
        """Ask the loop for the statistics; return an event that is set when they are there, or will not come."""
        done = threading.Event()
        assert self._loop is not None
        if self._loop.is_here:
            self._take(done)
        else:
            try:
                self._loop.token.run_sync_soon(self._take, done)
            except trio.RunFinishedError:
                done.set()
        return done

    def _take(self, done: threading.Event) -> None:
        """Take the statistics; runs in the thread of the loop."""
        self.numbers, self.taken_at = self._network.statistics(), monotonic()
        done.set()


class Networks:
    """Watches all networks that start from now on, and gives their metrics.

    Args:
        patience: Seconds that a reader waits for the loops of all networks.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._running: dict[View, Running] = {}
        self._ended: dict[str, Values] = {}
        watchers.add(self)

    def close(self) -> None:
        """Watch no more networks, and forget all numbers."""
        watchers.remove(self)
        with self._lock:
            self._running.clear()
            self._ended.clear()

    def observer(self, network: View, routes: object) -> None:
        """Observe no items."""

    def begins(self, network: View) -> None:
        """Note that a network has started."""
        with self._lock:
            self._running[network] = Running(network)

    def fails(self, network: Host, block: str, number: int, item: object, error: BaseException, action: str) -> None:
        """Do nothing: the statistics count failures."""

    def ends(self, network: View, how: str, error: BaseException | None) -> None:
        """Add the numbers of a network that has ended to the totals of its name."""
        rows = [row for row in rows_of(network.statistics()) if row.metric.grows]
        label = label_of_network(network.name)
        with self._lock:
            if self._running.pop(network, None) is None:
                return  # it started before this watched
            totals = self._ended[label] = self._ended.pop(label, {})  # the last one now
            add(totals, [*rows, Row(ENDED, (label, how), 1), Row(RUNNING, (label,), 0)])
            if len(self._ended) > MOST_NAMES:
                del self._ended[next(iter(self._ended))]

    def read(self) -> Values:
        """Return the metrics of all networks; callable in any thread."""
        with self._lock:
            asked = list(self._running.values())
        until = monotonic() + self._patience
        answers = {one: one.ask() for one in asked}
        late = [one for one, answer in answers.items() if not answer.wait(max(0.0, until - monotonic()))]
        values: Values = {}
        with self._lock:  # what has ended meanwhile is in the totals
            for totals in self._ended.values():
                add(values, (Row(*key, value) for key, value in totals.items()))
            for network, one in self._running.items():
                label = (label_of_network(network.name),)
                add(values, [Row(RUNNING, label, 1)])
                add(values, () if one.numbers is None else rows_of(one.numbers))
                age = monotonic() - one.taken_at if one in late else 0.0
                values[AGE, label] = max(age, values.get((AGE, label), 0.0))
        return values


def add(values: Values, rows: Iterable[Row]) -> None:
    """Add rows to values of the same metrics and labels."""
    for metric, labels, value in rows:
        key = metric, labels
        values[key] = values.get(key, 0.0) + value
