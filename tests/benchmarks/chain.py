"""A chain of inline increments: against a bare loop, trio tasks joined by memory channels, and peers."""

from __future__ import annotations

from collections.abc import Iterator

from .chains import bare_loop, contender, memory_channels, penstock_chain
from .measuring import Effort, Row, compare
from .peers import PEERS, installed

ITEMS = 200_000
BLOCKS = (1, 4, 8)


def rows(effort: Effort) -> Iterator[Row]:
    """Compare at 1, 4 and 8 blocks; peers come last, because what they import and allocate slows all that follows."""
    items = effort.items(ITEMS)
    for blocks in BLOCKS:
        contenders = [contender("bare loop", bare_loop, blocks), contender("penstock", penstock_chain, blocks)]
        timings = compare(f"chain, blocks: {blocks}", contenders, items, effort)
        yield timings.row("bare loop")
        yield timings.row("penstock", "bare loop", at_most=1.5)
    others = {"memory channels": (memory_channels, 0.02), **{name: PEERS[name] for name in installed()}}
    for blocks in BLOCKS:
        contenders = [contender("penstock", penstock_chain, blocks)]
        contenders += [contender(name, chain, blocks, share) for name, (chain, share) in others.items()]
        timings = compare(f"peers, blocks: {blocks}", contenders, items, effort)
        yield timings.row("penstock")
        for name in others:
            yield timings.faster_row("penstock", name, at_least=50 if name == "memory channels" else 1)
