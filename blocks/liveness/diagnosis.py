"""Describes the current state of a network for people: held items, waits, and advice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from ..base.diagnosis import Diagnosis
from ..core.block_core import BlockCore
from ..core.gate import Gate
from ..core.producer import ProducerToken
from ..core.resource_pool import ResourcePool
from ..core.waiting import parked
from .advice import advise
from .block_waits import waits_for_lease, waits_of_block, waits_of_pool
from .cycle import find_cycle
from .standstill import can_move, waiters_of
from .task_waits import waits_of_governor, waits_of_tasks
from .wait_for import Cause, Names, Wait, narrow

if TYPE_CHECKING:
    from ..core.ports import Member
    from ..core.view import View


def diagnose(network: View, *, is_stalled: bool = False) -> Diagnosis:
    """Look at every block, agent and parked task of a network.

    Args:
        network: The network.
        is_stalled: Whether nothing can certainly move any more.
    """
    blocks = network.blocks
    waiting = [str(waiter) for waiter in waiters_of(network)]
    waiting += [
        f"{inbox} for its {producer}"
        for block in blocks
        for inbox in block.inboxes()
        for producer in inbox.producers
        if isinstance(producer, ProducerToken)
    ]
    unfinished = [str(block) for block in blocks if not block.finished]
    unfinished += [str(agent) for agent in network.agents if not agent.is_done]
    names = Names(network)
    at_rest = network.is_open and network.pump.rests and not network.busy_count
    waits = who_waits(names) if is_stalled or at_rest else []  # a busy network is full of short waits
    cycle = find_cycle(waits, () if is_stalled else free(names, waits))
    return Diagnosis(
        network=network.name,
        held=tuple(explain(block) for block in blocks if block.undelivered()),
        waiting=tuple(waiting),
        unfinished=tuple(unfinished),
        cycle=tuple(wait.why for wait in cycle),
        advice=advise(waits if is_stalled else (), cycle, names),
    )


def who_waits(names: Names) -> list[Wait]:
    """Return all waits in a network."""
    network = names.network
    waits = [wait for block in network.blocks for wait in waits_of_block(block, names)]
    waits += waits_of_tasks(names)
    waits += waits_elsewhere(waits, names)
    places: list[object] = [*network.pump.gates, *network.measures.gates_used, *(wait.whom for wait in waits)]
    bounds = dict.fromkeys(place for place in places if isinstance(place, Gate))
    pools: dict[ResourcePool[Any], None] = dict.fromkeys(
        filter(None, (narrow(ResourcePool, wait.whom) for wait in waits))
    )
    waits += [wait for bound in bounds for wait in waits_of_governor(bound, names)]
    return [*waits, *(wait for pool in pools for wait in waits_of_pool(pool, network.blocks))]


def waits_elsewhere(waits: list[Wait], names: Names) -> list[Wait]:
    """Return the waits of blocks of other networks for which something waits here."""
    found: list[Wait] = []
    known: set[object] = set(names.network.blocks)
    new = waits
    while new:
        others = dict.fromkeys(wait.whom for wait in new if isinstance(wait.whom, BlockCore) and wait.whom not in known)
        known.update(others)
        new = [wait for block in others for wait in waits_of_block(block, names)]
        found += new
    return found


def free(names: Names, waits: list[Wait]) -> list[object]:
    """Return the nodes that can move: busy tasks, ready blocks, and nodes that a timer or outside task may unblock."""
    network = names.network
    tasks = {who for wait in waits for who in (wait.who, wait.whom) if isinstance(who, trio.lowlevel.Task)}
    tasks |= {agent.task for agent in network.agents if agent.task is not None}
    tasks |= {task for block in network.blocks for task in block.tasks()}
    found: list[object] = [names.node(task) for task in tasks if can_move(network, task)]
    found += [block for block in network.blocks if block.queued]
    found += [agent for agent in network.agents if agent.task is None]
    found += [wait.who for wait in waits if wait.cause is Cause.FEED]
    return found


def explain(block: BlockCore) -> str:
    """Describe what a block holds, and why it does not hand it on."""
    reasons: list[str] = []
    for outbox in block.outboxes():
        if outbox.holder is not None:
            reasons.append(f"the head is reserved by {outbox.holder!r}, which neither consumes nor releases it")
        elif len(outbox) and not outbox.links and not outbox.readers:
            reasons.append("nothing is linked to it: link a target, or receive from it in the body of the network")
        for link in [link for link in outbox.links if link.backlog] or outbox.links:
            heads = link.backlog or outbox.queue
            if not heads:
                continue
            reasons.append(link.obstacle(heads[0]))
        reasons += [f"its reader {reader} {about_reader(reader)}" for reader in outbox.readers]
    reasons += [*filter(None, [block.why_held()]), *(wait.why for wait in waits_for_lease(block))]
    return f"{block!r}" + (": " + "; ".join(reasons) if reasons else "")


def about_reader(reader: Member) -> str:
    """Return the reason why an agent does not take the messages for it."""
    if reader.is_done:
        return "is done"
    return "does not read" if reader.task is None or reader.task in parked else "is busy with something else"
