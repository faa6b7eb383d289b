"""A chain of plain functions from an iterable to a sink, as Penstock runs it and as it is done without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import Call, IterableSource, Network, Transformer

from .measuring import Contender
from .workloads import Function, Sink, counting_sink, increment

Chain = Callable[[Iterable[int], Sequence[Function], Sink], None]
CHANNEL_BUFFER = 100


def bare_loop(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    for x in items:
        for function in functions:
            x = function(x)
        sink(x)


def link(
    functions: Sequence[Function], sink: Sink, *, time_limit: float | None = None
) -> tuple[Transformer[int, int], Call[int]]:
    """Link a transformer a function and a call for the sink; give the first and the last block."""
    stages = [
        Transformer(function, time_limit=time_limit, name=f"stage {number}")
        for number, function in enumerate(functions, start=1)
    ]
    last = Call(sink, name="sink")
    for stage, after in zip(stages, [*stages[1:], last], strict=True):
        stage.link_target(after)
    return stages[0], last


def penstock_chain(
    items: Iterable[int], functions: Sequence[Function], sink: Sink, governor: PipelineGovernor | None = None
) -> None:
    async def main() -> None:
        source = IterableSource(items)
        first, last = link(functions, sink)
        source.link_target(first)
        if governor is not None:
            governor.govern(first, last)
        async with Network(source):
            pass

    trio.run(main)


def penstock_governed(items: Iterable[int], functions: Sequence[Function], sink: Sink, limit: int = 1000) -> None:
    penstock_chain(items, functions, sink, PipelineGovernor(limit))


def penstock_sends(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    async def main() -> None:
        first, _ = link(functions, sink)
        async with Network(first):
            for x in items:
                await first.send(x)

    trio.run(main)


def memory_channels(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    async def feed(output: trio.MemorySendChannel[int]) -> None:
        async with output:
            for x in items:
                await output.send(x)

    async def stage(
        function: Function, source: trio.MemoryReceiveChannel[int], output: trio.MemorySendChannel[int]
    ) -> None:
        async with source, output:
            async for x in source:
                await output.send(function(x))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            output, source = trio.open_memory_channel[int](CHANNEL_BUFFER)
            nursery.start_soon(feed, output)
            for function in functions:
                output, after = trio.open_memory_channel[int](CHANNEL_BUFFER)
                nursery.start_soon(stage, function, source, output)
                source = after
            async for x in source:
                sink(x)

    trio.run(main)


def increments(chain: Chain, blocks: int, items: int) -> int:
    """Run a chain of increments and give how many items arrived."""
    sink, count = counting_sink()
    chain(range(items), [increment] * blocks, sink)
    return count()


def contender(name: str, chain: Chain, blocks: int, share: float = 1.0) -> Contender:
    """Let a chain of increments take part in a comparison."""
    return Contender(name, partial(increments, chain, blocks), share)
