"""`await send` item by item from the network's body instead of a source."""

from __future__ import annotations

from collections.abc import Iterator

from .chains import bare_loop, contender, penstock_chain, penstock_sends
from .measuring import Effort, Row, compare

ITEMS = 200_000


def rows(effort: Effort) -> Iterator[Row]:
    """Compare at 1, 4 and 8 blocks."""
    for blocks in (1, 4, 8):
        contenders = [
            contender("bare loop", bare_loop, blocks),
            contender("await send", penstock_sends, blocks),
            contender("from a source", penstock_chain, blocks),
        ]
        timings = compare(f"sending, blocks: {blocks}", contenders, effort.items(ITEMS), effort)
        yield timings.row("bare loop")
        yield timings.row("await send", "bare loop", at_most=5)
        yield timings.row("from a source", "bare loop")
