"""Ends a running network in steps: it takes nothing more, it drains, and what has not drained in time is cancelled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import trio

from ..base.checks import check_number
from ..base.trio_details import nurseries_around
from ..core.balance import Balance
from ..core.holding import AfterEachStep
from ..core.waiting import WaitList

if TYPE_CHECKING:
    from ..core.waiting import Waiter
    from .run import Run


async def terminate(run: Run, drain: float | None, cancel: float) -> Balance:
    """Let a run take nothing more, wait until it has drained, and cancel it after `drain` seconds.

    Args:
        run: The run.
        drain: Seconds to wait for the items; None for as long as it takes.
        cancel: Seconds to wait after that for tasks that are being cancelled.

    Returns:
        The balance of the run, at that moment.
    """
    check_number(str(run), "cancel", cancel)
    if drain is not None:
        check_number(str(run), "drain", drain)
    if run.has_ended:
        return run.balance()
    if not run.is_open:
        raise RuntimeError(f"{run} does not run yet, so it cannot be terminated")
    if belongs_to(run, trio.lowlevel.current_task()):
        raise RuntimeError(
            f"{run}: a task that it has started cannot wait for its end; call terminate() in the body or in a task of "
            "your own, or call cancel()"
        )
    run.take_no_more()
    if drain is None or drain > 0:
        run.resume()
        with trio.move_on_after(math.inf if drain is None else drain):
            await come(run, has_drained)
    if not has_drained(run):
        run.cancel()
        with trio.move_on_after(cancel, shield=True):  # the body is cancelled, too
            await come(run, has_no_tasks)
        if has_no_tasks(run):
            run.discard()
    return run.balance()


def belongs_to(run: Run, task: trio.lowlevel.Task) -> bool:
    """Whether a task runs below the nursery of a run."""
    return run.nursery in nurseries_around(task)


def has_drained(run: Run) -> bool:
    """Whether all blocks and agents have ended."""
    return run.has_ended or (all(agent.is_done for agent in run.agents) and all(block.finished for block in run.blocks))


def has_no_tasks(run: Run) -> bool:
    """Whether no task of a run is left."""
    return run.has_ended or not run.nursery.child_tasks


class Ending:
    """The place where tasks wait for a run to end, so that the run does not take them for tasks that could move it.

    Args:
        run: The run.

    Attributes:
        host: The run.
    """

    def __init__(self, run: Run) -> None:
        self.host: Run = run

    def parked(self) -> None:
        """Let the run look whether anything can still move."""
        self.host.pump.parked()

    def outside_tasks(self) -> Iterable[trio.lowlevel.Task]:
        """No tasks: the run itself ends the wait."""
        return ()

    def waited(self, waiter: Waiter[None], result: tuple[object, ...]) -> None:
        """Count nothing."""

    def describe_wait(self, waiter: Waiter[None]) -> str:
        """Describe the wait."""
        return f"waits to {waiter.doing} {self.host}"


async def come(run: Run, condition: Callable[[Run], bool]) -> None:
    """Wait until a condition is true."""
    if condition(run):
        await trio.lowlevel.checkpoint()
        return
    waits: WaitList[None] = WaitList()

    def look() -> None:
        if condition(run):
            for waiter in waits:
                waits.wake(waiter)

    with AfterEachStep(look):
        await waits.park(Ending(run), "terminate", None)
