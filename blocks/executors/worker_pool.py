"""The base of `Threads` and `Processes`: long-lived workers that several blocks share, as an ordinary executor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, ClassVar, Self, TypeVar

from ..base.checks import check_function
from ..base.cpus import check_cpus, usable_cpus
from ..base.names import given_name
from .forked import forkable
from .future_job import FutureJob
from .job_scheduler import JobScheduler, join
from .lane import CompletionQueue
from .pool_lane import PoolLane
from .work import Task
from .worker import WorkerBackend
from .wrapped_call import call

R = TypeVar("R")
Init = Callable[[], Any]


class WorkerPool(Executor):
    """The base of `Threads` and `Processes`."""

    is_here: ClassVar[bool] = True
    """Whether the workers are in this process and share its objects."""
    _can_end: ClassVar[bool] = False
    """Whether the running call of a worker can be ended."""
    _job_seconds: ClassVar[float] = 0.001
    """Seconds that a job of a block should take: about ten times the cost of its hand-over."""

    def __init__(
        self,
        workers: int | None,
        *,
        worker_init: Init | None,
        cpus: Sequence[int] | None,
        abandon_on_cancel: bool,
        name: str | None,
    ) -> None:
        kind = type(self).__name__
        self.name: str = given_name(kind, name)
        if workers is None:
            workers = usable_cpus()
        if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
            raise ValueError(f"{kind} {self.name!r}: workers must be an int >= 1, got {workers!r}")
        check_function(f"{kind} {self.name!r}", "worker_init", worker_init)
        self.workers = workers
        self.worker_init = worker_init
        self.abandon_on_cancel = abandon_on_cancel
        self.cpus: tuple[int, ...] = check_cpus(f"{kind} {self.name!r}", cpus)
        self._scheduler = JobScheduler(str(self), self.name, workers, self._backend, self._can_end)
        self._call = Task(call, name=str(self), is_call=True)
        forkable.add(self)

    def __repr__(self) -> str:
        there = self._scheduler.size
        spare = f" and {there - self.workers} in place of those that wait" if there > self.workers else ""
        state = (
            "shut down" if self._scheduler.is_shut else f"{min(there, self.workers)} of {self.workers} workers{spare}"
        )
        return f"<{type(self).__name__} {self.name!r}, {state}>"

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def _backend(self, number: int) -> WorkerBackend:
        """Make the backend of worker `number`."""
        raise NotImplementedError

    def check_function(self, function: Callable[..., Any], who: str) -> None:
        """Raise a `TypeError` if the workers cannot call the function of a block.

        :meta private:
        """

    def open_lane(self, name: str, concurrency: int, completions: CompletionQueue) -> PoolLane:
        """Become the executor of a block.

        :meta private:
        """
        return PoolLane(self._scheduler, name, concurrency, completions, self.abandon_on_cancel, self._job_seconds)

    def begin_anew(self) -> None:
        """Drop the workers of the parent; called in a forked child."""
        self._scheduler.begin_anew()

    # The standard interface

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Let a worker call `fn(*args, **kwargs)`.

        A call may use the executor in which it runs, and wait for the result: another worker runs instead of it.

        Raises:
            RuntimeError: The executor was shut down.
        """
        job = FutureJob(self._call, (fn, args, kwargs))
        self._scheduler.submit_call(job)
        return job.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; the workers end when all submitted work is done.

        Args:
            wait: Return only after the workers have ended. Do not use it on the loop while a network has work here.
                When one of the workers calls this, it does not wait.
            cancel_futures: Cancel the work that has not begun.
        """
        threads = self._scheduler.shut()
        if cancel_futures:
            self._scheduler.take_back()
        if wait:
            join(threads)

    def __enter__(self) -> Self:
        self._scheduler.enter()
        return self
