"""The time limits of a running network: a task for each, which sleeps until there may be something to do.

These tasks are in the network's own nursery and count as nobody: the verdict on a standstill does not see them, and
they are cancelled with the last of the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import trio

from ..base.errors import TimeLimitExceeded
from ..base.log import log
from .time_limit import TimeLimit, as_time_limit
from .watchdog import check_watchdog, kennel

if TYPE_CHECKING:
    from ..core.view import View

LOOKS = 10
"""So many times in the first stage of a progress limit one looks whether anything has moved."""


@attrs.frozen
class Reports:
    """What a network looks like, in words.

    Attributes:
        report: The whole report.
        diagnose: Who holds what, and who waits for whom.
    """

    report: Callable[[], object]
    diagnose: Callable[[], object]


class Limit:
    """A time limit at work.

    Args:
        network: Whose.
        reports: Tell what the network looks like.
        what: What the user calls it.
        limit: What to do when.
        words: How long it has been, in words, with places for the network and the time.
        moved: A number that changes when the time begins anew.
        tick: Seconds after which `moved` is looked at again.
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
        self.overdue: TimeLimitExceeded | None = None  # to be raised if the network has not ended by then
        self.overdue_at: float = math.inf

    async def run(self) -> None:
        """Do what is due, until the network ends."""
        self.since, seen, due = trio.current_time(), self.moved(), list(self.stages)
        while due or self.tick < math.inf:
            next_look = trio.current_time() + self.tick
            await trio.sleep_until(min(next_look, self.since + due[0][1] if due else math.inf))
            if self.network.nursery.cancel_scope.cancel_called or trio.current_effective_deadline() == -math.inf:
                return  # somebody else was quicker
            if (moved := self.moved()) != seen:
                self.since, seen, due = trio.current_time(), moved, list(self.stages)
            elif due and trio.current_time() >= self.since + due[0][1]:
                self.act(*due.pop(0))

    def act(self, stage: str, seconds: float) -> None:
        """Do what one stage says."""
        network = self.network
        elapsed = self.words.format(network=repr(network.name), seconds=in_words(trio.current_time() - self.since))
        headline = f"{elapsed}; its {self.what} limit ({stage}) is {in_words(seconds)} s"
        if stage == "report":
            log.info("%s\n%s", headline, self.reports.report())
        elif stage == "warn":
            log.warning("%s\n%s", headline, self.reports.diagnose())
        elif stage == "cancel":
            log.warning("%s: it is cancelled\n%s", headline, self.reports.diagnose())
            self.cancel()
        else:
            error = TimeLimitExceeded(headline, str(self.reports.diagnose()))
            network.fault(error, phase=network.name)
            raise error

    def cancel(self) -> None:
        """Stop the network, and remember what is to come if it does not end soon."""
        stage, seconds = self.stages[-1]
        if stage == "fail":
            late = f"network {self.network.name!r} was cancelled and had not ended after {in_words(seconds)} s"
            message = f"{late}, its {self.what} limit (fail)"
            self.overdue = TimeLimitExceeded(message, str(self.reports.diagnose()))
            self.overdue_at = self.since + seconds
        self.network.facade.cancel()

    def end(self) -> None:
        """The network has ended."""
        if self.overdue is not None and trio.current_time() >= self.overdue_at:
            self.network.fault(self.overdue, phase=self.network.name)
            self.network.late_errors.append(self.overdue)


class Limits:
    """The limits of one network.

    Args:
        network: Whose.
        reports: Tell what the network looks like.
        time_limit: For the whole run.
        progress_limit: For a stretch in which nothing moves.
        watchdog: Seconds that the loop may be blocked.
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
        """The network starts."""
        for limit in self._limits:
            nursery.start_soon(limit.run, name=f"{limit.what} limit of {self._network.name}")
        if self._watchdog is not None:
            kennel.enter(self._network.facade, self._watchdog)

    def end(self) -> None:
        """The network has ended."""
        for limit in self._limits:
            limit.end()
        kennel.leave(self._network.facade)

    def moved(self) -> int:
        """How often an item has moved so far: into a block, out of it, or to its end there."""
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
    """A time as people write it."""
    return f"{seconds:.3g}" if seconds < 100 else f"{seconds:.0f}"
