"""What a recording adds for each item in each stage, by the kind of the stages and of the items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import pairwise, repeat
from typing import Any

import trio

from penstock.agents import Agent
from penstock.blocks import (
    Call,
    IterableSource,
    Network,
    Recording,
    Source,
    Target,
    Threads,
    Transformer,
    UnboundedBuffer,
)

from .measuring import Contender, Effort, Row, compare
from .observing import BLOCKS, added_row
from .workloads import counting_sink, increment

ITEMS = 10_000
Items = Callable[[int], Iterable[Any]]
Stages = Callable[[], list[Any]]
"""Makes a chain: its first node takes the items, and its last one gives them."""


class Thing:
    """An item that can be referred to weakly, unlike a number."""


class Relay(Agent):
    """Hands on what it receives."""

    def __init__(self, given: Source[Any], taken: Target[Any]) -> None:
        super().__init__(inputs=[given], outputs=[taken])
        self.given, self.taken = given, taken

    async def run(self) -> None:
        async for x in self.given:
            await self.taken.send(x)


def same(x: Any) -> Any:
    return x


async def same_in_a_task(x: Any) -> Any:
    return x


def rows(effort: Effort) -> Iterator[Row]:
    """Compare each network with itself, recorded."""
    networks: dict[str, tuple[Items, Stages]] = {
        "numbers": (range, lambda: blocks(increment)),
        "one object": (partial(repeat, 0), lambda: blocks(same)),
        "things": (things, lambda: blocks(same)),
        "async functions": (range, lambda: blocks(same_in_a_task)),
        "threads": (range, lambda: blocks(same, executor=Threads(1))),
        "agents": (range, agents),
    }
    for name, (items, stages) in networks.items():
        contenders = [
            Contender("not recorded", partial(through, items, stages, recorded=False)),
            Contender("recorded", partial(through, items, stages, recorded=True)),
        ]
        timings = compare(f"recording, {name}", contenders, effort.items(ITEMS), effort)
        yield timings.row("not recorded")
        yield added_row(timings, "recorded", "not recorded", BLOCKS + 2)


def things(count: int) -> list[Thing]:
    return [Thing() for _ in range(count)]


def blocks(function: Callable[[Any], Any], **options: Any) -> list[Any]:
    """Make a chain of blocks."""
    stages = [Transformer[Any, Any](function, name=f"stage {number}", **options) for number in range(BLOCKS)]
    for stage, after in pairwise(stages):
        stage.link_target(after)
    return stages


def agents() -> list[Any]:
    """Make a chain of agents, with buffers between them."""
    buffers = [UnboundedBuffer[Any]() for _ in range(BLOCKS + 1)]
    relays = [Relay(before, after) for before, after in pairwise(buffers)]
    return [buffers[0], *relays, buffers[-1]]


def through(items: Items, stages: Stages, count: int, *, recorded: bool) -> int:
    """Send items through a chain; give how many arrived."""
    sink, arrived = counting_sink()

    async def main() -> None:
        source, chain = IterableSource(items(count)), stages()
        source.link_target(chain[0])
        chain[-1].link_target(Call(sink))
        async with Network(source, *chain, recording=Recording() if recorded else None):
            pass

    trio.run(main)
    return arrived()
