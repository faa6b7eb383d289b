"""Which of the jobs that an executor has begun are late: plain code, without a loop.

A job is begun → late (its item fails, the worker may go on with it) → home, or begun → home. All have the same time, so
those begun first are due first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..executors.lane import Job


class Deadlines:
    """Keeps the deadlines of jobs.

    Args:
        seconds: How long each may take.
    """

    __slots__ = ("_due", "_late", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._due: dict[Job, float] = {}
        self._late: set[Job] = set()

    def begin(self, job: Job, now: float) -> None:
        """A job begins."""
        self._due[job] = now + self.seconds

    def end(self, job: Job) -> bool:
        """A job has come home; whether that is too late."""
        self._due.pop(job, None)
        if job not in self._late:
            return False
        self._late.discard(job)
        return True

    def overdue(self, now: float) -> Iterator[Job]:
        """Give the jobs that have just become late."""
        while self.next() <= now:
            job = next(iter(self._due))
            del self._due[job]
            self._late.add(job)
            yield job

    def next(self) -> float:
        """When the next job will be late, unless it comes home before."""
        return next(iter(self._due.values()), math.inf)
