"""Runs plain functions in an executor, with a time limit for each item.

Each job has one item. In Penstock's executors, the time of an item begins with its call; other executors do not report
this, so there it begins when the job is submitted. A late item fails at once, by the policy of its block. Its job stays
in flight and keeps its place until the executor returns it; its result is then discarded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import trio

from ..base.timing import time_slice
from ..executors.lane import CompletionQueue, Job
from .deadlines import Deadlines
from .executor_runner import ExecutorRunner
from .function_block import FunctionCore
from .item_limit import ItemTimeout
from .job_size import OneByOne


class Beginnings(CompletionQueue):
    """The queue in which workers report the jobs that they begin."""

    __slots__ = ("_tell",)

    def __init__(self, tell: Callable[[Job], None]) -> None:
        super().__init__(self._pass_on)
        self._tell = tell

    def _pass_on(self) -> None:
        while (job := self.take()) is not None:
            self._tell(job)


class TimedRunner(ExecutorRunner):
    """Calls a plain function in an executor, with a time limit for each call."""

    __slots__ = ("alarm", "deadlines", "is_told")

    def __init__(self, block: FunctionCore[Any], seconds: float, *args: Any) -> None:
        super().__init__(block, *args)
        self.size: OneByOne = OneByOne()  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again
        self.deadlines: Deadlines = Deadlines(seconds)
        self.alarm: trio.CancelScope = trio.CancelScope()
        self.is_told: bool = False

    def start(self) -> None:
        """Open a lane to the executor; have it report begun jobs, or submit no more jobs than it can begin."""
        super().start()
        self.is_told = self.lane.tell_beginnings(Beginnings(self._began).put)
        self._limit_depth()

    def _limit_depth(self) -> None:
        super()._limit_depth()
        if not self.is_told:
            self.lane.depth = min(self.lane.depth, self.at_once)

    # Late jobs

    def step(self) -> None:
        """Take finished jobs back, hand results on, and submit items; give up late jobs."""
        super().step()
        for job in self.deadlines.overdue(trio.current_time()):
            self._give_up(job)
        self.alarm.deadline = self.deadlines.next()

    async def _wait_until_over(self) -> None:
        while not self.over.is_set():
            with self.alarm:
                await self.over.wait()
            self.alarm = trio.CancelScope()
            self.block.wake()  # its step sets the alarm anew

    async def _wait_for_calls(self) -> None:
        """Wait for the running calls, and end late ones; nothing else is done, because the network is being stopped."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._end_the_late)
            await super()._wait_for_calls()
            nursery.cancel_scope.cancel()

    async def _end_the_late(self) -> None:
        self.alarm = trio.CancelScope(deadline=self.deadlines.next())
        while True:
            with self.alarm:
                await trio.sleep_forever()
            self.alarm = trio.CancelScope()
            for job in self.deadlines.overdue(trio.current_time()):
                self.lane.give_up(job)
            self.alarm.deadline = self.deadlines.next()

    # Jobs

    def _submit(self, job: Job) -> None:
        super()._submit(job)
        if not self.is_told:
            self._began(job)

    def _began(self, job: Job) -> None:
        if job.outcome is None and job.error is None:  # otherwise the job has already ended
            self.deadlines.begin(job, trio.current_time())
            if self.alarm.deadline == math.inf:  # otherwise it is set for an earlier job
                self.alarm.deadline = self.deadlines.next()

    def job_pauses(self, job: Job, pauses: bool) -> None:
        """Stop or restart the clock of a job: its worker waits for room, or goes on."""
        super().job_pauses(job, pauses)
        (self.deadlines.pause if pauses else self.deadlines.resume)(job, trio.current_time())

    def _give_up(self, job: Job) -> None:
        """Let the item of a job fail."""
        seconds = self.deadlines.seconds
        late = ItemTimeout(seconds)
        if not self.lane.give_up(job):
            late.note = "its call cannot be ended, and keeps its place in the executor until it returns"
        self.block.call_meter.add(1, seconds, 0.0, time_slice.clock())
        self._failed(job, 0, late)
        self._hand_on(job.batch)
        self.block.wake()

    def _came_home(self, job: Job) -> None:
        if not self.deadlines.end(job):
            super()._came_home(job)
            return
        self._count(-1)
        self.lane.completed(job)
        job.items, job.outcome = (), None  # its worker may have the job for a moment longer

    def close(self) -> None:
        """Ask for the end of the lane; jobs that are still out do not count as work any more."""
        if self.in_flight > self.paused and not self.over.is_set():
            network = self.block.host
            assert network is not None
            network.busy_count -= 1
            network.pump.wake()
        super().close()


def executor_runner(block: FunctionCore[Any], *args: Any) -> ExecutorRunner:
    """Make the runner that calls the function of a block in an executor."""
    if block.time_limit is None:
        return ExecutorRunner(block, *args)
    return TimedRunner(block, block.time_limit, *args)
