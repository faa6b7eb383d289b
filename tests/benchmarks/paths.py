"""The paths that are not the inline chain: agents, filters, one to many, several inputs, governors, small networks.

Each is measured beside the peer or the baseline that one would compare it with, in the same run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import trio

from penstock.agents import Agent, PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Batch,
    Block,
    BoundedBuffer,
    Call,
    Choice,
    IterableSource,
    Network,
    Source,
    Target,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)

from .measuring import Contender, Effort, Program, Row, compare
from .parts import Relay, joined, run_network, same
from .workloads import counting_sink, increment

ITEMS = 50_000
NETWORKS = 1_000
STAGES = 4


# A hop between two agents


class Feed(Agent):
    """Sends numbers."""

    def __init__(self, output: Target[int], items: int) -> None:
        super().__init__(outputs=[output])
        self.output, self.items = output, items

    async def run(self) -> None:
        for x in range(self.items):
            await self.output.send(x)


def agents(make: Callable[[], Any], items: int) -> int:
    """An agent sends into a buffer, another one reads it."""
    buffer = make()
    relay = Relay(buffer)
    run_network(Feed(buffer, items), relay)
    return relay.count


def asyncio_queue(size: int, items: int) -> int:
    """Two tasks of asyncio, and a queue between them."""
    count = 0

    async def feed(queue: asyncio.Queue[int | None]) -> None:
        for x in range(items):
            await queue.put(x)
        await queue.put(None)

    async def main() -> None:
        nonlocal count
        queue = asyncio.Queue[int | None](size)
        feeding = asyncio.create_task(feed(queue))
        while await queue.get() is not None:
            count += 1
        await feeding

    asyncio.run(main())
    return count


# Stages in a chain


def chain(make: Callable[[], Sequence[Any]], items: int) -> int:
    """A source, some stages, and a sink."""
    sink, count = counting_sink()
    source = IterableSource(range(items))
    parts: list[Any] = [source, *make(), Call(sink)]
    for before, after in pairwise(parts):
        before.link_target(after)
    run_network(source)
    return count()


def transformers() -> list[Transformer[int, int]]:
    return [Transformer(increment, name=f"stage {number}") for number in range(STAGES)]


def hop(items: int) -> int:
    """As many hops as there are items, in a chain."""
    return items - STAGES * (items // STAGES) + STAGES * chain(transformers, items // STAGES)


def filtering() -> list[Transformer[int, int]]:
    return [Transformer(increment, filter=is_small, name=f"stage {number}") for number in range(STAGES)]


def many() -> list[TransformMany[int, int]]:
    return [TransformMany(one, name=f"stage {number}") for number in range(STAGES)]


def timed() -> list[Transformer[int, int]]:
    return [Transformer(increment, time_limit=10, name=f"stage {number}") for number in range(STAGES)]


def batches() -> list[Block]:
    return [Batch[int](1)]


def is_small(x: int) -> bool:
    return x >= 0


def is_even(x: int) -> bool:
    return x % 2 == 0


def is_odd(x: int) -> bool:
    return x % 2 == 1


def one(x: int) -> tuple[int]:
    return (x + 1,)


def filtered_links(items: int) -> int:
    """A chain with a filter on the link to each stage."""
    sink, count = counting_sink()
    source, stages = IterableSource(range(items)), transformers()
    parts: list[Any] = [source, *stages]
    for before, after in pairwise(parts):
        before.link_target(after, is_small)
    stages[-1].link_target(Call(sink))
    run_network(source)
    return count()


def two_filters(items: int) -> int:
    """Two links with filters, for even and odd numbers."""
    sink, count = counting_sink()
    source = IterableSource(range(items))
    source.link_target(Call(sink, name="even"), is_even)
    source.link_target(Call(sink, name="odd"), is_odd)
    run_network(source)
    return count()


def governed(items: int) -> int:
    """A chain in which at most 10 items are in flight."""
    sink, count = counting_sink()
    source, stages, last = IterableSource(range(items)), transformers(), Call(sink)
    parts: list[Any] = [source, *stages, last]
    for before, after in pairwise(parts):
        before.link_target(after)
    PipelineGovernor(10).govern(stages[0], last)
    run_network(source)
    return count()


def generators(items: int) -> int:
    """A chain of generators: the least that one-to-many stages can cost."""

    def stage(numbers: Iterator[int]) -> Iterator[int]:
        for x in numbers:
            yield x + 1

    numbers = iter(range(items))
    for _ in range(STAGES):
        numbers = stage(numbers)
    return sum(1 for _ in numbers)


# Several inputs


def inputs(make: Callable[..., Any], items: int) -> int:
    """A block with two inputs, from sources of even and odd numbers; each result counts all its parts."""
    count = 0

    def sink(result: Any) -> None:
        nonlocal count
        count += 1

    both = [IterableSource(range(start, items + 1, 2)) for start in (1, 2)]
    block = make(*both)
    block.link_target(Call(sink))
    run_network(*both)
    return count


def multiplexer(*sources: Source[int]) -> SequenceMultiplexer[int]:
    return SequenceMultiplexer(*sources, key=same)


# Small networks


def networks(blocks: int, items: int) -> int:
    """Make, enter and leave networks of a few blocks, without an item."""

    async def main() -> None:
        for _ in range(items):
            stages = [Transformer(increment) for _ in range(blocks - 2)]
            parts: list[Any] = [IterableSource[int](()), *stages, Call[int](same)]
            for before, after in pairwise(parts):
                before.link_target(after)
            async with Network(parts[0]):
                pass

    trio.run(main)
    return items


def nurseries(tasks: int, items: int) -> int:
    """Nurseries with tasks that end at once."""

    async def work() -> None:
        pass

    async def main() -> None:
        for _ in range(items):
            async with trio.open_nursery() as nursery:
                for _ in range(tasks):
                    nursery.start_soon(work)

    trio.run(main)
    return items


Goal = tuple[str, Program, float | None]
"""The name of a contender, its program, and the largest ratio to the first one that is aimed at."""
PATHS: list[tuple[str, int, list[Goal]]] = [
    (
        "agents, unbounded buffer",
        1,
        [
            ("asyncio.Queue", partial(asyncio_queue, 0), None),
            ("two agents", partial(agents, UnboundedBuffer[int]), 0.63),
        ],
    ),
    (
        "agents, buffer of 100",
        1,
        [
            ("asyncio.Queue", partial(asyncio_queue, 100), None),
            ("two agents", partial(agents, partial(BoundedBuffer[int], 100)), 0.74),
        ],
    ),
    (
        f"{STAGES} stages, per item and stage",
        STAGES,
        [
            ("no filter", partial(chain, transformers), None),
            ("filter of the block", partial(chain, filtering), 1.9),
            ("filter of the link", filtered_links, 1.9),
            ("time limit", partial(chain, timed), 2.5),
            ("governor of 10", governed, 6.25),
        ],
    ),
    (
        "one to many, per item and stage",
        STAGES,
        [("generators", generators, None), ("TransformMany", partial(chain, many), 4.2)],
    ),
    (
        "several inputs, a result",
        1,
        [
            ("a plain hop", hop, None),
            ("two filtered links", two_filters, 3.75),
            ("Join of 2", partial(joined, False), 10),
            ("Choice of 2", partial(inputs, Choice), 10),
            ("SequenceMultiplexer of 2", partial(inputs, multiplexer), 10),
            ("Batch(1)", partial(chain, batches), 10),
        ],
    ),
]
SMALL: list[Goal] = [
    ("trio nursery with 3 tasks", partial(nurseries, 3), None),
    ("network of 3 blocks", partial(networks, 3), 1.43),
]


def rows(effort: Effort) -> Iterator[Row]:
    """Compare each path with the first program of its group."""
    for what, stages, goals in PATHS:
        yield from compared(what, stages, goals, effort.items(ITEMS), effort)
    yield from compared("small network", 1, SMALL, effort.items(NETWORKS), effort)


def compared(what: str, stages: int, goals: list[Goal], items: int, effort: Effort) -> Iterator[Row]:
    """Compare the programs of a group with its first one."""
    timings = compare(what, [Contender(name, program) for name, program, _ in goals], items, effort).per(stages)
    first = goals[0][0]
    for name, _, at_most in goals:
        yield timings.row(name, None if name == first else first, at_most=at_most)
