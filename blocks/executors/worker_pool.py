"""The base of `Threads` and `Processes`: long-lived workers that several blocks share, as an ordinary executor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, ClassVar, Self, TypeVar

from ..base.byte_count import to_bytes
from ..base.checks import check_count, check_function
from ..base.cpus import check_cpus, usable_cpus
from ..base.names import given_name
from .forked import forkable
from .future_job import FutureJob
from .job_scheduler import JobScheduler
from .lane import CompletionQueue
from .pool_lane import PoolLane
from .seeds import Seeds
from .work import Task
from .worker import WorkerBackend
from .worker_options import WorkerOptions
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
        worker_exit: Init | None,
        cpus: Sequence[int] | None,
        seed: int | None,
        abandon_on_cancel: bool,
        name: str | None,
        max_items: int | None = None,
        max_memory: int | str | None = None,
    ) -> None:
        kind = type(self).__name__
        self.name: str = given_name(kind, name)
        if workers is None:
            workers = usable_cpus()
        check_count(f"{kind} {self.name!r}", "workers", workers)
        check_function(f"{kind} {self.name!r}", "worker_init", worker_init)
        check_function(f"{kind} {self.name!r}", "worker_exit", worker_exit)
        if max_items is not None and (not isinstance(max_items, int) or isinstance(max_items, bool) or max_items < 1):
            raise ValueError(f"{kind} {self.name!r}: max_items must be an int >= 1 or None, got {max_items!r}")
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            raise TypeError(f"{kind} {self.name!r}: seed must be an int or None, got {seed!r}")
        self.workers = workers
        self.worker_init = worker_init
        self.worker_exit = worker_exit
        self.abandon_on_cancel = abandon_on_cancel
        self.cpus: tuple[int, ...] = check_cpus(f"{kind} {self.name!r}", cpus)
        memory = None if max_memory is None else to_bytes(f"{kind} {self.name!r}", "max_memory", max_memory)
        self._options = WorkerOptions(
            str(self), worker_init, worker_exit, self.cpus, Seeds(seed), max_items, memory, self.name
        )
        self._scheduler = JobScheduler(str(self), self.name, workers, self._backend, self._can_end)
        self._call = Task(call, name=str(self), is_call=True)
        forkable.add(self)

    def __repr__(self) -> str:
        there = self._scheduler.size
        spare = f" and {there - self.workers} in place of those that wait" if there > self.workers else ""
        state = (
            "shut down" if self._scheduler.is_shut else f"{min(there, self.workers)} of {self.workers} workers{spare}"
        )
        replaced = f", {self._options.replaced} replaced" if self._options.replaced else ""
        return f"<{type(self).__name__} {self.name!r}, {state}{replaced}>"

    @property
    def max_items(self) -> int | None:
        """The number of items after which a worker is replaced."""
        return self._options.max_items

    @property
    def max_memory(self) -> int | None:
        """The bytes of memory above which a worker is replaced."""
        return self._options.max_memory

    @property
    def seed(self) -> int:
        """The number that the seeds of the workers follow from; give it to another executor to get the same ones."""
        return self._options.seeds.base

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
        return PoolLane(
            self._scheduler,
            self._options.exit_errors,
            name,
            concurrency,
            completions,
            self.abandon_on_cancel,
            self._job_seconds,
        )

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

        Raises:
            BaseException: With `wait`, what `worker_exit` has raised in a worker; several of these as a group.
        """
        threads = self._scheduler.shut()
        if cancel_futures:
            self._scheduler.take_back()
        if wait:
            self._options.exit_errors.wait(threads)

    def __enter__(self) -> Self:
        self._scheduler.enter()
        return self
