"""The rows of a diagram of a recording: the workers of each stage, and what each of them did.

Saved charts and live ones have the same rows: names, order and lanes are decided here, for a span at a time.
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
"""Stage, worker and lane."""
WAITS = 0.65
"""The height of a row that has only waits, as a share of that of the others."""


@attrs.frozen
class Row:
    """What one worker did; no two works of a row overlap.

    Attributes:
        stage: The stage that the worker works for.
        worker: Its name; that of the stage if the stage has no workers.
        lane: 0, or a further number where a worker did several things at once.
        spans: In the order in which they ended.
    """

    stage: str
    worker: str
    lane: int
    spans: tuple[Span, ...] = ()

    @property
    def title(self) -> str:
        """What to call the row: the worker, with the stage unless its name says it."""
        return f"{worker_name(self.stage, self.worker)}{self._more}"

    @property
    def short_title(self) -> str:
        """What to call the row next to the name of the stage; empty if there is no more to say."""
        return f"{self.worker.removeprefix(self.stage).strip(' -_:/.')}{self._more}".strip()

    @property
    def _more(self) -> str:
        return f" ({self.lane + 1})" if self.lane else ""


def worker_name(stage: str, worker: str) -> str:
    """The name of a worker for those who do not see for which stage it works."""
    return worker if worker.startswith(stage) else f"{stage} {worker}"


def rows_of(recording: Tape, waits_overlap: bool = True) -> tuple[Row, ...]:
    """Sort the spans into rows: by stage in the order of the stages, then by worker, then by lane.

    Args:
        recording: What was recorded.
        waits_overlap: Whether a wait may overlap with a work of the same row. It does so by a little if a worker began
            before the loop had noticed, and is drawn below it.
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
    """Return an empty row for each stage that has none: that it had nothing to do is worth seeing."""
    busy = {stage for stage, _, _ in rows}
    return [(stage, stage, 0) for stage in dict.fromkeys(stages) if stage not in busy]


def in_order(rows: Iterable[Key], stages: Iterable[str]) -> list[Key]:
    """Sort rows: by stage in the given order, others behind them by name; then by worker, then by lane."""
    places = {stage: place for place, stage in enumerate(stages)}
    return sorted(rows, key=lambda row: (places.get(row[0], len(places)), row[0], natural(row[1]), row[2]))


def height_of(has_work: bool, rows_of_stage: int) -> float:
    """The height of a row, 1 as a rule. Waits of a stage as a whole, next to the rows of its workers, need less."""
    return 1.0 if has_work or rows_of_stage == 1 else WAITS


def natural(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key of a name in which numbers count as numbers: "filter 2" comes before "filter 10".

    Names that differ only far behind are in the order of the alphabet.
    """
    parts = (part for part in re.split(r"(\d+)", name[:LONGEST]) if part)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts), name


class Lanes:
    """Spreads the spans of one worker over as few lanes as things went on at once.

    They come in the order in which they end. Each gets, of the lanes that are free when it begins, the one that has
    been free for the shortest time: a span that begins earlier could use only one that has been free for longer.
    """

    __slots__ = ("_free",)

    def __init__(self) -> None:
        self._free: list[tuple[float, int]] = []  # since when, and which lane, negative: the first of several is taken

    def place(self, span: Span) -> int:
        """Return the lane of the next span."""
        place = bisect_right(self._free, (span.start, math.inf)) - 1
        lane = -self._free.pop(place)[1] if place >= 0 else len(self._free)
        insort(self._free, (span.end, -lane))
        return lane
