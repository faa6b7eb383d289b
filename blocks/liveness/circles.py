"""Completes circles of links that only feed themselves, when everything has drained.

A block completes after its last producer. In a circle of links each block waits for the others, so this module
completes the circle when nothing is left. First, incomplete groups are emitted, because they may go round again. Then
the blocks that only feed one another are completed; if one of them emits messages at its end, only that block and the
blocks before it. If there are no such blocks, agents that read in an `async for` loop may be part of the circle; they
end with their input. If no message has ever come into this circle, it is completed only if the network was given one
of its blocks, because the body could have sent to that block.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from ..core.block_core import BlockCore
from ..core.graph import reachable
from ..core.link import Link
from ..core.waiting import parked

if TYPE_CHECKING:
    from ..core.ports import Member
    from ..core.view import View


def give_rests(blocks: Iterable[BlockCore]) -> bool:
    """Make blocks emit incomplete groups; return whether there were any."""
    return sum(block.give_rest() for block in blocks) > 0


def complete_circles(network: View, agents: Iterable[Member]) -> bool:
    """Complete blocks that nothing outside a circle can feed; return whether there are any.

    Args:
        network: A network in which nothing is held, nothing can move, and the body has ended.
        agents: The agents that have not ended.
    """
    circle = feed_only_each_other(network, ())
    if not circle:
        circle = feed_only_each_other(network, [agent for agent in agents if reads_to_the_end(agent)])
        has_begun = any(inbox.accepted for block in circle for inbox in block.inboxes())
        if not has_begun and not any(block in network.given for block in circle):
            return False  # they wait for a first message from one another: a standstill
    for block in first_of(circle):
        block.complete_circle()
    return bool(circle)


def first_of(circle: list[BlockCore]) -> list[BlockCore]:
    """Return the blocks to complete first: those up to a block that emits at its end; its targets must stay open."""
    due = [block for block in circle if block.gives_at_end]
    if not due:
        return circle
    before = min((reachable(block, cast("Any", feeders_of)) for block in due), key=len)
    return [block for block in circle if block in before]


def reads_to_the_end(agent: Member) -> bool:
    """Whether an agent waits in an `async for` loop, and so reads until the end."""
    waiter = None if agent.task is None else parked.get(agent.task)
    return waiter is not None and waiter.doing == "receive" and bool(waiter.payload)


def feed_only_each_other(network: View, agents: Iterable[Member]) -> list[BlockCore]:
    """Return the blocks with open inputs that can get messages only from one another and from these agents."""
    circle: dict[object, None] = dict.fromkeys(b for b in network.blocks if b.inboxes() and not b.finished)
    circle.update(dict.fromkeys(agents))
    waiting = list(circle)
    fed: dict[object, list[object]] = {}
    while waiting:
        node = waiting.pop()
        feeders = feeders_of(node)
        for feeder in feeders:
            fed.setdefault(feeder, []).append(node)
        if node in circle and any(feeder not in circle for feeder in feeders):
            del circle[node]
            waiting.extend(other for other in fed.get(node, ()) if other in circle)
    return [node for node in circle if isinstance(node, BlockCore) and any(not i.closed for i in node.inboxes())]


def feeders_of(node: object) -> list[object]:
    """Return the nodes from which a block, or a waiting agent, can get messages."""
    if not isinstance(node, BlockCore):
        task = getattr(node, "task", None)
        waiter = parked.get(task) if task is not None else None
        return [] if waiter is None else [waiter.place]
    producers = [producer for inbox in node.inboxes() for producer in inbox.producers]
    return [producer.giver if isinstance(producer, Link) else producer for producer in producers]
