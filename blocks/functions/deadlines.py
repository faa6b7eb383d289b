"""Finds the late jobs among the jobs that an executor has begun: plain code, without a loop.

A job is begun → late (its item fails, the worker may go on with it) → ended, or begun → ended; a begun job may pause
and resume. All jobs have the same time, so jobs begun first are due first, except jobs that have paused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import itemgetter

from ..executors.lane import Job


class Deadlines:
    """Keeps the deadlines of jobs.

    Args:
        seconds: The time that each job may take.
    """

    __slots__ = ("_due", "_late", "_left", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds
        self._due: dict[Job, float] = {}
        self._late: set[Job] = set()
        self._left: dict[Job, float] = {}

    def begin(self, job: Job, now: float) -> None:
        """Start the clock of a job."""
        self._due[job] = now + self.seconds

    def pause(self, job: Job, now: float) -> None:
        """Stop the clock of a job that waits."""
        if job in self._due:
            self._left[job] = self._due.pop(job) - now

    def resume(self, job: Job, now: float) -> None:
        """Restart the clock of a job."""
        if job in self._left:
            self._due[job] = now + self._left.pop(job)
            self._due = dict(sorted(self._due.items(), key=itemgetter(1)))

    def end(self, job: Job) -> bool:
        """Forget a job that has ended; return whether it was late."""
        self._left.pop(job, None)
        self._due.pop(job, None)
        if job not in self._late:
            return False
        self._late.discard(job)
        return True

    def overdue(self, now: float) -> Iterator[Job]:
        """Yield the jobs that have become late."""
        while self.next() <= now:
            job = next(iter(self._due))
            del self._due[job]
            self._late.add(job)
            yield job

    def next(self) -> float:
        """When the next job will be late, unless it ends before."""
        return next(iter(self._due.values()), math.inf)
