"""The rows of a diagram of a recording: the workers of each stage, and what each of them did."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from .picture import LONGEST
from .span import Span

if TYPE_CHECKING:
    from ..recording.recording import Recording


@attrs.frozen
class Row:
    """What one worker did; no two spans of a row overlap.

    Attributes:
        stage: The stage that the worker works for.
        worker: Its name; that of the stage if the stage has no workers.
        lane: 0, or a further number where a worker did several things at once.
        spans: In the order in which they began.
    """

    stage: str
    worker: str
    lane: int
    spans: tuple[Span, ...]

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


def rows_of(recording: Recording) -> tuple[Row, ...]:
    """Sort the spans into rows: by stage in the order of the stages, then by worker, then by lane."""
    by_worker: dict[tuple[str, str], list[Span]] = {}
    for span in recording.spans:
        by_worker.setdefault((span.stage, span.worker), []).append(span)
    for stage in set(recording.stages) - {stage for stage, _ in by_worker}:
        by_worker[stage, stage] = []  # it had nothing to do, which is worth seeing
    stages = {stage: number for number, stage in enumerate(recording.stages)}
    order = sorted(by_worker, key=lambda key: (stages.get(key[0], len(stages)), key[0], natural(key[1])))
    return tuple(
        Row(stage, worker, lane, tuple(spans))
        for stage, worker in order
        for lane, spans in enumerate(into_lanes(by_worker[stage, worker]))
    )


def natural(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key of a name in which numbers count as numbers: "filter 2" comes before "filter 10".

    Names that differ only far behind are in the order of the alphabet.
    """
    parts = (part for part in re.split(r"(\d+)", name[:LONGEST]) if part)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts), name


def into_lanes(spans: Iterable[Span]) -> list[list[Span]]:
    """Lay spans into as few lanes as there are going on at once, the lowest that is free first."""
    lanes: list[list[Span]] = [[]]
    busy: list[tuple[float, int]] = []  # until when, which lane
    free: list[int] = [0]
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        while busy and busy[0][0] <= span.start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(span)
        heapq.heappush(busy, (span.end, lane))
    return lanes
