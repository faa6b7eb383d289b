"""The verdict on a network in which no block is ready: a pause, a standstill, or the end.

Who may still move something: the body, agents and workers that are not parked at one of the network's blocks; timers
and pauses; open producer handles; tasks that do not belong to the network but have used one of its blocks and are
alive; and any of these that is parked but will be woken by a cancel scope of its own. If there is none of them, and
items are held or somebody waits, that is a standstill. A network whose body goes on, in which nothing is in flight, is
starved, not stalled.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import trio

from ..base.frames import variables_of
from ..core.block import Block
from ..core.producer import Producer, ProducerToken
from ..core.waiting import Waiter, parked, resting
from ..engine.pump import Verdict

if TYPE_CHECKING:
    from ..network import Network


def judge(network: Network) -> Verdict:
    """Say what it means that no block is ready."""
    if somebody_moves(network):
        return Verdict.WAITING  # the quick answer to the usual question
    outside = {task for task in network._outside if is_alive(task) and task is not network._body_task}
    network._outside = outside
    if not network._body_done and any(can_move(network, task) for task in outside):
        return Verdict.WATCHING  # nobody tells when they end; the blocks need not be looked at, however many there are
    blocks = network.blocks
    working = [agent for agent in network._agents if not agent.is_done]
    held = any(block._stuck() for block in blocks)
    if network._body_done and not held and not working and all(block._finished for block in blocks):
        return Verdict.FINISHED
    if any(agent.task is None for agent in working):
        return Verdict.WAITING
    own = [agent.task for agent in working]
    own += [task for block in blocks for task in block._tasks()]
    own += [] if network._body_done else [network._body_task]
    around = () if network._body_task is None else children(network, network._body_task)
    if any(can_move(network, task) for task in (*own, *outside, *around)) or has_open_producer(network):
        return Verdict.WATCHING  # nobody tells when they end, or begin to wait for their children
    return judge_standstill(network, held, bool(working))


def somebody_moves(network: Network) -> bool:
    """Whether it is plain to see that one of the network's own tasks can go on; no says nothing.

    Looks only at tasks that do not wait, so it takes as long in a network of ten thousand agents as in one of ten.
    """
    body = network._body_task
    if network._busy_count:
        return True
    if body is not None and not network._body_done and body not in parked and is_in(body, network._nursery):
        return True
    return any(map(moves, network._measures.awake.tasks))


def is_in(task: trio.lowlevel.Task, nursery: trio.Nursery) -> bool:
    """Whether the innermost nursery of a task is this one: the task itself is at work, none that ends in it."""
    return task.child_nurseries[-1] is nursery


def moves(task: trio.lowlevel.Task | None) -> bool:
    """Whether it is plain to see that a task can go on."""
    return task is not None and task not in parked and not task.child_nurseries


def judge_standstill(network: Network, held: bool, agents_wait: bool) -> Verdict:
    """Nobody can move: say whether that is fine."""
    blocks = network.blocks
    waiting = [waiter for waiter in parked.values() if concerns(network, waiter)]
    held = held or any(waiter.doing == "send" for waiter in waiting)
    if not network._body_done:
        starved = any(not inbox.producers and not inbox.closed for block in blocks for inbox in block._ins())
        return Verdict.STALLED if held or (waiting and not starved) else Verdict.WAITING
    if not held and not any(isinstance(token, ProducerToken) for token in producers(network)):
        network._end_shutdown_buffers()
        if agents_wait and not network._pump.is_busy:
            return Verdict.STALLED
        if not agents_wait:
            for block in blocks:  # drained: only circles of links keep these open
                block._force()
    return Verdict.WAITING if network._pump.is_busy else Verdict.STALLED


def concerns(network: Network, waiter: Waiter[Any]) -> bool:
    """Whether a task waits at a place of this network, or at one that is no network's and no block."""
    owner = getattr(waiter.place, "_network", None)
    return owner is network or (owner is None and not isinstance(waiter.place, Block))


Tasks = set[trio.lowlevel.Task]


def can_move(network: Network, task: trio.lowlevel.Task | None, seen: Tasks | None = None) -> bool:
    """Whether a task, or one of its children that may free it, can go on without anything from this network."""
    seen = set() if seen is None else seen
    if task is None or task in seen or task in resting or not is_alive(task):
        return False
    seen.add(task)
    waiter = parked.get(task)
    if waiter is None:
        if not waits_for_children(task):
            return True
    else:
        if deadline_of(task) < network._outer_deadline or not concerns(network, waiter):
            return True
        if any(can_move(network, other, seen) for other in waiter.place._others()):
            return True
    return any(can_move(network, child, seen) for child in children(network, task))


def deadline_of(task: trio.lowlevel.Task) -> float:
    """When a cancel scope will end what the task waits for, on trio's clock.

    trio tells a task of its own deadline only, and asking at every wait would cost more than the wait. If a later trio
    keeps it elsewhere, the answer is "any moment", and the verdict errs on the side of patience.
    """
    status: Any = getattr(task, "_cancel_status", None)
    deadline: float = -math.inf if status is None else status.effective_deadline()
    return deadline


def is_alive(task: trio.lowlevel.Task) -> bool:
    """Whether a task has not ended yet."""
    return inspect.getcoroutinestate(task.coro) != inspect.CORO_CLOSED


def waits_for_children(task: trio.lowlevel.Task) -> bool:
    """Whether a task does nothing but wait for the tasks of its innermost nursery to end.

    trio does not say so in public. If a later trio keeps it elsewhere, the answer is no, and the verdict errs on the
    side of patience.
    """
    return bool(task.child_nurseries) and getattr(task.child_nurseries[-1], "_parent_waiting_in_aexit", False)


def children(network: Network, task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    """The tasks that a task of the network has started, and those around the network that know its blocks."""
    is_around = network._nursery in task.child_nurseries
    for nursery in task.child_nurseries:
        if nursery is network._nursery:
            is_around = False
            continue
        yield from (child for child in nursery.child_tasks if not is_around or knows_blocks(network, child))


def knows_blocks(network: Network, task: trio.lowlevel.Task) -> bool:
    """Whether one of the network's blocks is among the variables of a task, or of an object among these.

    Such a task may use the block later, though it has not yet. Anything else that runs around a network, a heartbeat
    say, has nothing to do with it.
    """
    blocks = set(network.blocks)
    coroutine: Any = task.coro
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        for value in variables_of(frame).values():
            inside: dict[str, object] = getattr(value, "__dict__", {})
            for part in (value, *inside.values()):
                block = part.target if isinstance(part, Producer) else part
                if isinstance(block, Block) and block in blocks:
                    return True
        coroutine = getattr(coroutine, "cr_await", None)
    return False


def has_open_producer(network: Network) -> bool:
    """Whether somebody may hold a handle through which more comes: anybody but a task that waits here in vain."""
    for producer in producers(network):
        if isinstance(producer, ProducerToken):
            user = producer.user
            if user is None or not is_alive(user) or can_move(network, user):
                return True
    return False


def producers(network: Network) -> Iterator[object]:
    """All that feeds the blocks of a network."""
    for block in network.blocks:
        for inbox in block._ins():
            yield from inbox.producers
