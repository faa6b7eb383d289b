"""Classifies a network in which no block is ready: a pause, a standstill, or the end.

The following may still move the network: the body, agents and workers that are not parked at one of its blocks; timers
and pauses; open producer handles; live outside tasks that have used one of its blocks; and any of these tasks that is
parked but will be woken by a cancel scope of its own. If there are none, and items are held or a task waits, the
network is at a standstill. A network whose body runs and in which nothing is in flight is starved, not stalled, unless
it is certain that nothing can come from outside either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import trio

from ..base.frames import variables_of
from ..base.idle_state import IdleState
from ..base.threads import others_move
from ..base.trio_details import frames_of, is_alive, waits_for_children
from ..core.block import Block
from ..core.block_core import BlockCore
from ..core.producer import Producer, ProducerToken
from ..core.waiting import ANSWER, Waiter, idle_tasks, moves, parked, running_networks
from .circles import complete_circles, give_rests
from .outside import body_of, has_way_out, is_closed, is_hopeless, owner_of, rests

if TYPE_CHECKING:
    from ..core.ports import Member
    from ..core.resource_pool import ResourcePool
    from ..core.view import View


def classify_idle(network: View) -> IdleState:
    """Classify a network in which no block is ready. One that is paused is not stalled while it may be resumed."""
    state = classify(network)
    if state is IdleState.STALLED and network.is_paused and not is_closed(network):
        return IdleState.WATCHING
    return state


def classify(network: View) -> IdleState:
    """Classify a network in which no block is ready, as if nothing was paused."""
    if own_task_moves(network):
        return IdleState.WAITING  # the fast path for the usual case
    body = body_of(network)
    first = network.body_task  # also after the body has ended: it waits for the tasks around the network
    network.outside = outside = {task for task in network.outside if is_alive(task) and task is not first}
    if body is not None and any(can_move(network, task) for task in outside):
        return IdleState.WATCHING  # no event tells when these tasks end; all blocks, which may be many, need no check
    blocks = network.blocks
    working = [agent for agent in network.agents if not agent.is_done]
    held = any(block.undelivered() > block.rest() for block in blocks)
    if body is None and not held and not working and all(block.finished for block in blocks):
        return IdleState.FINISHED
    if any(agent.task is None for agent in working):
        return IdleState.WAITING
    if network.is_paused and may_make_more(network) and not is_closed(network):
        return IdleState.WATCHING
    around = () if first is None else children(network, first)
    if body is None and not held and close_what_stays_open(network):
        return IdleState.WAITING
    if any(can_move(network, task) for task in (*own_tasks(network), *outside, *around)) or has_open_producer(network):
        return IdleState.WATCHING  # no event tells when these tasks end or begin to wait for their children
    if is_lent_elsewhere(network):
        return IdleState.WATCHING
    return classify_standstill(network, held, working)


def may_make_more(network: View) -> bool:
    """Whether a paused agent, or a paused block without an input, may send more when it is resumed."""
    return any(agent.paused is not None and not agent.is_done for agent in network.agents) or any(
        block.paused is not None and not (block.finished or block.inboxes()) for block in network.blocks
    )


def own_tasks(network: View) -> list[trio.lowlevel.Task]:
    """Return the tasks of the agents, of the workers of blocks and of the body that have not ended."""
    tasks = [agent.task for agent in network.agents if agent.task is not None]
    tasks += [task for block in network.blocks for task in block.tasks()]
    body = body_of(network)
    return tasks if body is None else [*tasks, body]


def own_task_moves(network: View) -> bool:
    """Whether one of the network's own tasks can certainly go on; False means unknown.

    This looks only at tasks that do not wait, so the time does not depend on the number of waiting agents.
    """
    body = body_of(network)
    if network.busy_count:
        return True
    if body is not None and body not in parked and is_in(body, network.nursery):
        return True
    return any(map(moves, network.measures.awake.tasks))


def is_in(task: trio.lowlevel.Task, nursery: trio.Nursery) -> bool:
    """Whether the innermost nursery of a task is this one, so that the task itself is at work."""
    return task.child_nurseries[-1] is nursery


def known_tasks(network: View) -> set[trio.lowlevel.Task]:
    """Return the tasks of a network and the outside tasks that use its blocks, with all their children."""
    found: set[trio.lowlevel.Task] = set()
    waiting = [*own_tasks(network), *network.outside]
    while waiting:
        task = waiting.pop()
        if task not in found and is_alive(task):
            found.add(task)
            waiting.extend(children(network, task))
    return found


def classify_standstill(network: View, held: bool, agents: list[Member]) -> IdleState:
    """Classify a network in which nothing can move."""
    blocks = network.blocks
    for block in blocks:
        block.recall()
    waiting = waiters_of(network)
    kinds = {"send", ANSWER} if network.body_done else {"send"}
    held = held or any(waiter.doing in kinds and concerns(network, waiter) for waiter in waiting)
    if not network.body_done:
        held = held or any(block.rest() for block in blocks)
        is_fed_from_outside = any(
            not inbox.producers and not inbox.closed for block in blocks for inbox in block.inboxes()
        )
        if held or (waiting and not is_fed_from_outside):
            return IdleState.STALLED
        return IdleState.WAITING if not waiting else IdleState.STALLED if is_closed(network) else IdleState.WATCHING
    if held or any(isinstance(token, ProducerToken) for token in producers(network)):
        return IdleState.WAITING if network.pump.is_busy else IdleState.STALLED
    if not give_rests(blocks):
        network.end_shutdown_buffers()
    if not network.pump.is_busy and not complete_circles(network, agents) and not agents:
        for block in blocks:
            block.complete_circle()
    return IdleState.WAITING if network.pump.is_busy else IdleState.STALLED


def waiters_of(network: View) -> list[Waiter[Any]]:
    """Return the tasks that wait at places of a network, and the tasks of it that wait elsewhere."""
    known = known_tasks(network)
    return [
        waiter
        for waiter in tuple(parked.values())  # it also holds waiters of loops in other threads
        if concerns(network, waiter) or waiter.task in known
    ]


def concerns(network: View, waiter: Waiter[Any]) -> bool:
    """Whether a task waits at a place of this network, or at an agent or governor of no network."""
    owner = getattr(waiter.place, "host", None)
    return owner is network or (owner is None and not isinstance(waiter.place, BlockCore))


def close_what_stays_open(network: View) -> bool:
    """Close mailboxes and services that only tasks outside could ask now, if all else has drained.

    Args:
        network: A network whose body has ended, and in which nothing is held.

    Returns:
        Whether there were any.
    """
    due = [block for block in network.blocks if block.stays_open and is_unfed(block)]
    if not due or any(can_move(network, task) for task in own_tasks(network)) or has_open_producer(network):
        return False
    if any(waiter.doing in ("send", ANSWER) and concerns(network, waiter) for waiter in tuple(parked.values())):
        return False
    for block in due:
        block.complete_circle()
    return True


def is_unfed(block: BlockCore) -> bool:
    """Whether a block takes messages, and nothing counts as a producer of it."""
    return not any(inbox.closed or inbox.producers for inbox in block.inboxes())


Tasks = set[trio.lowlevel.Task]


def can_move(network: View, task: trio.lowlevel.Task | None, seen: Tasks | None = None) -> bool:
    """Whether a task, or a child task that may unblock it, can go on without a message from this network."""
    seen = set() if seen is None else seen
    if task is None or task in seen or task in idle_tasks or not is_alive(task):
        return False
    seen.add(task)
    waiter = parked.get(task)
    if waiter is None:
        if not waits_for_children(task):
            return True
    else:
        if has_way_out(network, task):
            return True
        if not concerns(network, waiter):
            return not (gets_nothing(network, waiter.place) and is_closed(network))
        if any(can_move(network, other, seen) for other in waiter.place.outside_tasks()):
            return True
    return any(can_move(network, child, seen) for child in children(network, task))


def gets_nothing(network: View, place: object) -> bool:
    """Whether nothing comes to a place outside a network, if nothing in this run of trio can move.

    The other network to which it may belong does nothing by itself. All tasks are looked at to find out what can move,
    so that is done only when nothing has moved in this network for some time.
    """
    other = owner_of(place)
    return is_hopeless(place) if other is None else network.pump.unmoved > 0 and rests(other)


def children(network: View, task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    """Yield the child tasks of a task; of tasks that run around the network, only those that know its blocks."""
    own = network.nursery
    is_around = own in task.child_nurseries
    for nursery in task.child_nurseries:
        if nursery is own:
            is_around = False
            continue
        yield from (child for child in nursery.child_tasks if not is_around or knows_blocks(network, child))


def knows_blocks(network: View, task: trio.lowlevel.Task) -> bool:
    """Whether a variable of a task, or an attribute of a variable's value, is one of the network's blocks.

    Such a task may use the block later, even if it has not used it yet. Other tasks around a network, for example a
    heartbeat, do not matter.
    """
    blocks = {block.facade for block in network.blocks}
    for frame in frames_of(task):
        for value in variables_of(frame).values():
            inside: dict[str, object] = getattr(value, "__dict__", {})
            for part in (value, *inside.values()):
                block = part.target if isinstance(part, Producer) else part
                if isinstance(block, Block) and block in blocks:
                    return True
    return False


def is_lent_elsewhere(network: View) -> bool:
    """Whether a block waits for a resource out of a pool that a block of another network uses, which is at work."""
    pools = pools_of(block for block in network.blocks if getattr(block, "waits_for_lease", False))
    if not pools:
        return False
    others: list[View] = [other for other in running_networks.pumps if other is not network]
    return any(
        not pools.isdisjoint(pools_of(other.blocks))
        and (other.busy_count or other.pump.is_busy or any(can_move(other, task) for task in own_tasks(other)))
        for other in others
    )


def pools_of(blocks: Iterable[BlockCore]) -> set[ResourcePool[Any]]:
    """The pools that give blocks resources."""
    found: Iterable[ResourcePool[Any] | None] = (getattr(block, "pool", None) for block in blocks)
    return {pool for pool in found if pool is not None}


def has_open_producer(network: View) -> bool:
    """Whether an open producer handle may still deliver; a handle whose task is blocked here does not count."""
    for producer in producers(network):
        if isinstance(producer, ProducerToken):
            user = producer.user
            if user is None or not is_alive(user) or can_move(network, user) or others_move():
                return True
    return False


def producers(network: View) -> Iterator[object]:
    """Yield all producers of the blocks of a network."""
    for block in network.blocks:
        for inbox in block.inboxes():
            yield from inbox.producers
