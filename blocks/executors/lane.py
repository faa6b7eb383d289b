"""How a block hands work to an executor and gets it back: jobs go down a lane, from the loop; they come home in bursts.

A job comes home exactly once, from whatever thread: done, failed as a whole, or taken back before it began. The first
one that comes wakes the loop; those that follow before the loop has looked cost nothing more.
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
    """One hand-over.

    Attributes:
        task: What to do.
        items: To what; let go as soon as all of them have gone well.
        places: Where the items stand in the batch that they were taken with.
        batch: That batch; the business of the block.
        attempt: How often the items were tried before.
        started: When it was handed over or begun, on `perf_counter`.
        seconds: How long it took, if whoever does it has a look at the clock.
        outcome: What came of it.
        error: Why nothing came of it: the executor's own failure.
        stream: The way of what leaves it before its end, if anything may.
    """

    __slots__ = ("attempt", "batch", "error", "items", "outcome", "places", "seconds", "started", "stream", "task")

    def __init__(self, task: Task, items: Sequence[Any], batch: Any, places: Sequence[int], attempt: int = 0) -> None:
        self.task: Task = task
        self.items: Sequence[Any] = items
        self.batch: Any = batch
        self.places: Sequence[int] = places
        self.attempt: int = attempt
        self.started: float = 0.0
        self.seconds: float = 0.0
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.stream: Stream | None = None

    def begin(self) -> bool:
        """Whether the job is still wanted, asked right before it begins."""
        return True

    def let_go(self) -> None:
        """Forget the items if they are all done: in the thread that had them last, while others wait for theirs."""
        outcome = self.outcome
        if outcome is not None and len(outcome.results) == len(self.places):
            self.items = ()


class Homecoming:
    """Where jobs come home: any thread brings them, the loop is woken once a burst.

    Args:
        wake: Called on the loop when jobs have come.
        waits: Called on the loop when a job begins, and ends, to wait for a block.
    """

    __slots__ = ("_is_called", "_jobs", "_token", "_waits", "_wake")

    def __init__(self, wake: Callable[[], None], waits: Callable[[bool], None] = lambda begins: None) -> None:
        self._jobs: deque[Job] = deque()
        self._wake = wake
        self._waits = waits
        self._token = loop_token()
        self._is_called = False

    def bring(self, job: Job) -> None:
        """Put a job down, in any thread."""
        self._jobs.append(job)
        if not self._is_called:  # two threads may both see this; a wake-up too many does no harm
            self._is_called = True
            with suppress(trio.RunFinishedError):  # it was abandoned, and nobody is left to care
                self._token.run_sync_soon(self._look)

    def tell_wait(self, begins: bool) -> None:
        """A job begins, or ends, to wait for a block; in any thread."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._waits, begins)

    def _look(self) -> None:
        self._is_called = False
        self._wake()

    def take(self) -> Job | None:
        """Pick a job up, on the loop."""
        return self._jobs.popleft() if self._jobs else None


class Lane(Protocol):
    """A block's access to an executor.

    Attributes:
        depth: At most so many jobs may be out at a time.
        seconds: How long a job should take: long enough to share the cost of the hand-over.
        limit: Seconds after which a job that takes longer than that begins no further items.
        streams: Whether outputs can leave a job before its end.
    """

    streams: ClassVar[bool]
    depth: int
    seconds: float
    limit: float

    def submit(self, job: Job) -> None:
        """Hand a job over; never waits. Raises if the executor takes no more."""
        ...

    def tell_beginnings(self, tell: Callable[[Job], None]) -> bool:
        """Have `tell` called, in any thread, right before a job begins; say whether that can be known here."""
        ...

    def came_home(self, job: Job) -> float:
        """Learn from a job what a hand-over costs; give the seconds that this one has taken beyond that."""
        ...

    def is_broken_by(self, error: Exception) -> bool:
        """Whether an error of a hand-over means that no other one would fare better."""
        ...

    def give_up(self, job: Job) -> bool:
        """Try to end a job whose results nobody wants any more, which comes home all the same; say whether that did."""
        ...

    def stop(self) -> bool:
        """Take back what has not begun, and say whether what runs has to be waited for."""
        ...

    def abandon(self) -> bool:
        """Leave what runs to itself, or end it if that can be done; say whether it was ended."""
        ...

    def close(self) -> Callable[[], None] | None:
        """Let the executor go; give what has still to be waited for, in a thread, if there is anything."""
        ...


