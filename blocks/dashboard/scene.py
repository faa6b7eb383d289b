"""What pages show of one network: the last look at it, as the text of a message; its chart and its errors."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, cast

import attrs

from ..base.diagnosis import Diagnosis
from ..base.error_info import is_cancellation, shorten
from ..base.errors import Stalled
from ..base.grid import Grid
from ..base.statistics_table import loss_table, report_table
from ..base.traceback_text import traceback_text
from ..base.units import printable
from ..charts.span import Span
from ..recording.recording import Recording
from ..reports.report import Report
from .messages import as_json, encode
from .recorded import recorded_state
from .states import NetworkState, network_state, slowest_of
from .timeline import Timeline

RATE_OVER = 3.0
"""Seconds over which items per second are averaged."""
MOST_ERRORS, MOST_BARS, MOST_ROWS, MOST_LINES = 100, 10_000, 200, 50
"""The most errors, bars, rows of a table and lines of a diagnosis that a page gets."""
AT_ONCE = 2000
"""The most bars that are taken from a recording at once while it is written; of a faster run, some are left out."""
LONGEST = 4000
"""The most characters of a traceback, from its end."""
RUNNING, STALLED, RECORDED = "running", "stalled", "recorded"


@attrs.frozen
class Fault:
    """An exception as text; the exception itself must not be kept.

    Attributes:
        where: The block or agent, and the item.
        error: The exception, in a line.
        details: The traceback; empty if a policy went on.
    """

    where: str
    error: str
    details: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Fault:
        """Describe an exception with which a network has ended."""
        where = "; ".join(getattr(error, "__notes__", ()))
        return cls(where, in_a_line(error), traceback_text(error, error.__traceback__, notes=False)[-LONGEST:])

    @classmethod
    def of_item(cls, block: str, number: int, item: object, error: BaseException, action: str) -> Fault:
        """Describe an exception after which a policy goes on."""
        return cls(f"in {block}, item {number}: {shorten(item)}", f"{in_a_line(error)} ({action})")


@attrs.frozen
class Ending:
    """How a network has ended.

    Attributes:
        how: "done", "failed", "stalled" or "cancelled".
        faults: The exceptions with which it has ended.
        verdict: Why it stood still; empty if it did not.
        diagnosis: Which part waits for which, if it stood still.
    """

    how: str
    faults: tuple[Fault, ...] = ()
    verdict: str = ""
    diagnosis: Diagnosis | None = None

    @classmethod
    def of(cls, how: str, error: BaseException | None) -> Ending:
        """Describe the end of a network, in the thread of its loop."""
        errors = () if error is None else tuple(leaves(error))
        faults = tuple(map(Fault.of, errors))
        for one in errors:
            if isinstance(one, Stalled) and one.diagnosis is not None:
                return cls(STALLED, faults, str(one.args[0]), one.diagnosis)
        return cls(how, faults)


@attrs.frozen
class Trouble:
    """An error, as pages show it.

    Attributes:
        run: The number of the network.
        number: The number of the error, from 1.
        where: The block or agent, and the item.
        error: The exception, in a line.
        details: The traceback; empty if it is not known.
    """

    run: int
    number: int
    where: str
    error: str
    details: str = ""


class Scene:
    """What pages show of one network.

    Args:
        number: The number of the network.
        name: The name of the network.
        recording: Its recording; None if it is not recorded.

    Attributes:
        number: The number of the network.
        name: The name of the network.
        how: "running", or how it has ended: "done", "failed", "stalled" or "cancelled"; "recorded" if only a recording
            is known.
        timeline: Its chart; None if it is not recorded.
        troubles: Its newest errors.
        late: For how many seconds its loop has not answered.
    """

    def __init__(self, number: int, name: str, recording: Recording | None = None) -> None:
        self.number: int = number
        self.name: str = printable(name)
        self.how: str = RUNNING
        self.timeline: Timeline | None = None if recording is None else Timeline(number, max_bars=MOST_BARS)
        self.troubles: deque[Trouble] = deque(maxlen=MOST_ERRORS)
        self.late: float = 0.0
        self._recording = recording
        self._errors = 0
        self._report: Report | None = None
        self._network: NetworkState = NetworkState()
        self._ending: Ending | None = None
        self._done: deque[tuple[float, dict[str, int]]] = deque()

    @property
    def is_running(self) -> bool:
        """Whether the network has not ended."""
        return self.how == RUNNING

    def take(self, report: Report, failures: Iterable[Fault] = ()) -> list[Trouble]:
        """Take a new report, and new failures; return them as errors."""
        self._report = report
        self._network = network_state(report, self.number, label=printable, whole=True)
        self.late = 0.0
        now, done = self._network.seconds, {node.id: node.done for node in self._network.nodes}
        if not self._done or self._done[-1][0] < now:
            self._done.append((now, done))
        while len(self._done) > 2 and self._done[1][0] <= now - RATE_OVER:
            self._done.popleft()
        self._follow(AT_ONCE)
        return self.note(failures)

    def note(self, failures: Iterable[Fault]) -> list[Trouble]:
        """Take new failures; return them as errors."""
        return [self._trouble(one) for one in failures]

    def show_recording(self, recording: Recording) -> None:
        """Show a recording instead of a network."""
        self.how = RECORDED
        for span in self._follow(MOST_BARS):
            if span.error:
                self._trouble(Fault(f"in {span.stage}, item {span.item}", span.error))
        self._network, self._recording = recorded_state(recording, self.number), None

    def _follow(self, most: int) -> tuple[Span, ...]:
        """Take the newest spans of the recording, and return them."""
        if self._recording is None or self.timeline is None:
            return ()
        return self.timeline.follow(self._recording, most=most)

    def end(self, report: Report | None, ending: Ending, failures: Iterable[Fault] = ()) -> list[Trouble]:
        """Take the last report and failures, and how the network has ended; return the new errors."""
        self._follow(MOST_BARS)
        if report is not None:
            self.take(report)
        self.how, self.late, self._recording, self._ending = ending.how, 0.0, None, ending
        return self.note((*failures, *ending.faults))

    def _trouble(self, fault: Fault) -> Trouble:
        self._errors += 1
        where, error = printable(fault.where), printable(fault.error)
        self.troubles.append(Trouble(self.number, self._errors, where, error, fault.details))
        return self.troubles[-1]

    def state(self) -> str | None:
        """The message with the last look; None before the first one."""
        if self._report is None and self.how != RECORDED:
            return None
        values = {
            "run": self.number,
            "name": self.name,
            "how": self.how,
            "late": self.late,
            "network": as_json(self._network if self.how == RECORDED else self._with_rates(self._network)),
            "chart": self.timeline is not None,
            "errors": self._errors,
            **(UNKNOWN if self._report is None else self._reported(self._report)),
        }
        return encode("state", values)

    def _reported(self, report: Report) -> dict[str, Any]:
        """The part of the state that is from the report."""
        ending = self._ending
        diagnosis = report.diagnosis if ending is None or ending.diagnosis is None else ending.diagnosis
        return {
            "bottleneck": "" if report.bottleneck is None else str(report.bottleneck),
            "notes": list(map(printable, report.notes)),
            "verdict": "" if ending is None else ending.verdict,
            "diagnosis": list(sections_of(diagnosis, is_running=self.is_running)),
            "table": table_of(report_table(report.statistics, slowest_of(report))),
            "losses": table_of(loss_table(report.statistics)),
            "errors": max(self._errors, sum(block.failed for block in report.statistics.blocks)),
        }

    def _with_rates(self, state: NetworkState) -> NetworkState:
        """Add the items per second: of the last seconds; at the end, of the whole run."""
        since, before = self._done[0] if self.is_running else (0.0, dict[str, int]())
        seconds = state.seconds - since
        if seconds <= 0:
            return state
        nodes = tuple(attrs.evolve(one, rate=(one.done - before.get(one.id, 0)) / seconds) for one in state.nodes)
        most = max((one.rate or 0.0 for one in nodes), default=0.0)
        return attrs.evolve(state, nodes=nodes, per_item=1 / most if most else None)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in a group, or the exception; without cancellations."""
    if isinstance(error, BaseExceptionGroup):
        for one in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from leaves(one)
    elif not is_cancellation(error):
        yield error


