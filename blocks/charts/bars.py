"""The bars of one row of the chart.

Bars that would be too thin to see are merged into columns of a few pixels, so a row has a bounded number of boxes for
any number of spans. The height of a column is the share of the time with work. Above it is the share in which a call
waited for its rate, and then, hatched, that in which an output waited to be taken. In the rest of the time, the worker
waited for items or did nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from ..base.activity import Activity
from .colours import item_colour
from .picture import Anchor, Box, Label, Role, bounded, clean, text_width
from .rows import Row
from .span import Span
from .ticks import duration

THIN = 1.5
COLUMN = 4
"""Pixels: bars that are narrower than THIN are merged into columns of this width; both grow with the picture."""
WAIT_ROLES = {
    Activity.WAIT_FOR_INPUT: Role.INPUT,
    Activity.WAIT_FOR_OUTPUT: Role.OUTPUT,
    Activity.WAIT_FOR_RATE: Role.RATE,
}
STACKED = {Activity.WORK: Role.MANY, Activity.WAIT_FOR_RATE: Role.RATE, Activity.WAIT_FOR_OUTPUT: Role.OUTPUT}
HEIGHTS = {Role.INPUT: 0.1, Role.OUTPUT: 0.42, Role.RATE: 0.3, Role.FAILED: 0.28}
"""The heights of boxes, as shares of the height of a row."""
BAR = 0.84
"""The height of a bar, as a share of the height of its row."""


@attrs.frozen
class Frame:
    """The place of the rows, and the interval of time that they show."""

    left: float
    width: float
    start: float
    end: float
    row_height: float
    scale: float

    @property
    def thin(self) -> float:
        """The width below which a bar is merged into a column."""
        return THIN * max(1.0, self.scale)

    @property
    def column(self) -> float:
        """The width of a column."""
        return COLUMN * max(1.0, self.scale)

    def x(self, time: float) -> float:
        """Return the x of a time; the nearest edge if the time is outside."""
        share = (time - self.start) / (self.end - self.start)
        return self.left + self.width * min(1.0, max(0.0, share))

    def shows(self, span: Span) -> bool:
        """Whether any part of a span is inside the interval."""
        return span.end >= self.start and span.start <= self.end


@attrs.define
class Crowd:
    """Spans of one activity that begin in one column of a row."""

    first: Span
    count: int = 0
    seconds: float = 0.0
    items: tuple[int, int] = (0, 0)
    error: str = ""
    failed: int = 0

    def add(self, span: Span) -> None:
        """Count one more span."""
        low, high = self.items if self.count else (span.item, span.item)
        self.items = min(low, span.item), max(high, span.item)
        self.count += 1
        self.seconds += span.seconds
        self.error = self.error or span.error
        self.failed += bool(span.error)


def draw_row(row: Row, frame: Frame, top: float) -> tuple[list[Box], list[Label]]:
    """Make the boxes and labels of a row; work is drawn over waits."""
    wide: list[Span] = []
    columns: dict[int, dict[Activity, Crowd]] = {}
    for span in row.spans:
        if frame.shows(span):
            x = frame.x(span.start)
            if frame.x(span.end) - x >= frame.thin:
                wide.append(span)
            else:
                column = columns.setdefault(int((x - frame.left) / frame.column), {})
                column.setdefault(span.activity, Crowd(span)).add(span)
    boxes = [box for span in wide for box in draw_span(span, frame, top)]
    boxes += [box for number, column in columns.items() for box in draw_column(number, column, frame, top)]
    boxes.sort(key=lambda box: box.role in (Role.ITEM, Role.MANY, Role.FAILED))
    return boxes, [label for span in wide for label in number_on(span, frame, top)]


def draw_span(span: Span, frame: Frame, top: float) -> Iterator[Box]:
    """Make the boxes of one span."""
    x = frame.x(span.start)
    width = max(frame.thin, frame.x(span.end) - x)
    title = describe(span)
    if span.activity is Activity.WORK:
        height = BAR * frame.row_height
        fill = item_colour(span.item) if span.item else ""
        yield Box(x, top + 0.08 * frame.row_height, width, height, Role.ITEM, fill, title)
        if span.error:
            height = max(2.0, HEIGHTS[Role.FAILED] * frame.row_height)
            yield mark_failed(x, max(width, 3.0), height, frame, top, title)
    else:
        yield from draw_wait(WAIT_ROLES[span.activity], x, width, top, frame.row_height, title)


def draw_wait(role: Role, x: float, width: float, top: float, row_height: float, title: str = "") -> Iterator[Box]:
    """Make the boxes of a wait, in the middle of a row: two lines if it is a wait for a rate."""
    height = max(1.5, HEIGHTS[role] * row_height)
    y = top + (row_height - height) / 2
    if role is not Role.RATE:
        yield Box(x, y, width, height, role, "", title)
        return
    line = max(1.0, height / 4)
    yield Box(x, y, width, line, role, "", title)
    yield Box(x, y + height - line, width, line, role, "", title)


def mark_failed(x: float, width: float, height: float, frame: Frame, top: float, title: str) -> Box:
    """Make the mark at the foot of a bar for a failure."""
    return Box(x, top + 0.92 * frame.row_height - height, width, height, Role.FAILED, "", title)


def draw_column(number: int, column: Mapping[Activity, Crowd], frame: Frame, top: float) -> Iterator[Box]:
    """Make the boxes of a column; if each activity has one span, the spans are drawn, wide enough to be seen."""
    if all(crowd.count == 1 for crowd in column.values()):
        for crowd in column.values():
            yield from draw_span(crowd.first, frame, top)
        return
    x, bottom = frame.left + number * frame.column, top + 0.92 * frame.row_height
    of_time = BAR * frame.row_height * frame.width / frame.column / (frame.end - frame.start)
    for activity, role in STACKED.items():
        if activity in column:
            title = describe_crowd(column[activity])
            height = min(max(1.0, column[activity].seconds * of_time), bottom - top)
            bottom -= height
            yield Box(x, bottom, frame.column, height, role, "", title)
            if column[activity].error:  # the share of failed items: a few failures must not make a whole row red
                failed = height * column[activity].failed / column[activity].count
                yield mark_failed(x, frame.column, max(1.0, failed), frame, top, title)
    if list(column) == [Activity.WAIT_FOR_INPUT]:
        title = describe_crowd(column[Activity.WAIT_FOR_INPUT])
        yield from draw_wait(Role.INPUT, x, frame.column, top, frame.row_height, title)


def number_on(span: Span, frame: Frame, top: float) -> Iterator[Label]:
    """Write an item's number on its bar, if it fits."""
    if span.activity is not Activity.WORK or not span.item or frame.row_height < 12 * frame.scale:
        return
    left, right = frame.x(span.start), frame.x(span.end)
    text = f"{span.item} ×" if span.error else str(span.item)
    full = min(17 * frame.scale, 0.6 * frame.row_height)
    size = next((s for s in (full, 0.8 * full) if text_width(text, s, bold=True) + 4 <= right - left), None)
    if size is not None:
        y = top + frame.row_height / 2 + 0.36 * size - (0.1 * frame.row_height if span.error else 0)
        yield Label((left + right) / 2, y, text, size, Role.ON_ITEM, Anchor.MIDDLE, bold=True)


def describe(span: Span) -> str:
    """Describe a span in full."""
    item = f"item {span.item}" if span.item else ""
    what = item or "work" if span.activity is Activity.WORK else " ".join((span.activity.value, item)).strip()
    parts = [f"{bounded(span.worker)}: {what}, {duration(span.seconds)} from {duration(span.start)}"]
    return clean("; ".join([*parts, *filter(None, (bounded(span.label), bounded(span.error)))]))


def describe_crowd(crowd: Crowd) -> str:
    """Describe the spans of a column."""
    worker, what = bounded(crowd.first.worker), crowd.first.activity.value
    low, high = crowd.items
    items = f", items {low} to {high}" if low != high else f", item {low}" if low else ""
    text = f"{worker}: {crowd.count} × {what}{items}, {duration(crowd.seconds)} from {duration(crowd.first.start)}"
    return clean(f"{text}; {bounded(crowd.error)}" if crowd.error else text)