class FutureLane:
    """Hands jobs to any `concurrent.futures.Executor`.

    Only as many jobs as may run are out at a time: an executor has no other back-pressure. How long a job should take
    is learned from what it costs to hand one over: microseconds to a thread, milliseconds to a cluster.
    """

    __slots__ = (
        "_alone",
        "_executor",
        "_fixed",
        "_has_compared",
        "_home",
        "_under_way",
        "depth",
        "limit",
        "seconds",
    )
    streams: ClassVar[bool] = False
    SHORTEST, LONGEST = 0.001, 0.1
    SHARE = 5  # a job should take so many times what it costs

    def __init__(self, executor: Executor, concurrency: int, home: Homecoming) -> None:
        self._executor = executor
        self._home = home
        self._under_way: dict[Job, Future[Answer | PackedAnswer]] = {}
        self.depth: int = concurrency
        self.seconds: float = self.SHORTEST
        self.limit: float = 5 * self.LONGEST
        self._alone: float | None = None  # what a hand-over of one item costs
        self._has_compared = False
        self._fixed = 0.0

    def submit(self, job: Job) -> None:
        """Hand a job over."""
        job.started = perf_counter()
        future = self._hand_over(job)
        self._under_way[job] = future
        future.add_done_callback(partial(self._done, job))

    def _hand_over(self, job: Job) -> Future[Answer | PackedAnswer]:
        return self._executor.submit(perform_parcel, job.task, Parcel(job.items, job.task.name))

    def tell_beginnings(self, tell: Callable[[Job], None]) -> bool:
        """An executor does not tell when it begins something."""
        del tell
        return False

    def _done(self, job: Job, future: Future[Answer | PackedAnswer]) -> None:
        try:
            job.outcome = future.result().unpack()
            job.let_go()
        except BaseException as error:
            job.error = error
        self._home.bring(job)

    def came_home(self, job: Job) -> float:
        """Learn from a job what a hand-over costs; give the seconds that this one has taken beyond that."""
        del self._under_way[job]
        if job.outcome is None:
            return 0.0
        took = perf_counter() - job.started
        self._learn(len(job.places), took - job.outcome.seconds)
        self.seconds = min(max(self.SHARE * self._fixed, self.SHORTEST), self.LONGEST)
        return max(job.outcome.seconds, took - self._fixed)

    def _learn(self, items: int, cost: float) -> None:
        """Tell what a hand-over costs from what its items cost on the way, by comparing large ones with small ones."""
        if items == 1:
            self._alone = cost if self._alone is None else self._alone + (cost - self._alone) / 4
            self._fixed = min(self._fixed, self._alone) if self._has_compared else self._alone
        else:
            assert self._alone is not None  # jobs grow only after one of one item has come home
            self._has_compared = True
            fixed = (items * self._alone - cost) / (items - 1)
            self._fixed += (min(max(fixed, 0.0), self._alone) - self._fixed) / 2

    def is_broken_by(self, error: Exception) -> bool:
        """Whether the executor is shut down or broken, or the function cannot be sent; else an item is to blame."""
        if isinstance(error, (PicklingError, AttributeError, TypeError)):
            annotate(error, "the function could not be sent to the executor, or not be found there: " + PICKLABLE)
        elif isinstance(error, BrokenExecutor):
            annotate(
                error, "a worker of it has died, and such a pool cannot be mended; Processes(n) goes on with a new one"
            )
        else:
            return isinstance(error, CancelledError)
        return True

    def give_up(self, job: Job) -> bool:
        """Cancel a job that has not begun; there is no way to end one that runs."""
        future = self._under_way[job]
        return future.cancel() or future.done()

    def stop(self) -> bool:
        """Take back what has not begun; what runs is waited for, there is no way to end it."""
        for future in self._under_way.values():
            future.cancel()
        return True

    def abandon(self) -> bool:
        """There is no way to end what runs."""
        return False

    def close(self) -> None:
        """The executor is its owner's; nothing to do."""