def in_a_line(error: BaseException) -> str:
    """Return an exception as one line."""
    try:
        text = str(error).partition("\n")[0]
    except Exception:  # a broken `__str__` must not end the loop
        text = "…"
    return f"{type(error).__name__}: {text}"


def sections_of(diagnosis: Diagnosis, *, is_running: bool) -> Iterator[dict[str, Any]]:
    """Yield the parts of a diagnosis that are not empty; what is not done yet only if that can no longer happen."""
    for title, entries in (
        ("In a circle", diagnosis.cycle),
        ("What would free it", diagnosis.advice),
        ("Who waits", diagnosis.waiting),
        ("Who holds items", diagnosis.held),
        ("Not done", () if is_running else diagnosis.unfinished),
    ):
        if entries:
            more = len(entries) - MOST_LINES
            last = [f"… and {more:,} more"] if more > 0 else []
            yield {"title": title, "entries": [*map(printable, entries[:MOST_LINES]), *last]}


def table_of(grid: Grid) -> dict[str, Any]:
    """Return a table, ready for JSON; empty columns are left out."""
    columns = grid.shown
    rows = len(columns[0].cells) if columns else 0
    return {
        "columns": [
            {"title": column.title.replace("\n", " "), "isText": column.is_text, "cells": column.cells[:MOST_ROWS]}
            for column in columns
        ],
        "marked": grid.marked,
        "more": max(0, rows - MOST_ROWS),
    }


UNKNOWN: dict[str, Any] = {
    "bottleneck": "",
    "notes": [],
    "verdict": "",
    "diagnosis": [],
    "table": table_of(Grid(())),
    "losses": table_of(Grid(())),
}
"""The part of the state that is from a report, if there is none."""
