"""Async functions that sleep 1 ms, 16 at once and in order, against plain trio tasks without order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import perf_counter

import trio

from penstock.blocks import Call, IterableSource, Network, Transformer

from .measuring import Contender, Effort, Row, compare
from .workloads import counting_sink

ITEMS = 4_000
TASKS = 16
CHANNEL_BUFFER = 100


async def nap(x: int) -> int:
    await trio.sleep(0.001)
    return x + 1


def penstock_naps(blocks: int, items: int) -> int:
    sink, count = counting_sink()

    async def main() -> None:
        source = IterableSource(range(items))
        end: IterableSource[int] | Transformer[int, int] = source
        for _ in range(blocks):
            stage = Transformer(nap, concurrency=TASKS)
            end.link_target(stage)
            end = stage
        end.link_target(Call(sink))
        async with Network(source):
            pass

    trio.run(main)
    return count()


def plain_naps(blocks: int, items: int) -> int:
    """For each stage 16 tasks, joined by memory channels."""
    sink, count = counting_sink()

    async def work(source: trio.MemoryReceiveChannel[int], output: trio.MemorySendChannel[int]) -> None:
        async with source, output:
            async for x in source:
                await output.send(await nap(x))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            feed, source = trio.open_memory_channel[int](CHANNEL_BUFFER)
            for _ in range(blocks):
                output, after = trio.open_memory_channel[int](CHANNEL_BUFFER)
                for _ in range(TASKS):
                    nursery.start_soon(work, source.clone(), output.clone())
                source.close()
                output.close()
                source = after
            nursery.start_soon(fill, feed, items)
            async for x in source:
                sink(x)

    trio.run(main)
    return count()


async def fill(feed: trio.MemorySendChannel[int], items: int) -> None:
    async with feed:
        for x in range(items):
            await feed.send(x)


def bare_naps(blocks: int, items: int) -> int:
    """For each stage 16 tasks that only sleep: nothing is handed from stage to stage."""
    sink, count = counting_sink()

    async def work(numbers: Iterator[int], is_last: bool) -> None:
        for x in numbers:
            x = await nap(x)
            if is_last:
                sink(x)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for stage in range(1, blocks + 1):
                numbers = iter(range(items))
                for _ in range(TASKS):
                    nursery.start_soon(work, numbers, stage == blocks)

    trio.run(main)
    return count()


def rows(effort: Effort) -> Iterator[Row]:
    """Compare at 1 and 4 blocks."""
    for blocks in (1, 4):
        contenders = [
            Contender("plain tasks", partial(plain_naps, blocks)),
            Contender("penstock", partial(penstock_naps, blocks)),
            Contender("tasks, no channels", partial(bare_naps, blocks)),
        ]
        timings = compare(
            f"sleeps of 1 ms, blocks: {blocks}", contenders, effort.items(ITEMS, 64), effort, perf_counter
        )
        yield timings.row("plain tasks", unit=1e-6)
        yield timings.row("penstock", "plain tasks", at_most=1.15, unit=1e-6)
        yield timings.row("penstock", "tasks, no channels", unit=1e-6)
