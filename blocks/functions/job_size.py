"""Decides how many items a job of an executor gets.

A job is large enough to share the cost of a hand-over among its items, and small enough that each worker gets its share
of the waiting items. If the items are so quick that a share would take less time than its hand-over, one worker gets
all of them.
"""

from __future__ import annotations

import math

from ..base.timing import BatchSize

PART = 0.1
"""The cost of a hand-over, as a share of a job's intended time: jobs are not divided into jobs that take less."""
QUICK = 0.01
"""A quick item takes up to this share of the intended time of a job."""


class JobSize(BatchSize):
    """The size of a block's jobs, learned from the time that they took.

    Attributes:
        each: Seconds per item. It rises with one slow job and falls slowly, so that it still reflects one slow item in
            a hundred.
    """

    __slots__ = ("_aim", "each")

    def __init__(self) -> None:
        super().__init__()
        self.each: float = math.inf
        self._aim: float = 0.0

    def learn(self, done: int, seconds: float, aim: float = 0.0) -> None:
        """Adapt to the time of a job, which should take `aim` seconds."""
        super().learn(done, seconds, aim)
        self._aim = aim
        if done:
            each = seconds / done
            self.each = each if self.each == math.inf else max(each, self.each * 0.8)

    def share(self, queued: int, jobs: int) -> int:
        """Return the size of the next job if `jobs` more may be submitted: an even share, unless it is too small."""
        even = -(-queued // jobs)
        return even if self.each * even >= self._aim * PART else queued

    @property
    def is_quick(self) -> bool:
        """Whether an item takes so little time that it is better to wait for the items right after it."""
        return self.each < self._aim * QUICK


class OneByOne(JobSize):
    """A size that is always one item."""

    def learn(self, done: int, seconds: float, aim: float = 0.0) -> None:
        """Do nothing: the size is fixed."""
