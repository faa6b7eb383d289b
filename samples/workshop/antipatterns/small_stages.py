"""Stages that are too small: the hand-over costs more than the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import trio

from penstock.agents import Pipeline
from penstock.blocks import Threads
from penstock.samples.workshop.antipatterns.figures import AntiPattern, Figures

__all__ = ["SMALL_STAGES", "figures_of"]

STEPS, ON_THE_LOOP, IN_THREADS = 12, 5_000, 500  # the steps per item; the items of each run


def add_one(number: int) -> int:
    """Does very little."""
    return number + 1


def add_all(number: int) -> int:
    """Does the work of all steps."""
    for _ in range(STEPS):
        number = add_one(number)
    return number


def figures_of(
    *functions: Callable[[int], int], on_the_loop: int = ON_THE_LOOP, in_threads: int = IN_THREADS
) -> Figures:
    """Run the functions, one stage for each, on the loop and in threads; the two numbers say how many items."""
    return {
        "hand-overs per item": len(functions),
        "µs of work in an item": _work(on_the_loop),
        "µs per item, on the loop": _run(functions, on_the_loop, None),
        "µs per item, in threads": _run(functions, in_threads, Threads(2)),
    }


def _work(items: int) -> float:
    """The same work in a plain loop."""
    start = time.perf_counter()
    for item in range(items):
        add_all(item)
    return (time.perf_counter() - start) / items * 1e6


def _run(functions: Sequence[Callable[[int], int]], items: int, executor: Threads | None) -> float:
    pipeline = Pipeline(functions[0], executor=executor)
    for function in functions[1:]:
        pipeline = pipeline.map(function, executor=executor)
    start = time.perf_counter()
    results = trio.run(pipeline.collect, range(items))
    seconds = time.perf_counter() - start
    assert results == list(range(STEPS, items + STEPS))
    return seconds / items * 1e6


SMALL_STAGES = AntiPattern(
    "Stages too small",
    lambda: figures_of(*[add_one] * STEPS),
    lambda: figures_of(add_all),
    "Each hand-over costs something, and one to a thread or a process costs far more than such a step. Join small "
    "steps into one stage, or hand on batches.",
)
