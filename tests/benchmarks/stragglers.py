"""Ordered with stragglers: every 40th of 400 items takes 200 ms instead of 5, 8 at once, window 128."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter

import trio

from penstock.blocks import Call, IterableSource, Network, Transformer

from .measuring import Contender, Effort, Row, WrongResult, time_once

ITEMS = 400
CONCURRENCY = 8
WINDOW = 128
QUICK_SECONDS, SLOW_SECONDS = 0.005, 0.2
EVERY = 40
AT_MOST = 1.6


def duration(number: int) -> float:
    """How long an item takes; items are counted from 1."""
    return QUICK_SECONDS if number % EVERY else SLOW_SECONDS


def lower_bound(items: int) -> float:
    """The seconds that the work takes if no worker is ever idle."""
    return sum(duration(number) for number in range(1, items + 1)) / CONCURRENCY


async def work(number: int) -> int:
    await trio.sleep(duration(number))
    return number


def run(items: int) -> int:
    """Give how many items arrived; they have to arrive in order."""
    arrived: list[int] = []

    async def main() -> None:
        source = IterableSource(range(1, items + 1))
        stage = Transformer(work, concurrency=CONCURRENCY, window=WINDOW)
        source.link_target(stage)
        stage.link_target(Call(arrived.append))
        async with Network(source):
            pass

    trio.run(main)
    if arrived != sorted(arrived):
        raise WrongResult("the items are out of order")
    return len(arrived)


def rows(effort: Effort) -> Iterator[Row]:
    """Compare with the lower bound."""
    items = ITEMS if effort.rounds > 1 else EVERY
    bound = lower_bound(items)
    seconds = median(time_once(Contender("penstock", run), items, perf_counter) for _ in range(effort.rounds))
    ratio = seconds / bound
    against = f"the bound, {bound * 1e3:.0f} ms"
    yield Row("stragglers", "penstock", f"{seconds * 1e3:.0f} ms", ratio, against, f"≤ {AT_MOST:g} ×", ratio <= AT_MOST)
