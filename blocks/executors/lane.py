"""Lanes carry jobs from a block to an executor; a completion queue carries them back to the loop.

A job is returned exactly once, from any thread: done, failed as a whole, or taken back before it began. The first
returned job wakes the loop; jobs that follow before the loop has looked cause no further wake-up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from functools import partial
from pickle import PicklingError
from time import perf_counter
from typing import Any, ClassVar, Protocol

import trio

from ..base.error_info import annotate
from ..base.loop_token import loop_token
from .parcel import PICKLABLE, Answer, PackedAnswer, Parcel, perform_parcel
from .stream import Stream
from .work import Outcome, Task


class Job:
    """Items that are submitted to an executor together.

    Attributes:
        task: What to do with each item.
        items: The items; released as soon as all of them have succeeded.
        places: The places of the items in their batch.
        batch: The batch with which the items were taken; only the block uses it.
        attempt: What the block knows of earlier tries of the items; only the block uses it.
        started: When it was submitted or begun, by `perf_counter`.
        seconds: How long it took, if the executor measures this.
        outcome: The results and failures of the items.
        error: The executor's own failure, if there is no outcome.
        stream: Carries outputs that leave the job before its end, if this is allowed.
    """

    __slots__ = ("attempt", "batch", "error", "items", "outcome", "places", "seconds", "started", "stream", "task")

    def __init__(
        self, task: Task, items: Sequence[Any], batch: Any, places: Sequence[int], attempt: Any = None
    ) -> None:
        self.task: Task = task
        self.items: Sequence[Any] = items
        self.batch: Any = batch
        self.places: Sequence[int] = places
        self.attempt: Any = attempt
        self.started: float = 0.0
        self.seconds: float = 0.0
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.stream: Stream | None = None

    def begin(self) -> bool:
        """Whether the job is still needed; called right before it begins."""
        return True

    def let_go(self) -> None:
        """Release the items if all have succeeded, in the thread that used them last."""
        outcome = self.outcome
        if outcome is not None and len(outcome.results) == len(self.places):
            self.items = ()


class CompletionQueue:
    """A completion queue: any thread puts finished jobs in, and the loop is woken once per burst.

    Args:
        wake: Called on the loop when jobs have been put in.
        waits: Called on the loop when a job begins, and ends, to wait for a block.
    """

    __slots__ = ("_is_called", "_jobs", "_token", "_waits", "_wake")

    def __init__(self, wake: Callable[[], None], waits: Callable[[bool], None] = lambda begins: None) -> None:
        self._jobs: deque[Job] = deque()
        self._wake = wake
        self._waits: Callable[[bool], None] = waits
        self._token = loop_token()
        self._is_called = False

    def put(self, job: Job) -> None:
        """Put a job in, in any thread."""
        self._jobs.append(job)
        self.look_soon()

    def look_soon(self) -> None:
        """Wake the loop, in any thread."""
        if not self._is_called:  # two threads may both see this; an extra wake-up does no harm
            self._is_called = True
            with suppress(trio.RunFinishedError):  # the job was abandoned, and its loop has ended
                self._token.run_sync_soon(self._look)

    def tell_wait(self, begins: bool) -> None:
        """Report, in any thread, that a job begins, or ends, to wait for a block."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._waits, begins)

    def _look(self) -> None:
        self._is_called = False
        self._wake()

    def take(self) -> Job | None:
        """Take a job out, on the loop; None if there is none."""
        return self._jobs.popleft() if self._jobs else None


class Lane(Protocol):
    """A block's access to an executor.

    Attributes:
        depth: The largest number of jobs that may be in flight at a time.
        seconds: Seconds that a job should take: long enough to share the cost of the hand-over among its items.
        limit: Seconds after which a running job begins no further items.
        streams: Whether outputs can leave a job before its end.
    """

    streams: ClassVar[bool]
    depth: int
    seconds: float
    limit: float

    def resize(self, concurrency: int) -> None:
        """Let more or fewer jobs run at a time from now on; jobs that run are not ended."""
        ...

    def submit(self, job: Job) -> None:
        """Submit a job; never waits. Raises if the executor takes no more jobs."""
        ...

    def tell_beginnings(self, tell: Callable[[Job], None]) -> bool:
        """Register `tell`, which is called in any thread right before a job begins; return whether this is possible."""
        ...

    def completed(self, job: Job) -> float:
        """Update the hand-over cost estimate from a finished job; return its run time without that cost."""
        ...

    def is_broken_by(self, error: Exception) -> bool:
        """Whether the error of a job means that all other jobs would fail too."""
        ...

    def give_up(self, job: Job) -> bool:
        """Try to end a job whose results are not needed; return whether it ended. It is returned in any case."""
        ...

    def stop(self) -> bool:
        """Take back the jobs that have not begun; return whether the block must wait for running jobs."""
        ...

    def abandon(self) -> bool:
        """Give up running jobs, and end them if that is possible; return whether they were ended."""
        ...

    def close(self) -> Callable[[], None] | None:
        """Release the executor; return a function that waits in a thread for the rest of its work, if there is any."""
        ...


