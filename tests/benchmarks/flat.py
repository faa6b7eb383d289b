"""The cost a hop, from 10³ to 10⁷ items and from 1 to 10,000 blocks.

A hop is a link: a chain of k blocks between a source and a sink has k + 1. What a network costs before its first item
(trio's loop, the nursery, the blocks themselves) is measured with no items in the same round and subtracted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median

from .chains import increments, penstock_chain
from .measuring import TICK, Contender, Effort, Row, time_once

MANY_ITEMS = ((1_000, 8), (10_000, 8), (100_000, 8), (1_000_000, 4), (10_000_000, 1))
MANY_BLOCKS = ((1_000_000, 1), (200_000, 10), (20_000, 100), (2_000, 1_000), (1_000, 10_000))
SPREAD = 2.0
LEAST_HOPS = 500_000


def rows(effort: Effort) -> Iterator[Row]:
    """Measure both series; one line a point, and one a series that says how far apart its points are."""
    for what, points in (("flat in items", MANY_ITEMS), ("flat in blocks", MANY_BLOCKS)):
        sizes = [(effort.items(items, 1_000), blocks) for items, blocks in points]
        costs = hop_costs(sizes, effort)
        for (items, blocks), cost in zip(sizes, costs, strict=True):
            yield Row(what, f"{items:,} items, blocks: {blocks:,}", f"{cost * 1e9:,.0f} ns a hop")
        spread = max(costs) / max(min(costs), TICK)
        yield Row(what, "all", "dearest hop", spread, "the cheapest", f"≤ {SPREAD:g} ×", spread <= SPREAD)


def hop_costs(sizes: list[tuple[int, int]], effort: Effort) -> list[float]:
    """The median seconds a hop of each size."""
    costs: list[list[float]] = [[] for _ in sizes]
    for _ in range(effort.rounds):
        for (items, blocks), measured in zip(sizes, costs, strict=True):
            hops = items * (blocks + 1)
            repeats = 1 if effort.rounds == 1 else max(1, min(50, LEAST_HOPS // hops))
            program = Contender("penstock", partial(increments, penstock_chain, blocks))
            seconds = [time_once(program, items) - time_once(program, 0) for _ in range(repeats)]
            measured.append(median(seconds) / hops)
    return [median(measured) for measured in costs]
