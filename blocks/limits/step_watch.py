"""Finds the task of a network that holds the event loop: it reads the clock after each step of a task.

The pump measures the steps of the blocks that it runs, and so knows their names. This watch is for all code that runs
in other tasks: agents, the body, async functions and sources, observers, and the functions that they call, such as a
filter, a key or a weight. It costs less than half a microsecond per step of a task, and exists only while the warning
is not filtered out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import trio

from ..base.loop_held import LOOP_HELD, REMEDY, Holder, is_wanted, loop_held
from ..base.loop_token import LoopToken, loop_token
from ..base.timing import time_slice
from ..base.trio_details import nurseries_around
from ..core.view import View


class StepWatch(trio.abc.Instrument):
    """Watches the tasks of one loop for the networks that run there.

    Args:
        put_away: Called when no network runs any more and the loop has looked for events.
    """

    def __init__(self, put_away: Callable[[StepWatch], None]) -> None:
        self.networks: dict[View, set[str]] = {}  # with the names that a warning was given for
        self._put_away = put_away
        self._since: float

    def begin(self) -> None:
        """Watch from now on; what the running task has done before does not count."""
        loop_held.begin()
        self._since = time_slice.clock()

    def after_io_wait(self, timeout: float) -> None:
        """Start measuring: the loop has just waited for events."""
        self._since = time_slice.clock()
        if not self.networks:
            self._put_away(self)

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


class Watches(threading.local):
    """The watch over this thread's loop: it exists while a network runs and the warning is not filtered out.

    After the last network, trio keeps the watch until the loop has looked for events, and the next network uses it if
    it starts before that: to add and remove a watch takes as long as some steps.
    """

    watch: StepWatch | None = None
    token: LoopToken | None = None
    spare: StepWatch | None = None

    def enter(self, network: View) -> None:
        """Watch for a network, which starts."""
        token = loop_token()
        if self.token is not token:  # the previous loop has ended, perhaps in a crash
            self.watch = self.spare = None
        if self.watch is None:
            if not is_wanted():
                return
            self.watch, self.spare, self.token = self.spare, None, token
            if self.watch is None:
                self.watch = StepWatch(self.put_away)
                trio.lowlevel.add_instrument(self.watch)
            self.watch.begin()
        self.watch.networks[network] = set()

    def leave(self, network: View) -> None:
        """Stop watching for a network, which has ended."""
        if self.watch is None or self.watch.networks.pop(network, None) is None:
            return
        if not self.watch.networks:
            self.watch, self.spare = None, self.watch

    def put_away(self, watch: StepWatch) -> None:
        """Remove a watch that no network has used since the loop last looked for events."""
        trio.lowlevel.remove_instrument(watch)
        self.spare = None


watches: Watches = Watches()