class FutureLane:
    """Hands jobs to any `concurrent.futures.Executor`.

    Only as many jobs as may run are in flight at a time, because an executor has no other back-pressure. The intended
    run time of a job follows from the measured cost of a hand-over: microseconds to a thread, milliseconds to a
    cluster.
    """

    __slots__ = (
        "_alone",
        "_completions",
        "_executor",
        "_fixed",
        "_has_compared",
        "_under_way",
        "depth",
        "limit",
        "seconds",
    )
    streams: ClassVar[bool] = False
    SHORTEST, LONGEST = 0.001, 0.1
    SHARE = 5  # a job should take this many times the cost of its hand-over

    def __init__(self, executor: Executor, concurrency: int, completions: CompletionQueue) -> None:
        self._executor = executor
        self._completions = completions
        self._under_way: dict[Job, Future[Answer | PackedAnswer]] = {}
        self.depth: int = concurrency
        self.seconds: float = self.SHORTEST
        self.limit: float = 5 * self.LONGEST
        self._alone: float | None = None  # the cost of a hand-over of one item
        self._has_compared = False
        self._fixed = 0.0

    def resize(self, concurrency: int) -> None:
        """Have up to this many jobs in flight from now on."""
        self.depth = concurrency

    def submit(self, job: Job) -> None:
        """Submit a job."""
        job.started = perf_counter()
        future = self._hand_over(job)
        self._under_way[job] = future
        future.add_done_callback(partial(self._done, job))

    def _hand_over(self, job: Job) -> Future[Answer | PackedAnswer]:
        return self._executor.submit(perform_parcel, job.task, Parcel(job.items, job.task.name))

    def tell_beginnings(self, tell: Callable[[Job], None]) -> bool:
        """Return False: an executor does not tell when it begins a job."""
        del tell
        return False

    def _done(self, job: Job, future: Future[Answer | PackedAnswer]) -> None:
        try:
            job.outcome = future.result().unpack()
            job.let_go()
        except BaseException as error:
            job.error = error
        self._completions.put(job)

    def completed(self, job: Job) -> float:
        """Update the hand-over cost estimate from a finished job; return its run time without that cost."""
        del self._under_way[job]
        if job.outcome is None:
            return 0.0
        took = perf_counter() - job.started
        self._learn(len(job.places), took - job.outcome.seconds)
        self.seconds = min(max(self.SHARE * self._fixed, self.SHORTEST), self.LONGEST)
        return max(job.outcome.seconds, took - self._fixed)

    def _learn(self, items: int, cost: float) -> None:
        """Separate the fixed cost of a hand-over from the cost per item, by comparing large jobs with small ones."""
        if items == 1:
            self._alone = cost if self._alone is None else self._alone + (cost - self._alone) / 4
            self._fixed = min(self._fixed, self._alone) if self._has_compared else self._alone
        else:
            assert self._alone is not None  # jobs grow only after a job of one item has finished
            self._has_compared = True
            fixed = (items * self._alone - cost) / (items - 1)
            self._fixed += (min(max(fixed, 0.0), self._alone) - self._fixed) / 2

    def is_broken_by(self, error: Exception) -> bool:
        """Whether the executor is shut down or broken, or the function cannot be sent; else an item is the cause."""
        if isinstance(error, (PicklingError, AttributeError, TypeError)):
            annotate(error, "the function could not be sent to the executor, or could not be found there: " + PICKLABLE)
        elif isinstance(error, BrokenExecutor):
            annotate(
                error, "a worker of it has died, and such a pool cannot go on; Processes(n) goes on with a new worker"
            )
        else:
            return isinstance(error, CancelledError)
        return True

    def give_up(self, job: Job) -> bool:
        """Cancel a job that has not begun; a running job cannot be ended."""
        future = self._under_way[job]
        return future.cancel() or future.done()

    def stop(self) -> bool:
        """Take back the jobs that have not begun; running jobs cannot be ended, so the block must wait for them."""
        for future in self._under_way.values():
            future.cancel()
        return True

    def abandon(self) -> bool:
        """Return False: running jobs cannot be ended."""
        return False

    def close(self) -> None:
        """Let go of the jobs, which hold results; the executor belongs to the user."""
        self._under_way.clear()
