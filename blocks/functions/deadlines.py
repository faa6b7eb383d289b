"""Which of the jobs that an executor has begun are late: plain code, without a loop.

A job is begun → late (its item fails, the worker may go on with it) → home, or begun → home. All have the same time, so
those begun first are due first.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

from ..executors.lane import Job


class Deadlines:
    """Keeps the deadlines of jobs.

    Args:
        seconds: How long each may take.
    """

    __slots__ = ("_begun", "_due", "_late", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._begun: set[Job] = set()
        self._due: deque[tuple[float, Job]] = deque()
        self._late: set[Job] = set()

    def begin(self, job: Job, now: float) -> None:
        """A job begins."""
        self._begun.add(job)
        self._due.append((now + self.seconds, job))

    def end(self, job: Job) -> bool:
        """A job has come home; whether that is too late."""
        self._begun.discard(job)
        if job not in self._late:
            return False
        self._late.discard(job)
        return True

    def overdue(self, now: float) -> Iterator[Job]:
        """Give the jobs that have just become late."""
        while self.next() <= now:
            _, job = self._due.popleft()
            self._begun.discard(job)
            self._late.add(job)
            yield job

    def next(self) -> float:
        """When the next job will be late, unless it comes home before."""
        while self._due and self._due[0][1] not in self._begun:
            self._due.popleft()
        return self._due[0][0] if self._due else math.inf
