"""The chart of a run as it is sent to pages: the rows, and the bars that a page has not got yet."""

# The library chooses the rows, their order, names, lanes and colours; it does the same for saved charts.

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from penstock.blocks import Activity, ChartBar, LiveChart, Recording, Span
from penstock.samples.dashboard.as_json import as_json

__all__ = ["Bar", "Timeline"]

Bar = tuple[int, int, float, float, str, str, str]
"""Number of the row, item, start and end in seconds since the start of the run, kind, colour, what failed or ""."""

_KINDS = {Activity.WORK: "w", Activity.WAIT_FOR_INPUT: "i", Activity.WAIT_FOR_OUTPUT: "o"}
_FAILED = "f"


class Timeline:
    """Follows one run.

    Args:
        run: the number of the run; a page that has shown another run clears its chart.
        stages: the stages that have rows, in order; None for all stages of the recording.
        rename: returns the page's name for a stage or a worker.
        max_bars: the number of bars that are kept; a slower page misses the older ones.
    """

    def __init__(
        self,
        run: int,
        stages: Iterable[str] | None = None,
        rename: Callable[[str], str] = str,
        max_bars: int = 2000,
    ) -> None:
        self.run = run
        self._stages = None if stages is None else frozenset(stages := tuple(stages))
        self._rename = rename
        self._chart = LiveChart(stages or (), max_bars)
        self._recorded = 0

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
        return [_bar(bar) for bar in self._chart.since(seen)]

    def add(self, span: Span) -> None:
        """Add a span, unless its stage has no row. Spans must come in the order in which they end."""
        if self._stages is None or span.stage in self._stages:
            self._chart.add(span)

    def follow(self, recording: Recording, offset: float = 0.0, number: Callable[[int], int] = int) -> None:
        """Add the spans that a recording has got since the last call.

        Args:
            recording: the recording of the run.
            offset: when the recording began, in seconds since the start of the run.
            number: returns the page's number for an item, given its number in the recording.
        """
        if self._stages is None:
            self._chart.arrange(recording.stages)
        spans = recording.spans
        total = recording.dropped + len(spans)
        new = min(total - self._recorded, len(spans))
        self._recorded = total
        for span in spans[len(spans) - new :]:
            item = number(span.item) if span.item else 0
            start, end = span.start + offset, span.end + offset
            self.add(Span(span.stage, span.worker, item, start, end, span.activity, span.label, span.error))


def _bar(bar: ChartBar) -> Bar:
    span = bar.span
    kind = _FAILED if span.error else _KINDS[span.activity]
    return bar.row, span.item, round(span.start, 5), round(span.end, 5), kind, bar.colour, span.error
