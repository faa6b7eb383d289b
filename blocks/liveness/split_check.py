"""Finds ways that split at a broadcast and meet again at a join, with too little room on one of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..batch import Batch
from ..bounded_buffer import OverflowInbox
from ..broadcast import Broadcast
from ..core.block import Block
from ..core.graph import downstream, reachable
from ..core.inbox import UNBOUNDED, Inbox
from ..core.link import Link
from ..functions.async_runner import AsyncRunner
from ..join import Join
from ..transform_many import TransformMany
from ..transformer import Transformer
from ..unbounded_buffer import UnboundedBuffer
from .wait_for import as_a


def check_splits(fork: Broadcast[Any]) -> Iterator[str]:
    """Each way from a broadcast to a join that is too narrow for a batch on another way to the same join."""
    links = fork._outbox.links
    for wide in links:
        batch = batch_on(wide)
        if batch is None or batch._max_seconds is not None:
            continue
        after: list[Join[Any] | None] = [as_a(Join, block) for block in reachable(batch, downstream)]
        for narrow in links:
            if narrow is not wide and not goes_through(narrow, batch):
                found = [too_narrow(fork, batch, narrow, join) for join in after if join is not None]
                yield from filter(None, found)


def batch_on(link: Link[Any]) -> Batch[Any] | None:
    """The first batch on a way on which each message stays one message."""
    seen: set[Block] = set()
    while link.is_linked and link.filter is None and link.remaining is None:
        block = link.target
        batch: Batch[Any] | None = as_a(Batch, block)
        if batch is not None:
            return batch
        links = block._outs()[0].links
        if block in seen or isinstance(block, (TransformMany, Join)) or len(links) != 1:
            return None
        seen.add(block)
        link = links[0]
    return None


def goes_through(link: Link[Any], batch: Batch[Any]) -> bool:
    """Whether a way leads to the batch too."""
    return batch in reachable(link.target, downstream)


def too_narrow(fork: Broadcast[Any], batch: Batch[Any], link: Link[Any], join: Join[Any]) -> str | None:
    """Say so if a batch waits for more messages than there is room for on another way to a join."""
    narrowest: Inbox[Any] | None = None
    room = 1.0  # the copy that the broadcast keeps
    while link.target is not join:
        inbox = link.inbox
        links = inbox.block._outs()[0].links
        room += most_in(inbox)
        if room >= batch._max_items or len(links) != 1 or link.filter is not None or link.remaining is not None:
            return None
        narrowest = inbox if narrowest is None or inbox.capacity < narrowest.capacity else narrowest
        link = links[0]
    if join.is_greedy:
        room += link.inbox.capacity
        narrowest = link.inbox if narrowest is None else narrowest
    if narrowest is None or room >= batch._max_items:
        return None
    needed = narrowest.capacity + batch._max_items - int(room)
    return (
        f"{fork} feeds {join} along two ways: {batch} keeps {batch._max_items} messages back, and on the other way "
        f"there is room for {int(room)}: raise the capacity of {narrowest} to at least {needed}"
    )


def most_in(inbox: Inbox[Any]) -> float:
    """How many messages a block on the way can hold at most, and if it is not sure to hand each on, no bound."""
    block = inbox.block
    if inbox.capacity == UNBOUNDED or isinstance(inbox, OverflowInbox) or isinstance(block, UnboundedBuffer):
        return math.inf
    if isinstance(block, Transformer):
        window = getattr(block._runner, "window", 0) if block._failures.is_strict else None
        return math.inf if window is None or not isinstance(block._runner, AsyncRunner) else inbox.capacity + window
    is_plain = type(inbox) is Inbox and not isinstance(block, (Join, Batch))
    return inbox.capacity if is_plain else math.inf
