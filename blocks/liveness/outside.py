"""Tells whether anything outside a network can still reach it: a task of the same trio run, a thread, a host loop.

A message can come from anywhere: a task may find a block in a global variable, a thread may call into the loop. It is
certain that none will come only if nothing at all can move: every task of the run waits in Penstock or for its
children, and nothing holds a token with which a thread could reach the loop.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator

import trio

from ..base.loop_token import loop_token
from ..base.threads import others_move
from ..base.trio_details import ENTRY_TASK, read_deadline, sight, waits_for_children
from ..core.block_core import BlockCore
from ..core.graph import reachable, upstream
from ..core.producer import ProducerToken
from ..core.view import View
from ..core.waiting import idle_tasks, parked


def is_closed(network: View) -> bool:
    """Whether nothing from outside can reach a network any more, if its own tasks cannot go on."""
    beside = tasks_below(trio.lowlevel.current_root_task(), network.nursery)
    until = network.outer_deadline
    return not any(moves_alone(task, network, until) for task in beside) and not has_other_callers()


def tasks_below(root: trio.lowlevel.Task | None, without: trio.Nursery | None = None) -> Iterator[trio.lowlevel.Task]:
    """Yield a task and all tasks in the nurseries below it, except those in the nursery `without`."""
    waiting = [] if root is None else [root]
    while waiting:
        task = waiting.pop()
        yield task
        for nursery in task.child_nurseries:
            if nursery is not without:
                waiting.extend(nursery.child_tasks)


def moves_alone(task: trio.lowlevel.Task, network: View | None, until: float) -> bool:
    """Whether a task can go on without a message from a network, or from a block that no network runs.

    Args:
        task: The task.
        network: The network; a task that waits at another network may go on while that one is at work. None for no
            network.
        until: A deadline at this time or later does not count, because it ends the whole program.
    """
    if task in idle_tasks or task.name == ENTRY_TASK:
        return False
    waiter = parked.get(task)
    if waiter is None:
        return not waits_for_children(task)
    owner = owner_of(waiter.place)
    return deadline_of(task) < until or not (owner is None or owner is network or rests(owner))


def rests(network: View) -> bool:
    """Whether a network of this run of trio does nothing by itself now; its tasks may still go on."""
    return network.pump.rests and not network.busy_count


def body_of(network: View) -> trio.lowlevel.Task | None:
    """Return the task of a network's body; None after the body has ended."""
    return None if network.body_done else network.body_task


def owner_of(place: object) -> View | None:
    """Return the running network to which a place belongs, or None."""
    network: View | None = getattr(place, "host", None)
    return network if network is not None and network.is_open else None


def is_adrift(place: object) -> bool:
    """Whether a place is a block that no network runs."""
    return isinstance(place, BlockCore) and owner_of(place) is None


def is_hopeless(place: object) -> bool:
    """Whether a place is a block that no network runs, and no thread can send to it through an open handle."""
    if not isinstance(place, BlockCore) or owner_of(place) is not None:
        return False
    inboxes = [inbox for block in reachable(place, upstream) for inbox in block.inboxes()]
    tokens = [token for inbox in inboxes for token in inbox.producers if isinstance(token, ProducerToken)]
    return not tokens or not (others_move() or any(token.user is None for token in tokens))


def has_other_callers() -> bool:
    """Whether a thread or a host loop can call into this run of trio; True also if this is not known."""
    if is_guest():
        return True
    return others_move() and loop_token().is_kept_by_others()


def is_guest() -> bool:
    """Whether trio runs in guest mode inside another loop, whose callbacks may use any block."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not trio.run.__code__:
        frame = frame.f_back
    return frame is None


def deadline_of(task: trio.lowlevel.Task) -> float:
    """Return when a cancel scope will end the wait of a task, by trio's clock; -inf if unknown."""
    if sight.deadlines:
        return read_deadline(task)
    waiter = parked.get(task)
    return -math.inf if waiter is None or waiter.deadline is None else waiter.deadline


def has_way_out(network: View, task: trio.lowlevel.Task) -> bool:
    """Whether a cancel scope will end the wait of a task; a scope around the whole network does not count."""
    return deadline_of(task) < network.outer_deadline
