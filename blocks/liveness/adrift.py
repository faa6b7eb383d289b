"""Tells tasks that wait in vain at a block which no network runs, after a network has ended that might have fed it.

Such a block has no overseer: a reply, say, that a function of the network was to send, and that is linked to nothing.
The same goes for a governor whose slots are taken by hand, and for an agent that nobody starts. While another task or a
thread can go on, it may still come, so nothing is said.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import trio

from ..core.block import Block
from ..core.view import View
from ..core.waiting import Waiter, parked, resting
from .outside import has_other_callers, is_hopeless, moves_alone, owner_of, tasks_below

SETTLING = 3
"""Checkpoints after which every task that was runnable has run."""
LOOK_AGAIN = 1.0
"""Seconds from one look to the next."""


def watch_adrift(network: View) -> None:
    """Look after those who wait at blocks that no network runs, from the end of a network on."""
    if any(owner_of(waiter.place) is None for waiter in parked.values()):
        waiters = [parked[task] for task in tasks_below(trio.lowlevel.current_root_task()) if task in parked]
        adrift = [waiter for waiter in waiters if owner_of(waiter.place) is None]
        with suppress(RuntimeError):  # the run of trio is ending
            trio.lowlevel.spawn_system_task(watch, adrift, f"network {network.name!r}", network.outer_deadline)


async def watch(waiters: list[Waiter[Any]], name: str, until: float) -> None:
    """Tell each waiter when nothing is left that could free it; end when none waits any more."""
    me = trio.lowlevel.current_task()
    resting.add(me)
    try:
        while waiters := [waiter for waiter in waiters if parked.get(waiter.task) is waiter]:
            for _ in range(SETTLING):
                await trio.lowlevel.checkpoint()
            tell(waiters, name, until)
            await trio.sleep(LOOK_AGAIN)
    finally:
        resting.discard(me)


def tell(waiters: list[Waiter[Any]], name: str, until: float) -> None:
    """Fail the waits that nothing can end but their own deadline."""
    moving = {task for task in tasks_below(trio.lowlevel.current_root_task()) if moves_alone(task, None, until)}
    if len(moving) > 1 or has_other_callers():
        return
    for waiter in waiters:
        if moving <= {waiter.task} and parked.get(waiter.task) is waiter and is_left_alone(waiter.place):
            what = "the block" if isinstance(waiter.place, Block) else "it"
            waiter.fail(
                trio.BrokenResourceError(
                    f"{waiter.place}: the wait to {waiter.doing} is in vain: {name} has ended, no network runs "
                    f"{what}, and no other task or thread is left that could use it"
                )
            )


def is_left_alone(place: object) -> bool:
    """Whether nobody can do anything at a place any more, once nothing can move."""
    return is_hopeless(place) if isinstance(place, Block) else owner_of(place) is None
