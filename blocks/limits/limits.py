"""The time limits of a running network: each has a task, which sleeps until there may be something to do.

These tasks are in the network's own nursery. The check for a standstill ignores them, and they are cancelled when
the last of the other tasks ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import trio

from ..base.errors import TimeLimitExceeded
from ..base.log import fields, log
from .time_limit import TimeLimit, as_time_limit
from .watchdog import check_watchdog, watchdogs

if TYPE_CHECKING:
    from ..core.view import View

LOOKS = 10
"""Polls for progress per first stage of a progress limit."""


@attrs.frozen
class Reports:
    """Functions that describe a network in words.

    Attributes:
        report: Gives the whole report.
        diagnose: Says which items are held where, and which task waits for which.
    """

    report: Callable[[View], object]
    diagnose: Callable[[View], object]


class Limit:
    """One time limit of a running network.

    Args:
        network: The network.
        reports: Describe the network in words.
        what: The limit's name in messages.
        limit: The stages: what to do, and when.
        words: A format for the elapsed time, with the fields `network` and `seconds`.
        moved: Gives a number; when it changes, the time starts again.
        tick: Seconds between two calls of `moved`.
    """

    def __init__(
        self,
        network: View,
        reports: Reports,
        what: str,
        limit: TimeLimit,
        words: str,
        moved: Callable[[], int],
        tick: float,
    ) -> None:
        self.network = network
        self.reports = reports
        self.what = what
        self.stages: tuple[tuple[str, float], ...] = tuple(limit.stages())
        self.words = words
        self.moved = moved
        self.tick = tick
        self.since: float = 0.0
        self.overdue: TimeLimitExceeded | None = None  # raised if the network has not ended by `overdue_at`
        self.overdue_at: float = math.inf

    async def run(self) -> None:
        """Run each stage when it is due, until the network ends."""
        self.since, seen, due = trio.current_time(), self.moved(), list(self.stages)
        while due or self.tick < math.inf:
            next_look = trio.current_time() + self.tick
            await trio.sleep_until(min(next_look, self.since + due[0][1] if due else math.inf))
            if self.network.nursery.cancel_scope.cancel_called or trio.current_effective_deadline() == -math.inf:
                return  # the network stops already
            if (moved := self.moved()) != seen or (self.tick < math.inf and self.network.is_paused):
                self.since, seen, due = trio.current_time(), moved, list(self.stages)
            elif due and trio.current_time() >= self.since + due[0][1]:
                self.act(*due.pop(0))

    def act(self, stage: str, seconds: float) -> None:
        """Run one stage: report, warn, cancel or fail."""
        network = self.network
        elapsed = self.words.format(network=repr(network.name), seconds=in_words(trio.current_time() - self.since))
        headline = f"{elapsed}; its {self.what} limit ({stage}) is {in_words(seconds)} s"
        found = fields("limit_exceeded", network=network.name, limit=self.what, action=stage, seconds=seconds)
        if stage == "report":
            log.info("%s\n%s", headline, self.reports.report(network), extra=found)
        elif stage == "warn":
            log.warning("%s\n%s", headline, self.reports.diagnose(network), extra=found)
        elif stage == "cancel":
            log.warning("%s: it is cancelled\n%s", headline, self.reports.diagnose(network), extra=found)
            self.cancel()
        else:
            error = TimeLimitExceeded(headline, str(self.reports.diagnose(network)))
            network.fault(error, phase=network.name)
            raise error

    def cancel(self) -> None:
        """Stop the network, and prepare the error for the case that it does not end in time."""
        stage, seconds = self.stages[-1]
        if stage == "fail":
            late = f"network {self.network.name!r} was cancelled and had not ended after {in_words(seconds)} s"
            message = f"{late}, its {self.what} limit (fail)"
            self.overdue = TimeLimitExceeded(message, str(self.reports.diagnose(self.network)))
            self.overdue_at = self.since + seconds
        self.network.facade.cancel()

    def end(self) -> None:
        """Report the prepared error if the network has ended too late."""
        if self.overdue is not None and trio.current_time() >= self.overdue_at:
            self.network.fault(self.overdue, phase=self.network.name)
            self.network.late_errors.append(self.overdue)


class Limits:
    """The limits of one network.

    Args:
        network: The network.
        reports: Describe the network in words.
        time_limit: The limit of the whole run.
        progress_limit: The limit of the time in which no item moves.
        watchdog: Seconds that the event loop may be blocked; None for no watch.
    """

    __slots__ = ("_limits", "_network", "_watchdog")

    def __init__(
        self,
        network: View,
        reports: Reports,
        time_limit: TimeLimit | float | None,
        progress_limit: TimeLimit | float | None,
        watchdog: float | None,
    ) -> None:
        who = f"network {network.name!r}"
        self._network = network
        self._limits: list[Limit] = []
        whole = as_time_limit(who, "time_limit", time_limit)
        if whole is not None:
            words = "network {network} has run for {seconds} s"
            self._limits.append(Limit(network, reports, "time", whole, words, lambda: 0, math.inf))
        progress = as_time_limit(who, "progress_limit", progress_limit)
        if progress is not None:
            words = "in network {network} no item has moved for {seconds} s"
            first = next(progress.stages())[1]
            self._limits.append(Limit(network, reports, "progress", progress, words, self.moved, first / LOOKS))
        check_watchdog(who, watchdog)
        self._watchdog = watchdog

    def start(self, nursery: trio.Nursery) -> None:
        """Start the limits' tasks and the watchdog; the network starts."""
        for limit in self._limits:
            nursery.start_soon(limit.run, name=f"{limit.what} limit of {self._network.name}")
        if self._watchdog is not None:
            watchdogs.enter(self._network.facade, self._watchdog)

    def end(self) -> None:
        """End the limits and the watchdog; the network has ended."""
        for limit in self._limits:
            limit.end()
        watchdogs.leave(self._network.facade)

    def moved(self) -> int:
        """The number of moves of items so far: into a block, out of it, or to an end in it."""
        return sum(
            block.accepted
            + block.produced
            + block.delivered
            + block.received
            + block.consumed
            + block.merged
            + sum(block.dropped.values())
            + block.dead_lettered
            + block.discarded
            for block in self._network.balance().blocks
        )


def in_words(seconds: float) -> str:
    """Format a number of seconds with three digits, or as a whole number from 100 on."""
    return f"{seconds:.3g}" if seconds < 100 else f"{seconds:.0f}"
