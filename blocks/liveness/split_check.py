"""Finds paths that split at a broadcast and meet again at a join, if one path has too little room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.block_core import BlockCore, core_at, taker_of
from ..core.graph import downstream, reachable
from ..core.inbox import Inbox
from ..core.link import Link


def check_splits(fork: BlockCore) -> Iterator[str]:
    """Yield each path from a broadcast to a join that has too little room for a batch on another path to the join."""
    links = fork.outboxes()[0].links
    for wide in links:
        batch = batch_on(wide)
        if batch is None or batch.shape.group_is_timed:
            continue
        joins = [block for block in reachable(batch, downstream) if block.shape.joins]
        for narrow in links:
            if narrow is not wide and not goes_through(narrow, batch):
                yield from filter(None, (too_narrow(fork, batch, narrow, join) for join in joins))


def batch_on(link: Link[Any]) -> BlockCore | None:
    """Return the first batch on a path on which each message stays one message; None if there is none."""
    seen: set[BlockCore] = set()
    while link.is_linked and link.filter is None and link.remaining is None:
        block = taker_of(link)
        if block.shape.group > 1:
            return block
        links = block.outboxes()[0].links
        if block in seen or block.shape.expands or block.shape.joins or len(links) != 1:
            return None
        seen.add(block)
        link = links[0]
    return None


def goes_through(link: Link[Any], batch: BlockCore) -> bool:
    """Whether the path of a link also leads to the batch."""
    return batch in reachable(link.taker, downstream)


def too_narrow(fork: BlockCore, batch: BlockCore, link: Link[Any], join: BlockCore) -> str | None:
    """Describe the problem if a batch waits for more messages than another path to a join has room for; else None."""
    narrowest: Inbox[Any] | None = None
    group = batch.shape.group
    room = 1.0  # the copy that the broadcast keeps
    while link.taker is not join:
        inbox = link.inbox
        links = inbox.block.outboxes()[0].links
        room += core_at(inbox).shape.room
        if room >= group or len(links) != 1 or link.filter is not None or link.remaining is not None:
            return None
        narrowest = inbox if narrowest is None or inbox.capacity < narrowest.capacity else narrowest
        link = links[0]
    if join.shape.reads_ahead:
        room += link.inbox.capacity
        narrowest = link.inbox if narrowest is None else narrowest
    if narrowest is None or room >= group:
        return None
    needed = narrowest.capacity + group - int(room)
    return (
        f"{fork} feeds {join} along two paths: {batch} keeps {group} messages back, and the other path "
        f"has room for {int(room)}: raise the capacity of {narrowest} to at least {needed}"
    )
