"""The chart of a run as it is sent to pages: the rows, and the bars that a page has not got yet.

`LiveChart` chooses the rows, their order, names, lanes and colours; it does the same for saved charts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ..base.activity import Activity
from ..charts.live_chart import ChartBar, LiveChart
from ..charts.span import Span
from ..recording.recording import Recording
from .messages import as_json

Bar = tuple[int, int, float, float, str, str, str]
"""Number of the row, item, start and end in seconds since the start of the run, kind, colour, what failed or ""."""

KINDS = {
    Activity.WORK: "w",
    Activity.WAIT_FOR_INPUT: "i",
    Activity.WAIT_FOR_OUTPUT: "o",
    Activity.WAIT_FOR_RATE: "r",
}
FAILED, HELD = "f", "h"
HELD_BACK = "held back"
"""The label of a wait that a governor has caused."""


class Timeline:
    """The chart of one run as it is sent to pages.

    Args:
        run: The number of the run; a page that has shown another run clears its chart.
        stages: The stages that have rows, in order; None for all stages of the recording.
        rename: Returns the page's name for a stage or a worker.
        max_bars: The number of bars that are kept; a slower page misses the older ones.
        is_held: Whether a span is a wait that a governor has caused; called for each span, in the order of their ends,
            with times in seconds since the start of the run.

    Attributes:
        run: The number of the run.
        held_seconds: The sum of the waits that a governor has caused.
    """

    def __init__(
        self,
        run: int,
        stages: Iterable[str] | None = None,
        rename: Callable[[str], str] = str,
        max_bars: int = 2000,
        is_held: Callable[[Span], bool] = lambda span: False,
    ) -> None:
        self.run: int = run
        self.held_seconds: float = 0.0
        self._stages = None if stages is None else frozenset(stages := tuple(stages))
        self._rename = rename
        self._chart = LiveChart(stages or (), max_bars)
        self._seen = 0
        self._is_held = is_held

    @property
    def count(self) -> int:
        """The number of bars so far."""
        return self._chart.count

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows in order, ready for JSON."""
        return [
            as_json(attrs.evolve(row, stage=self._rename(row.stage), title=self._rename(row.title)))
            for row in self._chart.rows
        ]

    def since(self, seen: int) -> list[Bar]:
        """Return the bars after the first `seen` ones, without those that are no longer kept."""
        return [bar_of(bar) for bar in self._chart.since(seen)]

    def add(self, span: Span) -> None:
        """Add a span, unless its stage has no row. Spans must come in the order in which they end."""
        if self._stages is not None and span.stage not in self._stages:
            return
        if self._is_held(span):
            self.held_seconds += span.end - span.start
            span = attrs.evolve(span, label=HELD_BACK)
        self._chart.add(span)

    def follow(
        self,
        recording: Recording,
        offset: float = 0.0,
        number: Callable[[int], int] = int,
        most: int | None = None,
    ) -> tuple[Span, ...]:
        """Add the spans that a recording has got since the last call, and return them.

        Args:
            recording: The recording of the run; it may be written in another thread.
            offset: When the recording began, in seconds since the start of the run.
            number: Returns the page's number for an item, given its number in the recording.
            most: Add only the newest spans, up to this many; None for no limit.
        """
        if self._stages is None:
            self._chart.arrange(recording.stages)
        self._seen, spans = recording.kept.since(self._seen, most)
        for span in spans:
            item = number(span.item) if span.item else 0
            start, end = span.start + offset, span.end + offset
            self.add(Span(span.stage, span.worker, item, start, end, span.activity, span.label, span.error))
        return spans


def bar_of(bar: ChartBar) -> Bar:
    """Return a bar as it is sent."""
    span = bar.span
    kind = KINDS[span.activity]
    if span.error:
        kind = FAILED
    elif span.activity is not Activity.WORK and span.label == HELD_BACK:
        kind = HELD
    return bar.row, span.item, round(span.start, 5), round(span.end, 5), kind, bar.colour, span.error
