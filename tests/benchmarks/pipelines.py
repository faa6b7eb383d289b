"""What it costs to iterate over a pipeline from plain Python and from asyncio, and what the limit and the source cost.

The baseline is the same pipeline in trio. The time is that of the clock on the wall, because two threads work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any

import trio

from penstock.agents import Pipeline

from .measuring import Contender, Effort, Row, compare
from .workloads import increment, spin

ITEMS = {"no work": 50_000, "10 µs": 20_000}
CALLS = 2_000
DEFAULT: dict[str, Any] = {}


def rows(effort: Effort) -> Iterator[Row]:
    """Compare the ways into a pipeline."""
    for what, function in (("no work", increment), ("10 µs", spin)):
        pipeline = Pipeline(function)
        is_target = function is spin
        contenders = [
            Contender("in trio", in_trio(pipeline, DEFAULT)),
            Contender("in trio, limit=None", in_trio(pipeline, {"limit": None})),
            Contender("run()", by_run(pipeline, DEFAULT)),
            Contender("run(), limit=16", by_run(pipeline, {"limit": 16})),
            Contender("run(), limit=None", by_run(pipeline, {"limit": None})),
            Contender("run(), a generator", by_run(pipeline, DEFAULT, numbers)),
            Contender("in asyncio", in_asyncio(pipeline, DEFAULT)),
        ]
        timings = compare(f"pipeline, one stage, {what}", contenders, effort.items(ITEMS[what]), effort, perf_counter)
        yield timings.row("in trio", unit=1e-6)
        for contender in contenders[1:]:
            at_most = 1.3 if is_target and contender.name in ("run()", "run(), a generator") else None
            yield timings.row(contender.name, "in trio", at_most=at_most, unit=1e-6)
    contenders = [
        Contender("in trio", in_trio(Pipeline(checkpoint, concurrency=16), DEFAULT)),
        Contender("in asyncio", in_asyncio(Pipeline(pause, concurrency=16), DEFAULT)),
    ]
    timings = compare("pipeline, asynchronous functions", contenders, effort.items(CALLS), effort, perf_counter)
    yield timings.row("in trio", unit=1e-6)
    yield timings.row("in asyncio", "in trio", unit=1e-6)


async def checkpoint(x: int) -> int:
    await trio.lowlevel.checkpoint()
    return x


async def pause(x: int) -> int:
    await asyncio.sleep(0)
    return x


def numbers(count: int) -> Iterator[int]:
    """The same items from a generator, which is read in a thread of its own."""
    yield from range(count)


def by_run(
    pipeline: Pipeline[int, int], options: dict[str, Any], make: Callable[[int], Iterable[int]] = range
) -> Callable[[int], int]:
    """A plain loop over the results."""

    def run(items: int) -> int:
        count = 0
        for _ in pipeline.run(make(items), **options):
            count += 1
        return count

    return run


def in_trio(pipeline: Pipeline[int, int], options: dict[str, Any]) -> Callable[[int], int]:
    """A loop over the results in trio."""

    async def main(items: int) -> int:
        count = 0
        async with pipeline.stream(range(items), **options) as results:
            async for _ in results:
                count += 1
        return count

    return lambda items: trio.run(main, items)


def in_asyncio(pipeline: Pipeline[int, int], options: dict[str, Any]) -> Callable[[int], int]:
    """A loop over the results in asyncio."""

    async def main(items: int) -> int:
        count = 0
        async with pipeline.stream(range(items), **options) as results:
            async for _ in results:
                count += 1
        return count

    return lambda items: asyncio.run(main(items))
