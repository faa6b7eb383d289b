"""Lays out the chart of a recording: a row per worker, a bar per item, time to the right."""

from __future__ import annotations

import math
from itertools import groupby

import attrs

from ..base.activity import Activity
from .bars import Frame, draw_row
from .legend import draw_legend
from .picture import Anchor, Box, Label, Picture, Role, bounded, clean, shorten, text_width
from .rows import Row, height_of, rows_of
from .tape import Tape
from .ticks import duration, ticks

MOST_ROWS = 200
"""The maximum number of rows; further rows are only counted."""
MARGIN = 16
ROW = 34
LEAST_ROW = 6
ALL_ROWS = 1400
"""Pixels: if all rows together would be higher than this, a row gets lower than ROW, but not lower than LEAST_ROW."""


def lay_out(
    recording: Tape, width: int, start: float | None, end: float | None, missing: str = "were dropped"
) -> Picture:
    """Make the picture of a recording.

    Args:
        recording: The recording to draw.
        width: The width in pixels, 320 … 20 000.
        start: The second at which the picture begins. None: the start of the network or, if older spans were dropped,
            the second from which no span is missing.
        end: The second at which the picture ends. None: the end of the network.
        missing: Why spans are missing at the start, in words.
    """
    check_width(width)
    rows = rows_of(recording)
    start, end = window(recording, start, end)
    scale = min(4.0, max(0.7, width / 1280))
    gutter = Gutter.of(rows[:MOST_ROWS], width, scale)
    row_height = max(LEAST_ROW, min(ROW, ALL_ROWS / max(1, min(len(rows), MOST_ROWS)))) * scale
    left = MARGIN * scale + gutter.width
    frame = Frame(left, width - left - 2 * MARGIN * scale, start, end, row_height, scale)
    return Sheet(recording, rows, frame, gutter, width, missing).picture()


def check_width(width: int) -> None:
    """Raise a `ValueError` if `width` is not an int from 320 to 20 000."""
    if not isinstance(width, int) or isinstance(width, bool) or not 320 <= width <= 20_000:
        raise ValueError(f"recording: the width of a picture must be an int of 320 to 20000 pixels, got {width!r}")


def window(recording: Tape, start: float | None, end: float | None) -> tuple[float, float]:
    """Return the interval of time to show; it is never empty."""
    last = max((span.end for span in recording.spans), default=0.0)
    first = _recorded_from(recording) if start is None else start
    until = max(recording.seconds, last, first) if end is None else end
    if not (math.isfinite(first) and math.isfinite(until)) or (end is not None and until <= first):
        raise ValueError(f"recording: a picture must show a stretch of time, start < end, got {start!r} to {end!r}")
    return first, max(until, first + 1e-6)


def _recorded_from(recording: Tape) -> float:
    """Return the second from which no span is missing: the first kept end, because spans are dropped by their end."""
    if not recording.dropped or not recording.spans:
        return 0.0
    ends = [span.end for span in recording.spans]
    return min(ends) if min(ends) < max(ends) else min(span.start for span in recording.spans)


@attrs.frozen
class Gutter:
    """The room to the left of the rows: the stages, and their workers."""

    stages: float
    workers: float
    gap: float

    @classmethod
    def of(cls, rows: tuple[Row, ...], width: int, scale: float) -> Gutter:
        """Make a gutter as wide as the names need, up to a share of the picture's width."""
        stages = max((text_width(clean(bounded(row.stage)), 18 * scale, bold=True) for row in rows), default=0.0)
        workers = max((text_width(clean(bounded(row.short_title)), 15 * scale) for row in rows), default=0.0)
        return cls(min(stages, 0.22 * width), min(workers, 0.14 * width), 8 * scale)

    @property
    def width(self) -> float:
        """The whole width, gaps included."""
        return self.stages + self.workers + 3 * self.gap


