"""Finds the waits of tasks that wait at a network, and of its governors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.block_core import BlockCore
from ..core.gate import Gate
from ..core.holding import GO_ON
from ..core.waiting import ANSWER, Waiter, parked
from .outside import is_adrift
from .standstill import children, own_tasks, waiters_of
from .wait_for import Cause, Names, Wait


def waits_of_tasks(names: Names) -> Iterator[Wait]:
    """Yield the waits of parked tasks, and of tasks that wait for their children."""
    network = names.network
    for waiter in waiters_of(network):
        yield from waits_of_task(waiter, names)
    own = own_tasks(network)
    while own:
        task = own.pop()
        for child in children(network, task):
            own.append(child)
            if task not in parked:
                yield Wait(
                    names.node(task), child, Cause.CHILD, f"{names.name(task)} waits for the end of {names.name(child)}"
                )


def waits_of_task(waiter: Waiter[Any], names: Names) -> Iterator[Wait]:
    """Yield the waits of one parked task."""
    who, place = names.node(waiter.task), waiter.place
    why = f"{names.name(waiter.task)} {place.describe_wait(waiter)}"
    if is_adrift(place):
        yield Wait(who, None, Cause.ADRIFT, f"{why}, which belongs to no network", remedy=str(place))
    elif isinstance(place, Gate):
        yield Wait(who, place, Cause.SLOT, why)
    elif waiter.doing == GO_ON:
        yield Wait(place, None, Cause.PAUSED, why)
    elif not isinstance(place, BlockCore):
        for task in place.outside_tasks():
            yield Wait(who, names.node(task), Cause.END, why)
    elif waiter.doing == "send":
        for inbox in place.inboxes():
            if waiter in inbox.senders:
                is_full = inbox.room() < 1 or inbox.gate is None
                yield Wait(who, place if is_full else inbox.gate, Cause.FULL if is_full else Cause.GATE, why, inbox)
    elif waiter.doing == ANSWER:
        holder = waiter.payload.holder
        whom = place if holder is None else names.node(holder)
        yield Wait(who, whom, Cause.ANSWER, why, remedy=f"{waiter.payload}")
    elif waiter.accepts is not None and any(len(outbox) for outbox in place.outboxes()[:1]):
        yield Wait(who, None, Cause.DECLINED, f"{why}, but its filter declines the head", remedy=str(place))
    elif not waiter.doing.startswith("hand"):  # "hand …": a generator that waits for its block
        yield Wait(who, place, Cause.RECEIVE, why)


def waits_of_governor(governor: Gate, names: Names) -> Iterator[Wait]:
    """Yield the waits of a governor for the blocks and tasks that hold its slots."""
    for holder, count in governor.holders():
        if isinstance(holder, BlockCore):
            why = f"{governor} waits for {count} of its items to leave {holder}"
            yield Wait(governor, holder, Cause.REGION, why, count=count)
        else:
            why = f"{governor} waits for {names.name(holder)} to free slots, of which {count} are taken"
            yield Wait(governor, names.node(holder), Cause.TAKEN, why, count=count)
