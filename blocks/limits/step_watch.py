"""Finds the task of a network that holds the event loop: it reads the clock after each step of a task.

The pump measures the steps of the blocks that it runs, and so knows their names. This watch is for all code that runs
in other tasks: agents, the body, async functions and sources, observers, and the functions that they call, such as a
filter, a key or a weight. It costs less than half a microsecond per step of a task, and exists only while the warning
is not filtered out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import trio

from ..base.loop_held import LOOP_HELD, REMEDY, Holder, is_wanted, loop_held
from ..base.loop_token import LoopToken, loop_token
from ..base.timing import time_slice
from ..core.view import View


class StepWatch(trio.abc.Instrument):
    """Watches the tasks of one loop for the networks that run there."""

    def __init__(self) -> None:
        self.networks: dict[View, set[str]] = {}  # with the names that a warning was given for
        self._since = time_slice.clock()

    def after_io_wait(self, timeout: float) -> None:
        """Start measuring: the loop has just waited for events."""
        self._since = time_slice.clock()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Report the step if it was too long; the task now lets others run."""
        now = time_slice.clock()
        if now - self._since > LOOP_HELD:
            self._was_long(task, loop_held.rest_of_task(now - self._since))
        self._since = now

    def _was_long(self, task: trio.lowlevel.Task, seconds: float) -> None:
        if seconds <= LOOP_HELD:
            return
        for network, warned in self.networks.items():
            holder = holder_of(network, task)
            if holder is not None:
                if holder.words not in warned:
                    warned.add(holder.words)
                    network.pump.tell_soon(  # a warning may be an error, and an instrument must not raise
                        partial(loop_held.report, holder, seconds, holder.remedy, code=holder.code)
                    )
                return


def holder_of(network: View, task: trio.lowlevel.Task) -> Holder | None:
    """The part of a network that a task belongs to; None if it has nothing to do with the network."""
    if network.facade.step_of(task) is not None:
        remedy = "a function that it calls between the steps of its blocks is slow: a weight, or a handler of the log"
        return Holder(f"network {network.name!r}", network.name, remedy)
    is_inside = any(nursery in nurseries_of(network) for nursery in nurseries_around(task))
    if is_inside and task in loop_held.holders:
        return loop_held.holders[task]
    if task is network.body_task:
        return Holder(f"the body of network {network.name!r}", network.name, REMEDY)
    if is_inside or task in network.outside:
        return Holder(f"task {task.name!r}", task.name, REMEDY)
    return None


def nurseries_of(network: View) -> list[trio.Nursery]:
    """The nursery of a network, and those that its body has opened in it."""
    body, own = network.body_task, network.nursery
    opened = [] if body is None else body.child_nurseries
    return opened[opened.index(own) :] if own in opened else [own]


def nurseries_around(task: trio.lowlevel.Task) -> Iterator[trio.Nursery]:
    """The nurseries in which a task runs, the innermost first."""
    nursery = task.parent_nursery
    while nursery is not None:
        yield nursery
        nursery = nursery.parent_task.parent_nursery


class Watches(threading.local):
    """The watch over this thread's loop: it exists while a network runs and the warning is not filtered out."""

    watch: StepWatch | None = None
    token: LoopToken | None = None

    def enter(self, network: View) -> None:
        """Watch for a network, which starts."""
        token = loop_token()
        if self.watch is not None and self.token is not token:  # the previous loop has crashed
            self.watch = None
        if self.watch is None:
            if not is_wanted():
                return
            loop_held.begin()
            self.watch, self.token = StepWatch(), token
            trio.lowlevel.add_instrument(self.watch)
        self.watch.networks[network] = set()

    def leave(self, network: View) -> None:
        """Stop watching for a network, which has ended; after the last one, remove the watch."""
        if self.watch is None or self.watch.networks.pop(network, None) is None:
            return
        if not self.watch.networks:
            last, self.watch, self.token = self.watch, None, None
            trio.lowlevel.remove_instrument(last)


watches: Watches = Watches()
