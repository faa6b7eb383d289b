"""The newest bars of the scheduling diagram, row by row, in bounded memory."""

# Work that a block does in workers is recorded without saying which of its rows it belongs to: rows are numbered here,
# so that there are never more of them than images a block can have in work. Spans come in the order in which they end;
# taking for each the row that was free last puts them into as few rows as can be.

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from penstock.blocks import Activity, Recording, Span

__all__ = ["Bar", "Reel"]

Bar = tuple[int, int, float, float, str, str]
"""Row, item, start and end in seconds since the start of the run, kind, label."""

_KINDS = {Activity.WORK: "w", Activity.WAIT_FOR_INPUT: "i", Activity.WAIT_FOR_OUTPUT: "o"}
_ROUNDING = 1e-4


class Reel:
    """Takes spans, and gives bars to those who have seen the ones before.

    Args:
        stages: by stage, how many images it can have in work at a time; others are not shown.
        max_bars: so many are kept.
    """

    def __init__(self, stages: Mapping[str, int], max_bars: int = 2000) -> None:
        self.rows: tuple[str, ...] = tuple(
            stage if number == 1 else f"{stage} {lane}"
            for stage, number in stages.items()
            for lane in range(1, number + 1)
        )
        self._first: dict[str, int] = {}
        for stage in stages:
            self._first[stage] = sum(stages[before] for before in self._first)
        self._until: dict[str, list[float]] = {stage: [0.0] * number for stage, number in stages.items()}
        self._bars = deque[Bar](maxlen=max_bars)
        self._recorded = 0
        self.count = 0

    def since(self, seen: int) -> list[Bar]:
        """Return the bars that came after the first `seen`, as far as they are still there."""
        new = min(self.count - seen, len(self._bars))
        return [self._bars[number] for number in range(len(self._bars) - new, len(self._bars))]

    def work(self, stage: str, item: int, start: float, end: float, label: str = "", failed: bool = False) -> None:
        """Add work on an item."""
        until = self._until.get(stage)
        if until is None:
            return
        free = [lane for lane, end_before in enumerate(until) if end_before <= start + _ROUNDING]
        lane = max(free, key=until.__getitem__) if free else until.index(min(until))
        until[lane] = max(until[lane], end)
        self._add((self._first[stage] + lane, item, round(start, 5), round(end, 5), "f" if failed else "w", label))

    def collect(self, recording: Recording, offset: float, works: bool) -> None:
        """Add what a recording has got since the last time.

        Args:
            recording: the recording of the run.
            offset: when it began, in seconds since the start of the run.
            works: whether to take the work from it, or only the waits.
        """
        spans = recording.spans
        total = recording.dropped + len(spans)
        new = min(total - self._recorded, len(spans))
        self._recorded = total
        for span in spans[len(spans) - new :]:
            if span.activity is not Activity.WORK:
                self._wait(span, offset)
            elif works:
                start, end = span.start + offset, span.end + offset
                self.work(span.stage, span.item, start, end, failed=bool(span.error))

    def _wait(self, span: Span, offset: float) -> None:
        """Add a wait: a stage waits as a whole, in all its rows."""
        first, kind = self._first.get(span.stage), _KINDS[span.activity]
        if first is not None:
            start, end = round(span.start + offset, 5), round(span.end + offset, 5)
            for lane in range(len(self._until[span.stage])):
                self._add((first + lane, span.item, start, end, kind, ""))

    def _add(self, bar: Bar) -> None:
        self._bars.append(bar)
        self.count += 1
