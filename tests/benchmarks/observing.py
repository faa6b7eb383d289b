"""What it costs to be able to see what runs: statistics, which are always on, and recordings, which are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any
from unittest import mock

import trio

from penstock.blocks import IterableSource, Network, Recording
from penstock.blocks.core.inbox import Inbox
from penstock.blocks.functions.call_meter import CallMeter
from penstock.blocks.functions.function_block import FunctionCore
from penstock.blocks.iterable_source import SourceCore

from .chains import contender, link, penstock_chain
from .measuring import Effort, Row, Timings, compare
from .workloads import Function, Sink

ITEMS = 200_000
BLOCKS = 4
MOST_ADDED = 2e-6
"""Seconds that a recording may add for each item in each stage."""


def rows(effort: Effort) -> Iterator[Row]:
    """Compare a chain with one that takes no statistics, and with one that is recorded."""
    contenders = [
        contender("without statistics", without_statistics, BLOCKS),
        contender("with statistics", penstock_chain, BLOCKS),
        contender("recorded", recorded, BLOCKS, 0.05),
    ]
    timings = compare(f"observing, blocks: {BLOCKS}", contenders, effort.items(ITEMS), effort)
    yield timings.row("without statistics")
    yield timings.row("with statistics", "without statistics", at_most=1.03)
    yield timings.row("recorded", "without statistics")
    yield added_row(timings, "recorded", "with statistics", BLOCKS + 2)


def added_row(timings: Timings, who: str, than: str, stages: int) -> Row:
    """Make a line that says what recording adds for each item in each stage; the source and the sink are stages too."""
    added = median(a - b for a, b in zip(timings.seconds[who], timings.seconds[than], strict=True)) / stages
    target = f"≤ {MOST_ADDED * 1e9:,.0f} ns"
    return Row(
        timings.what, "added per item and stage", f"{added * 1e9:,.0f} ns", None, than, target, added <= MOST_ADDED
    )


def without_statistics(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    """The same chain, with everything left out that only measures; calls of what does nothing remain."""

    def nothing(*_: Any) -> None:
        pass

    parts: list[tuple[type[Any], str]] = [
        (CallMeter, "add"),
        (CallMeter, "change"),
        (FunctionCore, "settle"),
        (SourceCore, "settle"),
        (Inbox, "note_depth"),
    ]
    with ExitStack() as stack:
        for owner, name in parts:
            stack.enter_context(mock.patch.object(owner, name, nothing))
        penstock_chain(items, functions, sink)


def recorded(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    """The same chain, recorded."""

    async def main() -> None:
        source = IterableSource(items)
        first, _ = link(functions, sink)
        source.link_target(first)
        async with Network(source, recording=Recording()):
            pass

    trio.run(main)
