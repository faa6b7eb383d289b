"""Holds the tasks of an agent that is paused, where they receive and, if the agent reads nothing, where they send.

States of a task: runs → at rest (it waits: for its agent, or for anything else in this library) → runs. A receive that
waited already when the pause began has taken nothing. It waits again after the pause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import trio

from ..base.trio_details import is_alive, nurseries_around, waits_for_children
from .waiting import Place, Waiter, WaitList, idle_tasks, parked

GO_ON = "go on after a pause"
"""What a task is doing that is held."""
AGAIN = object()
"""What a receive gets in place of a message, so that it begins again."""


class Holder(Place, Protocol):
    """The core of an agent that is paused.

    Attributes:
        held: Its tasks that wait until it is resumed.
    """

    held: WaitList[None]

    @property
    def holds_sends(self) -> bool:
        """Whether its tasks are also held where they send."""
        ...


holders: dict[trio.lowlevel.Task, Holder] = {}
"""The agents that are paused, by their tasks; nearly always there are none."""


def holder_of(task: trio.lowlevel.Task) -> Holder | None:
    """The paused agent that has started a task, directly or through nurseries; None if there is none."""
    around = (task, *(nursery.parent_task for nursery in nurseries_around(task)))
    return next((holders[one] for one in around if one in holders), None)


def is_held() -> bool:
    """Whether the running task belongs to a paused agent."""
    return trio.lowlevel.in_trio_task() and holder_of(trio.lowlevel.current_task()) is not None


async def stand_still(is_send: bool = False) -> None:
    """Wait while the agent of the running task is paused."""
    while (holder := holder_of(trio.lowlevel.current_task())) is not None and (holder.holds_sends or not is_send):
        await holder.held.park(holder, GO_ON, None)


def tasks_below(task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    """Yield a task and all tasks in its nurseries."""
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from tasks_below(child)


def begin_hold(holder: Holder, task: trio.lowlevel.Task) -> None:
    """Hold a task and those below it; receives that wait take nothing any more."""
    holders[task] = holder
    for one in tasks_below(task):
        waiter: Waiter[None] | None = parked.get(one)
        if waiter is not None and waiter.doing == "receive":
            waiter.waits.move(waiter, holder.held, holder)
            waiter.doing = GO_ON


def end_hold(holder: Holder, task: trio.lowlevel.Task | None) -> None:
    """Let the tasks go on."""
    if task is not None:
        holders.pop(task, None)
    for waiter in holder.held:
        holder.held.wake(waiter, AGAIN)


def is_at_work(task: trio.lowlevel.Task) -> bool:
    """Whether a task, or one below it, does anything but wait in this library."""
    return any(
        is_alive(one) and one not in parked and one not in idle_tasks and not waits_for_children(one)
        for one in tasks_below(task)
    )


class AfterEachStep(trio.abc.Instrument):
    """Calls a function after each step of any task, inside a `with` block.

    It is an instrument of trio: tasks may end or begin to wait anywhere, also outside this library.

    Args:
        look: The function.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look

    def __enter__(self) -> None:
        trio.lowlevel.add_instrument(self)

    def __exit__(self, *_: object) -> None:
        trio.lowlevel.remove_instrument(self)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Call the function."""
        del task
        self._look()
