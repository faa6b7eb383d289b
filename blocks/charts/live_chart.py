"""The chart of a run that goes on, as plain data that a web page, a notebook or a window can paint."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import ClassVar

import attrs

from ..base.activity import Activity
from ..base.checks import check_count
from .bars import BAR, COLUMN, HEIGHTS, THIN
from .colours import item_colour
from .legend import MEANINGS
from .picture import DARK, EDGE, HATCH, LIGHT, OUTLINED, Role
from .rows import Key, Lanes, Row, height_of, idle, in_order
from .span import Span


@attrs.frozen
class ChartRow:
    """A row of a `LiveChart`.

    Attributes:
        number: The row's number in bars; it stays the same when other rows are added.
        stage: The stage that the worker works for.
        title: The name of the row without the name of the stage beside it.
        worker: The text beside the name of the stage, if the stage has several rows; empty if it has one.
        is_first: Whether it is the first row of its stage, the one with the name of the stage.
        is_shaded: Whether its background is darker, as for every other stage.
        height: The height, as a share of the usual height of a row.
    """

    number: int
    stage: str
    title: str
    worker: str = ""
    is_first: bool = True
    is_shaded: bool = False
    height: float = 1.0


@attrs.frozen(slots=True)
class ChartBar:
    """A bar of a `LiveChart`.

    Attributes:
        row: The number of its row.
        span: The span that the bar shows.
        colour: The colour of the item, as "#rrggbb"; empty if the span is not work on an item.
    """

    row: int
    span: Span
    colour: str = ""


@attrs.frozen
class ChartStyle:
    """The colours and sizes of charts.

    The keys are the things that are drawn: "paper", "band" (below every other stage), "grid", "item" (work on no item
    in particular), "many" (work on items that is too short to be drawn one by one), "failed", "input" (a wait for an
    item), "output" (a wait to hand an item on; hatched), "rate" (a wait until a rate allows a call; two lines), "text",
    "faint" and "on-item" (the number on a bar).

    Attributes:
        light: Colours on a light screen.
        dark: Colours on a dark screen.
        edge: The colour of the outline of a bar.
        heights: The heights of bars, as shares of the height of their row.
        meanings: What the keys mean, for a legend.
        items: The colours of the first items, for a legend.
        thin: Pixels: narrower bars are merged into columns.
        column: Pixels: the width of these columns.
        outlined: Pixels: a narrower bar has no outline.
        hatch: Pixels from one line of the hatching to the next.
    """

    light: Mapping[str, str]
    dark: Mapping[str, str]
    edge: str
    heights: Mapping[str, float]
    meanings: Mapping[str, str]
    items: tuple[str, ...]
    thin: float
    column: float
    outlined: float
    hatch: float


def named(values: Mapping[Role, str]) -> dict[str, str]:
    """Replace the roles in a mapping by their names."""
    return {role.value: value for role, value in values.items()}


STYLE = ChartStyle(
    light=named(LIGHT),
    dark=named(DARK),
    edge=EDGE,
    heights={role.value: share for role, share in (HEIGHTS | {Role.ITEM: BAR, Role.MANY: BAR}).items()},
    meanings=named(MEANINGS),
    items=tuple(item_colour(number) for number in (1, 2, 3)),
    thin=THIN,
    column=COLUMN,
    outlined=OUTLINED,
    hatch=HATCH,
)


class LiveChart:
    """Sorts spans into rows as they come, for a chart that is drawn while the run goes on.

    It has the rows, names, lanes and colours of the charts that `Recording.save` writes. Give it the spans of a
    recording, draw `rows`, and ask `since` for the bars that are new.

    Args:
        stages: The order of the stages, as in `Recording.stages`; other stages come after them, sorted by name.
        max_bars: Up to this many of the newest bars are kept, >= 1.

    Attributes:
        style: The colours and sizes of all charts.
        count: The number of bars that have come.
    """

    style: ClassVar[ChartStyle] = STYLE

    def __init__(self, stages: Iterable[str] = (), max_bars: int = 10_000) -> None:
        check_count("live chart", "max_bars", max_bars)
        self.count: int = 0
        self._stages = tuple(stages)
        self._bars: deque[ChartBar] = deque(maxlen=max_bars)
        self._lanes: dict[tuple[str, str], Lanes] = {}
        self._numbers: dict[Key, int] = {}
        self._rows: dict[Key, bool] = {}  # the value: whether the row has work
        self._made: tuple[ChartRow, ...] | None = None

    def __repr__(self) -> str:
        return f"<LiveChart, {len(self._rows)} rows, {self.count} bars>"

    def arrange(self, stages: Iterable[str]) -> None:
        """Set the order of the stages."""
        if (order := tuple(stages)) != self._stages:
            self._stages, self._made = order, None

    def add(self, span: Span) -> None:
        """Add the next span; spans come in the order in which they end, as in a recording."""
        works = span.activity is Activity.WORK
        row = (span.stage, span.worker, self._lane(span) if works else 0)
        if row not in self._rows or (works and not self._rows[row]):
            self._rows[row], self._made = works, None
        self._bars.append(ChartBar(self._number(row), span, item_colour(span.item) if works and span.item else ""))
        self.count += 1

    def _lane(self, span: Span) -> int:
        worker = (span.stage, span.worker)
        lanes = self._lanes.get(worker)
        if lanes is None:
            lanes = self._lanes[worker] = Lanes()
        return lanes.place(span)

    def since(self, seen: int) -> tuple[ChartBar, ...]:
        """Return the bars after the first `seen` ones, without those that are no longer kept."""
        new = min(self.count - seen, len(self._bars))
        return tuple(self._bars[place] for place in range(len(self._bars) - new, len(self._bars)))

    @property
    def rows(self) -> tuple[ChartRow, ...]:
        """The rows so far, in order; a stage without spans has an empty row."""
        if self._made is None:
            self._made = self._make_rows()
        return self._made

    def _make_rows(self) -> tuple[ChartRow, ...]:
        order = in_order([*self._rows, *idle(self._stages, self._rows)], self._stages)
        sizes = Counter(stage for stage, _, _ in order)
        places = {stage: place for place, stage in enumerate(dict.fromkeys(stage for stage, _, _ in order))}
        begun: set[str] = set()
        rows: list[ChartRow] = []
        for key in order:
            row, stage = Row(*key), key[0]
            rows.append(
                ChartRow(
                    number=self._number(key),
                    stage=stage,
                    title=row.title,
                    worker=row.short_title,
                    is_first=stage not in begun,
                    is_shaded=places[stage] % 2 == 0,
                    height=height_of(self._rows.get(key, False), sizes[stage]),
                )
            )
            begun.add(stage)
        return tuple(rows)

    def _number(self, row: Key) -> int:
        return self._numbers.setdefault(row, len(self._numbers))
