"""Finds what the blocks of a network wait for: room, takers, readers, their own calls, or input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..core.block_core import BlockCore, core_at
from ..core.fan_out import FanOut
from ..core.graph import downstream, reachable, upstream
from ..core.inbox import Inbox
from ..core.inputs import InputsCore
from ..core.link import Link
from ..core.nodes import part_of
from ..core.outbox import Outbox
from ..core.producer import ProducerToken
from ..core.resource_pool import Lease, ResourcePool
from ..core.retained import RetainedOutbox
from .known_sources import is_only_way
from .wait_for import DEAD_LETTERS, Cause, Names, Wait, narrow


def waits_of_block(block: BlockCore, names: Names) -> Iterator[Wait]:
    """Yield all waits of one block."""
    if block.finished and not block.undelivered():
        return
    if block.paused is not None and block.held():
        yield Wait(block, None, Cause.PAUSED, f"{block} keeps {block.held()} messages: {block.why_held()}")
        return
    waits = [wait for outbox in block.outboxes() for wait in waits_to_give(block, outbox, names)]
    waits += [
        Wait(block, names.node(task), Cause.CALL, f"{block} waits for its call in {names.name(task)}")
        for task in block.tasks()
    ]
    waits += waits_for_lease(block)
    reason = block.why_held() if block.held() else ""
    if reason:
        yield Wait(block, None, Cause.NO_PARTNER, f"{block} keeps {block.held()} messages: {reason}")
    else:
        yield from waits or waits_to_get(block, names)


def waits_for_lease(block: BlockCore) -> Iterator[Wait]:
    """Yield the wait of a block for its resource pool, if the next item needs a lease and all things are in use."""
    pool: ResourcePool[Any] | None = getattr(block, "pool", None)
    if pool is not None and getattr(block, "waits_for_lease", False):
        why = f"{block} waits for something out of {pool}, of which all {pool.size} are in use"
        yield Wait(block, pool, Cause.LEASE, why, count=pool.size)


def waits_of_pool(pool: ResourcePool[Any], blocks: Iterable[BlockCore]) -> Iterator[Wait]:
    """Yield the waits of a pool for the blocks that hold messages with its leases."""
    for block in blocks:
        count = sum(keeps_lease(item, pool) for item in everything_in(block))
        if count:
            yield Wait(pool, block, Cause.LENT, f"{pool} waits for {count} that messages in {block} keep", count=count)


def keeps_lease(message: object, pool: ResourcePool[Any]) -> bool:
    """Whether a message is a lease of a pool or directly contains one, in a container or an attribute."""
    parts: list[Any] = [message]
    if isinstance(message, (tuple, list, set, frozenset)):
        parts += message
    elif isinstance(message, dict):
        parts += message.values()
    else:
        parts += getattr(message, "__dict__", {}).values()
    return any(isinstance(part, Lease) and part.belongs_to(pool) for part in parts)


# Handing out


def heads(outbox: Outbox[Any]) -> list[tuple[Link[Any], Any]]:
    """Return each link with its next message."""
    if isinstance(outbox, FanOut):
        slow = [(link, link.backlog[0]) for link in outbox.links if link.backlog]
        if slow or isinstance(outbox, RetainedOutbox):
            return slow
    return [(link, outbox.queue[0]) for link in outbox.links if len(outbox)]


def waits_to_give(block: BlockCore, outbox: Outbox[Any], names: Names) -> Iterator[Wait]:
    """Yield the reasons why the messages of a block do not go out."""
    if outbox.holder is not None:
        holder = part_of(outbox.holder) or outbox.holder
        known = any(holder is node for node in names.network.nodes)
        why = f"{block} keeps its head for {names.name(holder)}, which has reserved it"
        yield Wait(block, holder if known else None, Cause.RESERVED, why, remedy=names.name(holder))
        return
    along = [wait_along(link, head) for link, head in heads(outbox)]
    yield from [wait for wait in along if wait.whom is not None] or along  # links that decline count only if all do
    if not len(outbox) or isinstance(outbox, RetainedOutbox):
        return
    for reader in outbox.readers:
        if reader.is_done:
            why = f"{block} waits to be read by {reader}, which is done"
            yield Wait(block, None, Cause.LEFT, why, remedy=str(reader))
        else:
            yield Wait(block, reader, Cause.READER, f"{block} waits to be read by {reader}")
    if not outbox.links and not outbox.readers:
        yield from wait_without_taker(block, len(outbox), names)


def wait_along(link: Link[Any], head: Any) -> Wait:
    """Return the wait that keeps a head from going along a link."""
    inbox, who = link.inbox, link.giver
    if inbox.closed or link.declines(head):
        cause = Cause.CLOSED if inbox.closed else Cause.DECLINED
        remedy = "" if link.outbox is who.outboxes()[0] else DEAD_LETTERS
        return Wait(who, None, cause, f"{who} cannot hand its head on: {link.obstacle(head)}", inbox, remedy=remedy)
    if inbox.room() < 1:
        return Wait(who, link.taker, Cause.FULL, f"{who} waits for room in {inbox}: {inbox.why_full()}", inbox)
    if inbox.gate is not None and link in inbox.postponed:
        return Wait(who, inbox.gate, Cause.GATE, f"{who} waits to get into {inbox}: {inbox.why_full()}", inbox)
    why = f"{who} waits for {inbox} to take its head: {link.taker.why_waiting()}"
    return Wait(who, link.taker, Cause.BUSY, why, inbox)


def wait_without_taker(block: BlockCore, count: int, names: Names) -> Iterator[Wait]:
    """Yield the wait of a block without links or readers."""
    what = f"{count} message{'s' if count > 1 else ''}"
    inbox = next(iter(block.inboxes()), None)
    if names.body is not None:
        why = f"{block} waits for {names.name(names.body)} to receive its {what}"
        yield Wait(block, names.body, Cause.UNREAD, why, inbox, count)
    elif block.undelivered() or narrow(InputsCore, block) is not None:
        yield Wait(block, None, Cause.UNLINKED, f"{block} has {what} and nothing is linked to it")
    elif inbox is not None and inbox.room() < 1:
        yield Wait(block, None, Cause.KEPT, f"{block} is full and nothing reads it", inbox, count)


# Getting


def waits_to_get(block: BlockCore, names: Names) -> Iterator[Wait]:
    """Yield the waits for messages that must come in before a block can go on."""
    inputs: InputsCore[Any] | None = narrow(InputsCore, block)
    awaited = None if inputs is None else inputs.awaited_message()
    if awaited is not None:
        places = list(places_of(block, awaited.matches))
        for place, position in places:
            why = f"{block} waits for {awaited.what}, which {place} holds"
            yield Wait(block, place, Cause.INPUT, why, count=position)
        if places:
            return
        why = f"{block} waits for {awaited.what}, which nothing before it holds{gone_elsewhere(block)}"
        yield Wait(block, None, Cause.MISSING, why, remedy=awaited.remedy)
    if inputs is not None and not inputs.inputs:
        yield Wait(block, None, Cause.NO_INPUT, f"{block} has no input")
    for inbox in block.awaited_inboxes():
        if not inbox.closed:
            yield from waits_at(block, inbox, names)


def waits_at(block: BlockCore, inbox: Inbox[Any], names: Names) -> Iterator[Wait]:
    """Yield the waits for the nodes and tasks that could send to a target."""
    lacking = lacks(block)
    what = f"{lacking} more message{'s' * (lacking > 1)}" if lacking else "messages"
    for producer in inbox.producers:
        if isinstance(producer, ProducerToken):
            why = f"{inbox} waits for {what} from {producer}"
            yield Wait(block, names.node(producer.user), Cause.HANDLE, why, inbox, lacking, producer.name)
        else:
            source: object = producer.giver if isinstance(producer, Link) else producer
            yield Wait(block, source, Cause.INPUT, f"{inbox} waits for {what} from {source}", inbox, lacking)
    if not inbox.producers and names.body is not None:
        why = f"{inbox} waits for {what}, which only {names.name(names.body)} could send"
        yield Wait(block, names.body, Cause.FEED, why, inbox, lacking)


def lacks(block: BlockCore) -> int:
    """Return how many more messages a batch needs to be full; 0 for other blocks."""
    group = block.shape.group
    return 0 if group == 1 else max(0, group - sum(len(inbox.queue) for inbox in block.inboxes()))


# Search for missing messages


def places_of(block: BlockCore, matches: Any) -> Iterator[tuple[BlockCore, int]]:
    """Yield the upstream blocks that hold a matching message, and how many messages are before it."""
    for before in reachable(block, upstream):
        for position, item in enumerate(everything_in(before)):
            if before is not block and matches(item):
                yield before, position
                break


def everything_in(block: BlockCore) -> Iterable[Any]:
    """Yield the messages in a block, in the order in which they leave, as far as they are accessible."""
    seen: set[int] = set()
    for outbox in block.outboxes():
        for queue in (*(link.backlog for link in outbox.links), outbox.queue):
            if isinstance(queue, Iterable) and not isinstance(block, InputsCore):
                seen.add(id(queue))
                yield from queue
    for inbox in block.inboxes():
        if isinstance(inbox.queue, Iterable) and id(inbox.queue) not in seen:
            yield from inbox.queue


def gone_elsewhere(block: BlockCore) -> str:
    """Describe the links along which a message may have gone elsewhere; empty if there are none."""
    before = reachable(block, upstream)
    ways = [
        f"{link}"
        for source in before
        if source is not block
        for outbox in source.outboxes()[:1]
        for link in outbox.links
        if link.taker not in before
    ]
    return f"; it may have gone along {', '.join(ways)}" if ways else ""


def waiting_before(inbox: Inbox[Any]) -> int:
    """Return how many messages wait to come into a target, or into a circle of links around it.

    They wait with senders and in upstream blocks. Messages that a source is known to bring also count.
    """
    after = reachable(core_at(inbox), downstream)
    ahead = reachable(core_at(inbox), upstream)
    targets = {inbox, *(other for block in ahead for other in block.inboxes())}
    before = [block for block in ahead if block not in after]
    held = sum(block.undelivered() + still_to_come(block) for block in before)
    return held + sum(len(target.senders) for target in targets)


def still_to_come(block: BlockCore) -> int:
    """Return how many messages a source is known to bring, if they all go along one link; else 0."""
    brings = block.shape.brings
    return brings if brings and any(map(is_only_way, block.outboxes()[0].links)) else 0
