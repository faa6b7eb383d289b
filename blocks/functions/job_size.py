"""How many items the jobs of an executor get.

A job is large enough to share the cost of a hand-over among its items, and small enough that each worker gets its part
of what is there. Where the items are so quick that a part would take less time than its hand-over, one worker gets all.
"""

from __future__ import annotations

import math

from ..base.timing import BatchSize

PART = 0.1
"""The part of its intended time that a hand-over costs: no job is divided into jobs that take less time than this."""
QUICK = 0.01
"""The part of the intended time of a job that a quick item takes at most."""


class JobSize(BatchSize):
    """The size of a block's jobs, learned from the time that they took.

    Attributes:
        each: Seconds that an item takes. It rises with one slow job, and falls slowly, so that one slow item in a
            hundred is expected again.
    """

    __slots__ = ("_aim", "each")

    def __init__(self) -> None:
        super().__init__()
        self.each: float = math.inf
        self._aim: float = 0.0

    def learn(self, done: int, seconds: float, aim: float = 0.0) -> None:
        """Take note of a job, which should take `aim` seconds."""
        super().learn(done, seconds, aim)
        self._aim = aim
        if done:
            each = seconds / done
            self.each = each if self.each == math.inf else max(each, self.each * 0.8)

    def share(self, queued: int, jobs: int) -> int:
        """The size of the next job if `jobs` more may be submitted: an even share, unless this is not worth a job."""
        even = -(-queued // jobs)
        return even if self.each * even >= self._aim * PART else queued

    @property
    def is_quick(self) -> bool:
        """Whether an item takes so little time that it is better to wait for those that come right after it."""
        return self.each < self._aim * QUICK


class OneByOne(JobSize):
    """A size that is always one item."""

    def learn(self, done: int, seconds: float, aim: float = 0.0) -> None:
        """Do nothing: the size is fixed."""
