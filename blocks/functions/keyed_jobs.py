"""Runs plain functions in an executor, with the items of one key one at a time and in order.

Each job has one item. So an item that is tried again, or was not begun, or comes late, concerns no other key.
"""

from __future__ import annotations

from typing import Any

from ..base.error_info import forget_frames
from ..executors.lane import Job
from .executor_runner import Batch, ExecutorRunner
from .function_block import FunctionCore
from .job_size import OneByOne
from .key_turns import LAST_TRY, KeyTurns
from .leasing import Leasing
from .pacing import Pacing
from .timed_runner import TimedRunner


class KeyedJobs(ExecutorRunner):
    """Calls a plain function in an executor with one item of each key at a time.

    Leases are taken as in `KeyedTasks`.
    """

    def __init__(self, block: FunctionCore[Any], turns: KeyTurns[Job], *args: Any) -> None:
        super().__init__(block, *args)
        self.turns = turns
        self.size: OneByOne = OneByOne()  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again
        self.late_leasing: Leasing | Pacing | None = None
        if self.leasing is not None:
            self.leasing, self.late_leasing = self.leasing.split(self.ordered)
        self.given_up: set[Batch] = set()

    @property
    def is_eager(self) -> bool:
        """False: a key function that raises must not raise in a sender's task."""
        return False

    def _next(self) -> Job | None:
        turns, block = self.turns, self.block
        if turns.is_ending:
            self._discard_waiting()
        while not turns.ready and (taken := super()._next()) is not None:
            self._take_in(taken)
        job = self._first_ready()
        is_blocked = bool(turns.ready or block.outbox.queue or block.has_dead_letters())
        turns.hold_back(job is None and not is_blocked and self.in_flight < self.at_once)
        return job

    def _take_in(self, job: Job) -> None:
        batch: Batch = job.batch
        try:
            has_turn = self.turns.take_in(batch.number, job.items[0], job)
        except BaseException as error:
            forget_frames(error)
            job.attempt = LAST_TRY
            self._failed(job, 0, error)
            self._hand_on(batch)
        else:
            batch.is_late = not has_turn

    def _first_ready(self) -> Job | None:
        turns, leasing = self.turns, self.late_leasing
        if not turns.ready:
            return None
        if leasing is not None:
            item = turns.ready[0].items[0]
            if not leasing.ready_for(item):
                return None
            turns.ready[0].items = [leasing.give(item)]
        return turns.ready.popleft()

    def _discard_waiting(self) -> None:
        """Discard the items that are not worked on, because their results are not needed."""
        for job in self.turns.give_up():
            self.block.discard(job.items[0])
            self.busy -= 1
            job.batch.undecided = 0
            self.given_up.add(job.batch)
            self._hand_on(job.batch)

    def _emit(self, batch: Batch) -> None:
        if batch in self.given_up:
            self.given_up.discard(batch)
            del self.batches[batch]
        else:
            super()._emit(batch)

    def _came_home(self, job: Job) -> None:
        super()._came_home(job)
        if not job.batch.undecided:
            self.turns.over(job.batch.number)

    def close(self) -> None:
        """Ask for the end of the lane, which waits for the jobs that are still in flight."""
        self.turns.clear()
        super().close()


class KeyedTimedJobs(KeyedJobs, TimedRunner):
    """The same with a time limit for each call. A late call that cannot be ended keeps the turn of its key."""

    def __init__(self, block: FunctionCore[Any], turns: KeyTurns[Job], *args: Any) -> None:
        assert block.time_limit is not None
        super().__init__(block, turns, block.time_limit, *args)
        self.late: set[Batch] = set()

    def _give_up(self, job: Job) -> None:
        self.late.add(job.batch)
        super()._give_up(job)

    def _came_home(self, job: Job) -> None:
        self.late.discard(job.batch)
        super()._came_home(job)

    def _again(self) -> Job | None:
        for place, job in enumerate(self.again):
            if job.batch not in self.late:
                if not self._may_try_again():
                    break
                del self.again[place]
                return job
        return None
