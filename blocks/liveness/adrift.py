"""Ends waits at blocks that no network runs, when a network that might have fed them has ended.

No network checks such a block for a standstill. An example is a block without links to which a function of the network
should send a reply. The same is true of a governor whose slots are taken explicitly, and of an agent that is never
started. While another task or a thread can go on, the message may still come, so the wait goes on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import trio

from ..core.block_core import BlockCore
from ..core.view import View
from ..core.waiting import Waiter, idle_tasks, parked
from .outside import has_other_callers, is_hopeless, moves_alone, owner_of, tasks_below

SETTLING = 3
"""Number of checkpoints after which every runnable task has run."""
LOOK_AGAIN = 1.0
"""Seconds between two checks."""


def watch_adrift(network: View) -> None:
    """Start a task, at the end of a network, that watches the waiters at places that no network runs."""
    if any(owner_of(waiter.place) is None for waiter in parked.values()):
        waiters = [parked[task] for task in tasks_below(trio.lowlevel.current_root_task()) if task in parked]
        adrift = [waiter for waiter in waiters if owner_of(waiter.place) is None]
        with suppress(RuntimeError):  # if the run of trio is ending
            trio.lowlevel.spawn_system_task(watch, adrift, f"network {network.name!r}", network.outer_deadline)


async def watch(waiters: list[Waiter[Any]], name: str, until: float) -> None:
    """Fail each waiter when nothing is left that could unblock it; end when no waiter is left."""
    me = trio.lowlevel.current_task()
    idle_tasks.add(me)
    try:
        while waiters := [waiter for waiter in waiters if parked.get(waiter.task) is waiter]:
            for _ in range(SETTLING):
                await trio.lowlevel.checkpoint()
            tell(waiters, name, until)
            await trio.sleep(LOOK_AGAIN)
    finally:
        idle_tasks.discard(me)


def tell(waiters: list[Waiter[Any]], name: str, until: float) -> None:
    """Fail the waits that only their own deadline can end."""
    moving = {task for task in tasks_below(trio.lowlevel.current_root_task()) if moves_alone(task, None, until)}
    if len(moving) > 1 or has_other_callers():
        return
    for waiter in waiters:
        if moving <= {waiter.task} and parked.get(waiter.task) is waiter and is_left_alone(waiter.place):
            what = "the block" if isinstance(waiter.place, BlockCore) else "it"
            waiter.fail(
                trio.BrokenResourceError(
                    f"{waiter.place}: the wait to {waiter.doing} cannot end: {name} has ended, no network runs "
                    f"{what}, and no other task or thread is left that could use it"
                )
            )


def is_left_alone(place: object) -> bool:
    """Whether nothing can happen at a place any more, if no task can move."""
    return is_hopeless(place) if isinstance(place, BlockCore) else owner_of(place) is None
