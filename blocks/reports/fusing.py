"""Finds neighbouring stages that would do better as one: a worker that calls both functions needs no hand-over."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..base.statistics import BlockStatistics
from ..base.units import listed, show
from .link_statistics import LinkKind, LinkStatistics
from .model import Stage

SHORT = 0.0005
"""Seconds per item; for longer stages, a hand-over takes a small part of the time."""
TOO_SMALL = 20e-6
"""Seconds per item; shorter ones need no executor at all."""


def lines_of(blocks: Iterable[BlockStatistics], links: Sequence[LinkStatistics]) -> list[list[str]]:
    """Return the lines of transformers in the same kind of executor, each linked to the next one only."""
    places = {block.name: block.place for block in blocks if block.kind == "transformer" and block.place != "loop"}
    out = Counter(link.source for link in links)
    into = Counter(link.target for link in links)
    after = {
        link.source: link.target
        for link in links
        if link.kind is LinkKind.LINK
        and not link.filter
        and link.remaining is None
        and out[link.source] == into[link.target] == 1
        and places.get(link.source, "") == places.get(link.target)
    }
    lines: list[list[str]] = []
    for name in after.keys() - after.values():
        line = [name]
        while line[-1] in after:
            line.append(after[line[-1]])
        lines.append(line)
    return sorted(lines)


def fused(lines: Iterable[Sequence[str]], stages: Sequence[Stage], least: float) -> Iterator[str]:
    """Yield advice in words: which stages of a line to put together.

    Args:
        lines: Lines of stages.
        stages: The measured stages.
        least: Seconds per item that the network needs anyway; a stage up to this long does not hold it up.
    """
    known = {stage.name: stage for stage in stages}
    for line in lines:
        for group in groups_of(line, known, least):
            total = sum(each(known[name]) for name in group)
            saved = "a hand-over" if len(group) == 2 else f"{len(group) - 1} hand-overs"
            yield (
                f"fuse {listed(tuple(group), len(group) + 1)}: one function that calls them takes {show(total)} per "
                f"item, which holds up nothing, and saves {saved} for each item"
            )


def groups_of(line: Sequence[str], stages: Mapping[str, Stage], least: float) -> Iterator[list[str]]:
    """Yield neighbours that are together no longer than `least`: as many as possible, from the left."""
    groups: list[list[str]] = [[]]
    total = 0.0
    for name in line:
        stage = stages.get(name)
        seconds = math.inf if stage is None else each(stage)
        group = groups[-1]
        has_same_items = not group or (stage is not None and stage.items == stages[group[0]].items)
        if seconds > SHORT or total + seconds > least or not has_same_items:
            groups.append(group := [])
            total = 0.0
        if seconds <= min(SHORT, least):
            group.append(name)
            total += seconds
    for group in groups:
        if len(group) > 1 and sum(each(stages[name]) for name in group) > TOO_SMALL:
            yield group


def each(stage: Stage) -> float:
    """Seconds per item."""
    return stage.seconds / stage.items
