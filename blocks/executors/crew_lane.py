"""How a block hands work to a crew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from .lane import Homecoming, Job
from .staff import Staff, join
from .worker import JobQueue

SECONDS = 0.001
"""How long a job should take: some ten times what it costs to hand it over."""


class CrewLane:
    """A block's access to a crew.

    Args:
        staff: Of the crew.
        name: The block's.
        at_once: At most so many of the block's jobs run at the same time.
        home: Where the jobs come home.
        abandons: Whether a network that is stopped leaves what runs to itself.
    """

    streams: ClassVar[bool] = True
    __slots__ = ("_abandons", "_staff", "depth", "limit", "queue", "seconds")

    def __init__(self, staff: Staff, name: str, at_once: int, home: Homecoming, abandons: bool) -> None:
        self.queue: JobQueue = staff.open(name, at_once, home.bring)
        self.queue.waits = home.tell_wait
        self.depth: int = 2 * at_once  # so that a worker that is done need not wait for the loop
        self.seconds: float = SECONDS
        self.limit: float = 10 * SECONDS
        self._staff = staff
        self._abandons = abandons

    def submit(self, job: Job) -> None:
        """Hand a job over."""
        self._staff.submit(self.queue, job)

    def tell_beginnings(self, tell: Callable[[Job], None]) -> bool:
        """Have the worker tell what it begins."""
        self.queue.tell = tell
        return True

    def came_home(self, job: Job) -> float:
        """Give the seconds that a job has taken, the way of its items to another process and back included."""
        return job.seconds

    def is_broken_by(self, error: Exception) -> bool:
        """A hand raises only for what concerns every item."""
        del error
        return True

    def give_up(self, job: Job) -> bool:
        """End a job, if what its worker does can be ended."""
        return self._staff.end(job)

    def stop(self) -> bool:
        """Take back what has not begun, and say whether what runs has to be waited for."""
        self._staff.take_back(self.queue)
        self._staff.stop_starting(self.queue)
        if self._abandons:
            self.abandon()
        return not self._abandons

    def abandon(self) -> bool:
        """Leave what runs to itself, or end it if that can be done; say whether it was ended."""
        return self._staff.abandon(self.queue)

    def close(self) -> Callable[[], None] | None:
        """Let the crew go."""
        leaving = self._staff.release(self.queue)
        return partial(join, leaving) if leaving else None
