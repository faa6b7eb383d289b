"""Shared state: several calls change the same object, and overwrite each other's changes."""

from __future__ import annotations

import trio
import trio.testing

from penstock.blocks import Call, Fold, Network, Transformer
from penstock.samples.workshop.antipatterns.figures import AntiPattern, Figures

__all__ = ["SHARED_STATE"]

ITEMS, AT_ONCE = 1000, 4


async def weigh(item: int) -> int:
    """Stands for work on an item, such as a question to a database."""
    await trio.sleep(0.01)
    return 1


async def _with_shared_total() -> Figures:
    total = 0

    async def add(item: int) -> None:
        nonlocal total
        before = total
        total = before + await weigh(item)  # meanwhile, other calls have read the same `before`

    block = Call(add, concurrency=AT_ONCE)
    async with Network(block):
        for item in range(ITEMS):
            await block.send(item)
    return {"items": ITEMS, "counted": total}


async def _with_results() -> Figures:
    totals: list[int] = []
    block = Transformer(weigh, concurrency=AT_ONCE)
    total = Fold[int, int](lambda so_far, weight: so_far + weight, 0)
    block.link_target(total)
    total.link_target(Call(totals.append))
    async with Network(block):
        for item in range(ITEMS):
            await block.send(item)
    return {"items": ITEMS, "counted": totals[0]}


def _harm() -> Figures:
    return trio.run(_with_shared_total, clock=trio.testing.MockClock(autojump_threshold=0))


def _cure() -> Figures:
    return trio.run(_with_results, clock=trio.testing.MockClock(autojump_threshold=0))


SHARED_STATE = AntiPattern(
    "Shared state",
    _harm,
    _cure,
    "Calls that share an object change it at the same time. Return a result instead, and let one block own the state: "
    "a `Fold`, or an agent with a variable of its own.",
)
