"""Large copies: two stages in processes hand a large table to each other."""

from __future__ import annotations

import pickle
import random
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import trio

from penstock.blocks import Call, Network, Processes, Transformer
from penstock.samples.workshop.antipatterns.figures import AntiPattern, Figures

__all__ = ["LARGE_COPIES", "run"]

ROWS, ITEMS = 100_000, 12


def load(seed: int, rows: int = ROWS) -> list[tuple[int, float]]:
    """Stands for reading a table from a file."""
    dice = random.Random(seed)
    return [(row, dice.random()) for row in range(rows)]


def summarise(table: list[tuple[int, float]]) -> float:
    """Makes one number of a table."""
    return sum(value for _, value in table)


def load_and_summarise(seed: int) -> float:
    """Does both in one process, so that only a number travels."""
    return summarise(load(seed))


def run(*functions: Callable[[Any], Any]) -> float:
    """Run some functions in processes, one block for each; return the milliseconds per item."""
    executor = Processes(2)

    async def main() -> None:
        stages = [Transformer[Any, Any](function, executor=executor) for function in functions]
        for stage, following in pairwise(stages):
            stage.link_target(following)
        stages[-1].link_target(Call(abs))
        async with Network(stages[0]):
            for seed in range(ITEMS):
                await stages[0].send(seed)

    with executor:
        trio.run(main)  # starts the processes
        start = time.perf_counter()
        trio.run(main)
        return (time.perf_counter() - start) / ITEMS * 1000


def _harm() -> Figures:
    table = len(pickle.dumps(load(1)))
    return {"bytes that travel per item": 2 * table, "ms per item": run(load, summarise)}


def _cure() -> Figures:
    number = len(pickle.dumps(load_and_summarise(1)))
    return {"bytes that travel per item": number, "ms per item": run(load_and_summarise)}


LARGE_COPIES = AntiPattern(
    "Large copies",
    _harm,
    _cure,
    "What goes to another process is copied, there and back. Send names and numbers, and join stages that hand large "
    "things to each other. Threads and the loop copy nothing: there a reference is handed on.",
)
