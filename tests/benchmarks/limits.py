"""What a time limit for each item costs a chain of quick plain functions on the loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import trio

from penstock.blocks import IterableSource, Network

from .chains import contender, link, penstock_chain
from .measuring import Effort, Row, compare
from .workloads import Function, Sink

ITEMS = 200_000
BLOCKS = 4
SECONDS = 60.0


def rows(effort: Effort) -> Iterator[Row]:
    """Compare a chain without limits with one in which each item has a limit in each block but the last."""
    contenders = [
        contender("without limits", penstock_chain, BLOCKS),
        contender("time_limit=", limited, BLOCKS),
    ]
    timings = compare(f"time limits, blocks: {BLOCKS}", contenders, effort.items(ITEMS), effort)
    yield timings.row("without limits")
    yield timings.row("time_limit=", "without limits", at_most=2.5)


def limited(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    """The same chain, with a limit that no item reaches."""

    async def main() -> None:
        source = IterableSource(items)
        first, _ = link(functions, sink, time_limit=SECONDS)
        source.link_target(first)
        async with Network(source):
            pass

    trio.run(main)
