"""The lane from a block to a pool of workers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from .exit_errors import ExitErrors
from .job_scheduler import JobScheduler
from .lane import CompletionQueue, Job
from .worker import JobQueue


class PoolLane:
    """A block's access to a pool.

    Args:
        scheduler: The scheduler of the pool.
        exit_errors: The exceptions of the `worker_exit` of the pool.
        name: The name of the block.
        concurrency: The largest number of the block's jobs that run at the same time.
        completions: Takes the finished jobs.
        abandons: Whether a network that is stopped gives up running calls instead of waiting for them.
        seconds: Seconds that a job should take.
    """

    streams: ClassVar[bool] = True
    __slots__ = ("_abandons", "_exit_errors", "_scheduler", "depth", "limit", "queue", "seconds")

    def __init__(
        self,
        scheduler: JobScheduler,
        exit_errors: ExitErrors,
        name: str,
        concurrency: int,
        completions: CompletionQueue,
        abandons: bool,
        seconds: float,
    ) -> None:
        self.queue: JobQueue = scheduler.open(name, concurrency, completions.put)
        self.queue.waits = completions.tell_wait
        self.depth: int = ahead(concurrency)
        self.seconds: float = seconds
        self.limit: float = 10 * seconds
        self._scheduler = scheduler
        self._exit_errors = exit_errors
        self._abandons = abandons

    def resize(self, concurrency: int) -> None:
        """Let the workers do up to this many jobs at a time from now on."""
        self.depth = ahead(concurrency)
        self._scheduler.resize(self.queue, concurrency)

    def submit(self, job: Job) -> None:
        """Submit a job."""
        self._scheduler.submit(self.queue, job)

    def tell_beginnings(self, tell: Callable[[Job], None]) -> bool:
        """Let the worker call `tell` right before it begins a job."""
        self.queue.tell = tell
        return True

    def completed(self, job: Job) -> float:
        """Return the seconds that a job has taken, including the transfer of its items to another process and back."""
        return job.seconds

    def is_broken_by(self, error: Exception) -> bool:
        """Return True: a backend raises only errors that concern every item."""
        del error
        return True

    def give_up(self, job: Job) -> bool:
        """End a job, if its running call can be ended; return whether the job has ended."""
        return self._scheduler.end(job)

    def stop(self) -> bool:
        """Take back the jobs that have not begun; return whether the block must wait for running jobs."""
        self._scheduler.take_back(self.queue)
        self._scheduler.stop_starting(self.queue)
        if self._abandons:
            self.abandon()
        return not self._abandons

    def abandon(self) -> bool:
        """Give up running jobs, and end them if that is possible; return whether they were ended."""
        return self._scheduler.abandon(self.queue)

    def close(self) -> Callable[[], None] | None:
        """Release the pool; return a function that waits for the workers that end, if there are any."""
        leaving = self._scheduler.release(self.queue)
        return partial(self._exit_errors.wait, leaving) if leaving else None


def ahead(concurrency: int) -> int:
    """The number of jobs in flight: more than may run, so that a worker need not wait for the loop after a job."""
    return 2 * concurrency
