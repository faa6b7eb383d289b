"""Finds links that get nothing because an earlier link of the same source takes every message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..base.units import listed
from ..core.block_core import BlockCore
from ..core.fan_out import FanOut
from ..core.link import Link


def find_idle_links(blocks: Iterable[BlockCore]) -> Iterator[str]:
    """Yield a sentence for each source with a link that got nothing because an earlier link took every message."""
    for block in blocks:
        outbox = next(iter(block.outboxes()), None)  # a stream target has none
        links = () if outbox is None or isinstance(outbox, FanOut) else tuple(outbox.links)
        taker = next((place for place, link in enumerate(links) if takes_all(link)), len(links))
        idle = tuple(str(link.taker) for link in links[taker + 1 :] if not link.passed)
        if idle:
            yield (
                f"{block} gives each message to the first target that takes it: {links[taker].taker} took all that it "
                f"was offered, and {listed(idle)} got nothing; use a Broadcast to give every message to all of them"
            )


def takes_all(link: Link[Any]) -> bool:
    """Whether a link has passed messages, and no filter or limit stops any."""
    return bool(link.passed) and link.filter is None and link.remaining is None and link.inbox.filter is None
