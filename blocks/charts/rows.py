"""The rows of a chart: the workers of each stage, with their spans.

Saved and live charts have the same rows: this module chooses names, order and lanes, for one span at a time.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right, insort
from collections.abc import Iterable

import attrs

from ..base.activity import Activity
from .picture import LONGEST
from .span import Span
from .tape import Tape

Key = tuple[str, str, int]
"""The key of a row: stage, worker and lane."""
WAITS = 0.65
"""The height of a row with waits only, as a share of the height of other rows."""


@attrs.frozen
class Row:
    """The spans of one worker; no two spans of work in a row overlap.

    Attributes:
        stage: The stage that the worker works for.
        worker: The name of the worker; the name of the stage if the stage has no workers.
        lane: 0, or a higher number for spans at the same time as others of the worker.
        spans: The spans, in the order in which they ended.
    """

    stage: str
    worker: str
    lane: int
    spans: tuple[Span, ...] = ()

    @property
    def title(self) -> str:
        """The row's name: the worker, with the stage unless the worker's name begins with the stage."""
        return f"{worker_name(self.stage, self.worker)}{self._more}"

    @property
    def short_title(self) -> str:
        """The row's name beside the name of the stage; empty if it adds nothing."""
        return f"{self.worker.removeprefix(self.stage).strip(' -_:/.')}{self._more}".strip()

    @property
    def _more(self) -> str:
        return f" ({self.lane + 1})" if self.lane else ""


def worker_name(stage: str, worker: str) -> str:
    """Return the name of a worker, with its stage unless the name begins with the stage."""
    return worker if worker.startswith(stage) else f"{stage} {worker}"


def rows_of(recording: Tape, waits_overlap: bool = True) -> tuple[Row, ...]:
    """Sort the spans into rows: by stage in the order of the stages, then by worker, then by lane.

    Args:
        recording: The recording.
        waits_overlap: Whether a wait may overlap with work in the same row, and is drawn below it. They overlap a
            little if a worker began before the loop noticed.
    """
    lanes: dict[tuple[str, str], Lanes] = {}
    spans: dict[Key, list[Span]] = {}
    for span in sorted(recording.spans, key=lambda span: (span.end, span.start)):
        overlaps = waits_overlap and span.activity is not Activity.WORK
        lane = 0 if overlaps else lanes.setdefault((span.stage, span.worker), Lanes()).place(span)
        spans.setdefault((span.stage, span.worker, lane), []).append(span)
    order = in_order([*spans, *idle(recording.stages, spans)], recording.stages)
    return tuple(Row(*key, tuple(spans.get(key, ()))) for key in order)


def idle(stages: Iterable[str], rows: Iterable[Key]) -> list[Key]:
    """Return an empty row for each stage without a row, to show that it had nothing to do."""
    busy = {stage for stage, _, _ in rows}
    return [(stage, stage, 0) for stage in dict.fromkeys(stages) if stage not in busy]


def in_order(rows: Iterable[Key], stages: Iterable[str]) -> list[Key]:
    """Sort rows: by stage in the given order, other stages after them by name; then by worker, then by lane."""
    places = {stage: place for place, stage in enumerate(stages)}
    return sorted(rows, key=lambda row: (places.get(row[0], len(places)), row[0], natural(row[1]), row[2]))


def height_of(has_work: bool, rows_of_stage: int) -> float:
    """Return the height of a row, normally 1; less for a row of waits if its stage has other rows."""
    return 1.0 if has_work or rows_of_stage == 1 else WAITS


def natural(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return a sort key of a name, in which numbers are compared by value: "filter 2" comes before "filter 10".

    Names that differ only after LONGEST characters are sorted as text.
    """
    parts = (part for part in re.split(r"(\d+)", name[:LONGEST]) if part)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts), name


class Lanes:
    """Spreads the spans of one worker over the fewest lanes in which no spans overlap.

    Spans come in the order in which they end. Of the lanes that are free when a span begins, it gets the one that
    became free last, because a span that begins earlier could use only a lane that has been free for longer.
    """

    __slots__ = ("_free",)

    def __init__(self) -> None:
        self._free: list[tuple[float, int]] = []  # the end of its last span, and minus its number

    def place(self, span: Span) -> int:
        """Return the lane of the next span."""
        place = bisect_right(self._free, (span.start, math.inf)) - 1
        lane = -self._free.pop(place)[1] if place >= 0 else len(self._free)
        insort(self._free, (span.end, -lane))
        return lane