class Sheet:
    """A chart while it is being laid out, from top to bottom."""

    def __init__(
        self, recording: Tape, rows: tuple[Row, ...], frame: Frame, gutter: Gutter, width: int, missing: str
    ) -> None:
        self.recording = recording
        self.missing = missing
        self.rows = rows
        self.frame = frame
        self.gutter = gutter
        self.width = width
        self.scale: float = frame.scale
        self.bands: list[tuple[float, float]] = []
        self.boxes: list[Box] = []
        self.labels: list[Label] = []

    def picture(self) -> Picture:
        """Make the whole picture."""
        y = self._heading(MARGIN * self.scale)
        top = y
        y = self._rows(y)
        bars = self.boxes
        self.boxes = []
        self._bands()
        y = self._axis(top, y) if self.rows else y
        self.boxes += bars
        boxes, labels, y = draw_legend({box.role for box in bars}, self.frame, MARGIN * self.scale, y)
        self.boxes += boxes
        self.labels += labels
        height = math.ceil(y + MARGIN * self.scale)
        self.boxes.insert(0, Box(0, 0, self.width, height, Role.PAPER))
        title, summary = self._title(), self._summary()
        return Picture(self.width, height, self.scale, title, summary, tuple(self.boxes), tuple(self.labels))

    def _title(self) -> str:
        return f"{clean(bounded(self.recording.network)) or 'network'}: {duration(self.recording.seconds)}"

    def _summary(self) -> str:
        spans = self.recording.spans
        failed = sum(1 for span in spans if span.error)
        parts = [count(len({span.item for span in spans if span.item}), "item")]
        parts.append(count(len({row.stage for row in self.rows}), "stage"))
        parts += [f"{failed:,} failed"] if failed else []
        parts += [f"{self.recording.dropped:,} older spans {self.missing}"] if self.recording.dropped else []
        return ", ".join(parts) if spans else "nothing was recorded"

    def _heading(self, y: float) -> float:
        x, room = MARGIN * self.scale, self.width - 2 * MARGIN * self.scale
        for text, size, role, bold in (
            (self._title(), 26 * self.scale, Role.TEXT, True),
            (self._summary(), 16 * self.scale, Role.FAINT, False),
        ):
            y += 1.25 * size
            self.labels.append(Label(x, y, shorten(text, size, room, bold), size, role, bold=bold))
        return y + 14 * self.scale

    def _rows(self, y: float) -> float:
        for stage, group in groupby(self.rows[:MOST_ROWS], key=lambda row: row.stage):
            rows, top = tuple(group), y
            for row in rows:
                frame = attrs.evolve(self.frame, row_height=self._height(row, rows))
                boxes, labels = draw_row(row, frame, y)
                self.boxes += boxes
                self.labels += labels
                self._name_worker(row, y)
                y += frame.row_height
            self._name_stage(stage, top, y - top)
            self.bands.append((top, y - top))
        missing = len(self.rows) - MOST_ROWS
        return y + (self._more_rows(missing, y) if missing > 0 else 0)

    def _height(self, row: Row, group: tuple[Row, ...]) -> float:
        has_work = any(span.activity is Activity.WORK for span in row.spans)
        return self.frame.row_height * height_of(has_work, len(group))

    def _more_rows(self, missing: int, y: float) -> float:
        size = 15 * self.scale
        self.labels.append(Label(MARGIN * self.scale, y + 1.3 * size, f"… and {missing:,} more rows", size, Role.FAINT))
        return 1.8 * size

    def _name_stage(self, stage: str, y: float, height: float) -> None:
        size = min(18 * self.scale, 0.9 * height)
        text = shorten(clean(bounded(stage)), size, self.gutter.stages + 1, bold=True)
        baseline = y + max(self.frame.row_height / 2 + 0.36 * size, 0.86 * size)
        self.labels.append(Label(MARGIN * self.scale, baseline, text, size, bold=True))

    def _name_worker(self, row: Row, y: float) -> None:
        size = min(15 * self.scale, 0.8 * self.frame.row_height)
        if row.short_title and size >= 8 * self.scale:
            text = shorten(clean(bounded(row.short_title)), size, self.gutter.workers + 1)
            baseline = y + self.frame.row_height / 2 + 0.36 * size
            self.labels.append(Label(self.frame.left - self.gutter.gap, baseline, text, size, Role.FAINT, Anchor.END))

    def _bands(self) -> None:
        for y, height in self.bands[::2]:
            self.boxes.append(Box(0, y, self.width, height, Role.BAND))

    def _axis(self, top: float, y: float) -> float:
        size = 15 * self.scale
        for time, text in self._ticks(size):
            x = self.frame.x(time)
            self.boxes.append(Box(x, top, self.scale, y - top + 5 * self.scale, Role.GRID))
            self.labels.append(Label(x, y + 6 * self.scale + size, text, size, Role.FAINT, Anchor.MIDDLE))
        return y + 6 * self.scale + 2.2 * size

    def _ticks(self, size: float) -> list[tuple[float, str]]:
        """Return the marks of the axis: as many as leave room between their texts."""
        found = ticks(self.frame.start, self.frame.end, max(2, int(self.frame.width / (6.5 * size))))
        room = 1.3 * max((text_width(text, size) for _, text in found))
        if len(found) * room > self.frame.width:
            found = ticks(self.frame.start, self.frame.end, max(2, int(self.frame.width / room)))
        return found


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
