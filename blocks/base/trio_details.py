"""Reads details of trio that trio does not promise. Whether each exists is tested once, when the first network starts.

Only the detection of a standstill needs them. If one is missing, a public function is used instead, and a warning says
what is no longer detected.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterator
from typing import Any

import trio

ENTRY_TASK = "<TrioToken.run_sync_soon task>"
"""The name of trio's own task that runs the calls of threads; under another name it would count as an outside task."""


class Sight:
    """Which details exist in this version of trio.

    Attributes:
        deadlines: Whether the deadline of another task can be read. If not, the deadline at the start of a wait counts.
        children: Whether a task that only waits for its nursery differs from a task that works. If not, the place where
            the task has stopped decides.
        turns: Whether trio counts how often a task has let others run.
    """

    def __init__(self) -> None:
        self.deadlines: bool = True
        self.children: bool = True
        self.turns: bool = True
        self._is_known = False

    def look(self) -> None:
        """Test for each detail, in a task; warn about missing ones."""
        if self._is_known:
            return
        self._is_known = True
        task = trio.lowlevel.current_task()
        self.deadlines = read_deadline(task) == trio.current_effective_deadline()
        self.children = read_waiting(trio.lowlevel.current_root_task()) is True
        self.turns = isinstance(getattr(task, "_schedule_points", None), int)
        lost = [
            loss
            for is_seen, loss in (
                (self.deadlines, "that a deadline is set or moved while a task waits"),
                (self.children, "some tasks that wait for a nursery to end: what hangs there may not be noticed"),
                (self.turns, "whether an async function has waited: it lets other tasks run once more per item"),
            )
            if not is_seen
        ]
        if lost:
            warnings.warn(
                f"trio {trio.__version__} hides what Penstock looks at. Not seen any more: {'; '.join(lost)}. "
                "Please report this",
                RuntimeWarning,
                stacklevel=2,
            )


sight: Sight = Sight()


def read_deadline(task: trio.lowlevel.Task) -> float:
    """Return the time on trio's clock at which a cancel scope will cancel a task; NaN if it cannot be read.

    In public, trio shows only the deadline of the running task. Reading that at every wait would cost more than the
    wait.
    """
    status: Any = getattr(task, "_cancel_status", None)
    read = getattr(status, "effective_deadline", None)
    deadline: float = math.nan if read is None else read()
    return deadline


def has_own_deadline(task: trio.lowlevel.Task) -> bool:
    """Whether a cancel scope in a task, and not around its nursery, will cancel it; True also if this is not known."""
    around: Any = getattr(task.parent_nursery, "_cancel_status", None)
    read = getattr(around, "effective_deadline", lambda: math.nan)
    return not read_deadline(task) >= read()


def read_waiting(task: trio.lowlevel.Task | None) -> object:
    """Whether a task only waits for the tasks of its innermost nursery to end; None if this cannot be read."""
    if task is None or not task.child_nurseries:
        return False
    return getattr(task.child_nurseries[-1], "_parent_waiting_in_aexit", None)


def is_at_end_of_nursery(task: trio.lowlevel.Task) -> bool:
    """The same as `read_waiting`, found from the place where the task has stopped: in `__aexit__` of a nursery."""
    code = type(trio.open_nursery()).__aexit__.__code__
    return bool(task.child_nurseries) and any(frame.f_code is code for frame in frames_of(task))


def nurseries_around(task: trio.lowlevel.Task) -> Iterator[trio.Nursery]:
    """The nurseries in which a task runs, the innermost first."""
    nursery = task.parent_nursery
    while nursery is not None:
        yield nursery
        nursery = nursery.parent_task.parent_nursery


def waits_for_children(task: trio.lowlevel.Task) -> bool:
    """Whether a task only waits for the tasks of its innermost nursery to end."""
    return read_waiting(task) is True if sight.children else is_at_end_of_nursery(task)


def frames_of(task: trio.lowlevel.Task) -> Iterator[Any]:
    """Yield the frames of a task that has stopped, from the outermost on, as long as they are coroutines."""
    coroutine: Any = task.coro
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        yield frame
        coroutine = getattr(coroutine, "cr_await", None)


def is_alive(task: trio.lowlevel.Task) -> bool:
    """Whether a task has not ended yet."""
    return inspect.getcoroutinestate(task.coro) != inspect.CORO_CLOSED
