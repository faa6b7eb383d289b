"""Runs plain functions in an executor, several items per job, and puts their results back in order.

Items are taken from the inbox in batches. A batch is submitted as one job. Items that must be tried again, or were
not begun, are submitted in further jobs. Invariants:
- up to `lane.depth` jobs are in flight, and the executor runs up to `concurrency` of them at a time;
- up to `window` items (by default: batches) are started and not yet handed on; all of them are in `batches`, in
  order; a batch is handed on when all of its items are decided and, if ordered, no batch is before it;
- `busy` counts the items that are not decided, `waiting` the results of the batches that are not handed on.

Only the block's step makes decisions. The executor's threads only return finished jobs and wake the loop.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn

import attrs
import trio

from ..base.error_info import annotate, shorten
from ..base.timing import time_slice
from ..core.carried import for_fallback
from ..core.observer import Work
from ..executors.lane import Job
from ..executors.stream import Piece
from ..executors.threads import Threads
from ..executors.timed import Timed, TimedOutputs
from ..executors.work import Outcome, Task
from .checks import default_window
from .function_block import FunctionCore
from .injected import Injected
from .job_size import JobSize, OneByOne
from .job_trace import JobTrace
from .lane_user import LaneUser
from .leasing import Leasing
from .pacing import Pacing
from .reorder import Reorder
from .streams import Streams


class Batch:
    """Items that were taken together.

    Attributes:
        number: The number of the first item, counted from 1.
        count: How many items there are.
        undecided: How many items have no result and were not dropped.
        early: Outputs of generators that came before their item had ended, and the outputs after them.
        is_late: Whether some of its items may start after items of later batches.
        results: The results that have come, by place in the batch.
        works: The records of the items by place in the batch, if the run is recorded.
    """

    __slots__ = ("count", "early", "is_late", "number", "results", "undecided", "works")

    def __init__(self, number: int, count: int) -> None:
        self.number: int = number
        self.count: int = count
        self.undecided: int = count
        self.results: dict[int, Any] | list[Any] = {}
        self.early: list[Any] = []
        self.is_late: bool = False
        self.works: list[Work] = []

    def in_order(self) -> list[Any]:
        """The results in order, once all items are decided."""
        results = self.results
        return results if isinstance(results, list) else [results[place] for place in sorted(results)]


class ExecutorRunner(LaneUser):
    """Calls a plain function in an executor."""

    __slots__ = (
        "again",
        "at_once",
        "batches",
        "block",
        "busy",
        "failure",
        "injected",
        "is_ending",
        "leasing",
        "order",
        "ordered",
        "place",
        "size",
        "streams",
        "task",
        "trace",
        "waiting",
        "window",
    )

    def __init__(
        self,
        block: FunctionCore[Any],
        executor: Executor,
        concurrency: int,
        ordered: bool,
        window: int | None,
        expands: bool = False,
    ) -> None:
        super().__init__(block, executor, concurrency)
        self.block: FunctionCore[Any] = block
        self.place: str = type(executor).__name__
        self.at_once: int = self._calls_at_once()
        self.ordered: bool = ordered
        self.window: int | None = window
        self.task: Task = Task(
            block.function, expands, block.failures.is_strict, str(block), keeper=block.keeper(), block=block.name
        )
        self.busy: int = 0
        self.waiting: int = 0
        self.order: Reorder[Batch] = Reorder(ordered)
        self.leasing: Leasing | Pacing | None = block.leasing
        # a lease is taken when its item starts
        self.size: JobSize = JobSize() if block.leasing is None else OneByOne()
        self.batches: dict[Batch, None] = {}
        self.again: deque[Job] = deque()
        self.failure: Exception | None = None
        self.is_ending: bool = False  # nothing needs what generators give any more
        self.trace: JobTrace | None = None
        self.injected: Injected | None = None
        self.streams: Streams | None = None

    def _calls_at_once(self) -> int:
        most: int = getattr(self.executor, "workers", getattr(self.executor, "_max_workers", self.concurrency))
        return min(self.concurrency, most)

    @property
    def fixed_window(self) -> int | None:
        """The window that was asked for; None if it depends on the concurrency."""
        return self.window

    # Opening and closing the lane

    def start(self) -> None:
        """Open a lane to the executor."""
        self.open()
        self._limit_depth()
        network = self.block.host
        assert network is not None
        context = network.pump.context if isinstance(self.executor, (Threads, ThreadPoolExecutor)) else None
        self.task = attrs.evolve(self.task, limit=self.lane.limit, context=context)
        if self.task.expands and self.task.is_strict and self.lane.streams and self.block.ends is None:
            self.streams = Streams(self, self._chunks_came, self.window)
            self.task = attrs.evolve(self.task, limit=math.inf)
        if self.block.tracer is not None:
            self.trace = JobTrace(self.block, self.task.expands, self.at_once > 1)
        self.bind()

    def wanted(self) -> int:
        """Enough for each job that can be submitted now."""
        return (self.lane.depth - self.in_flight) * self.size.items if self.is_open else 1

    def change_concurrency(self, concurrency: int) -> None:
        """Let more or fewer jobs run at once from now on; jobs that run are not ended."""
        self.concurrency = concurrency
        self.at_once = self._calls_at_once()
        if self.trace is not None:
            self.trace.has_workers = self.trace.has_workers or self.at_once > 1
        if self.is_open:
            self.lane.resize(concurrency)
            self._limit_depth()

    def _limit_depth(self) -> None:
        """With a rate, submit no more jobs than can begin: a job that waits for a worker has not started."""
        if self.block.leasing is not None and self.block.leasing.is_paced:
            self.lane.depth = min(self.lane.depth, self.at_once)

    def bind(self) -> None:
        """Call the function that the block has now; time its calls if the run is recorded."""
        function = self.block.function
        self.injected = function if isinstance(function, Injected) else None
        self.task = self._task(function if self.injected is None else self.injected.function)

    def _task(self, function: Callable[[Any], Any]) -> Task:
        if self.trace is not None and not getattr(self.executor, "keeps_results", False):
            streams = self.streams is not None
            function = TimedOutputs(function, self.task.name) if streams else Timed(function, self.task.expands)
        return attrs.evolve(self.task, function=function)

    def _hurry(self) -> None:
        if self.streams is not None:
            self.streams.stop()

    def close(self) -> None:
        """Ask for the end of the lane, which waits for the jobs that are still in flight."""
        self.batches.clear()
        self.order.clear()
        self.again.clear()
        self.busy = self.waiting = 0
        self.over.set()
        self._hurry()

    @property
    def is_eager(self) -> bool:
        """Whether to submit an item as soon as it comes; quick items wait for the items right after them."""
        return not self.size.is_quick or self.block.inbox.room() < 1

    @property
    def waits_for_room(self) -> bool:
        """Whether all running jobs wait until their outputs are taken."""
        return 0 < self.in_flight == self.paused

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        """Return no tasks: the network counts as busy while jobs are in flight."""
        return ()

    def stop_expanding(self) -> None:
        """Let the workers close their generators; items that they have not begun are discarded."""
        if self.streams is not None:
            self.is_ending = True
            self.streams.stop()

    # Giving out items

    def step(self) -> None:
        """Take finished jobs back, hand results on, and submit items."""
        if self.streams is not None:
            self.streams.take_in()
        while (job := self.completions.take()) is not None:
            self._came_home(job)
        if self.failure is not None:
            raise self.failure
        self.block.flush()
        if self.streams is not None:
            self._grant(self.streams)
        self.give_out()
        self.block.inbox.serve_waiting()

    def give_out(self) -> None:
        """Submit items, unless the executor was given back; items that are tried again come first."""
        while self.is_open and self.in_flight < self.lane.depth and (job := self._again() or self._next()) is not None:
            try:
                if self.streams is not None:
                    self.streams.begin(job, self.block.room())
                self._submit(job)
            except Exception as error:
                annotate(error, f"{self.block} could not hand items to its executor, {self.executor!r}")
                self.again.appendleft(job)
                self.failure = error
                self.block.wake()  # this may be a sender's task, and the block has failed, not the sender
                return
            self._count(1)

    def _submit(self, job: Job) -> None:
        if self.injected is not None:
            tries = 0 if job.attempt is None else job.attempt.number
            job.task = self._task(self.injected.of_job(job.batch.number, job.places, tries, job.items))
        self.lane.submit(job)

    def _again(self) -> Job | None:
        return self.again.popleft() if self.again and self._may_try_again() else None

    def _may_try_again(self) -> bool:
        leasing = self.block.leasing
        return leasing is None or leasing.may_try_again()

    def _next(self) -> Job | None:
        """A job with the next items, if they may be started now."""
        block = self.block
        queue = block.inbox.queue
        if not queue or block.has_dead_letters() or block.paused is not None:
            return None
        room = self._room()
        if room < 1:
            return None
        count = min(room, self.size.items, self.size.share(len(queue), self.lane.depth - self.in_flight))
        leasing = self.leasing
        if leasing is not None and not (count := leasing.ready(queue, count)):
            return None
        self.busy += min(count, len(queue))  # before they leave the queue, so that they are always counted
        items = list(block.inbox.take(count))
        if leasing is not None:
            items = [leasing.give(item) for item in items]
        batch = Batch(self.order.start(len(items)), len(items))
        if self.trace is not None:
            batch.works = self.trace.begin(items)
        self.batches[batch] = None
        return Job(self.task, items, batch, range(len(items)))

    def _room(self) -> int:
        """How many more items may be started; by default the window counts batches."""
        to_hand_on = len(self.block.outbox.queue)
        if self.window is not None:
            return self.window - (self.order.started - self.order.handed_on) - to_hand_on
        window = default_window(self.concurrency)
        return self.size.items if len(self.batches) < window and to_hand_on < window else 0

    # Taking finished jobs back

    def _came_home(self, job: Job) -> None:
        self._count(-1)
        seconds = self.lane.completed(job)
        if self.streams is not None:
            self.streams.end(job)
        outcome = job.outcome
        if outcome is None:
            self._not_done(job)
            return
        self.block.call_meter.add(outcome.done, outcome.seconds, outcome.cpu, time_slice.clock())
        self.size.learn(outcome.done, seconds, self.lane.seconds)
        if self.trace is not None:
            self.trace.completed(job, outcome)
        self.busy -= len(outcome.results)
        self.waiting += len(outcome.results)
        self.block.job_done(job.batch.number, job.places, outcome)
        self._sort_in(job, outcome)
        most = self.size.items if self.streams is None else job.batch.count  # streams need the rest in order
        for start in reversed(range(outcome.done, len(job.places), most)):
            self._hand_over_again(job, range(start, min(start + most, len(job.places))))
        job.items, outcome.results, outcome.failures = (), [], []  # the exceptions hold the job, through their frames
        self._hand_on(job.batch)

    def _sort_in(self, job: Job, outcome: Outcome) -> None:
        batch: Batch = job.batch
        batch.undecided -= len(outcome.results)
        if self.streams is not None:
            batch.early += [output for outputs in outcome.results for output in outputs]
            for number, error in outcome.failures:
                self._failed(job, number, error)
        elif not batch.undecided and not batch.results:
            batch.results = outcome.results
        elif not outcome.failures:
            assert isinstance(batch.results, dict)
            batch.results.update(zip(job.places, outcome.results, strict=False))
        else:
            self._sort_out(job, outcome)

    def _sort_out(self, job: Job, outcome: Outcome) -> None:
        """Separate results from failures."""
        batch: Batch = job.batch
        assert isinstance(batch.results, dict)
        failed = dict(outcome.failures)
        places = (place for number, place in enumerate(job.places) if number not in failed)
        batch.results.update(zip(places, outcome.results, strict=False))
        for number, error in outcome.failures:
            self._failed(job, number, error)

    def _failed(self, job: Job, number: int, error: BaseException) -> None:
        """Apply the policy to a failed item of a job."""
        batch: Batch = job.batch
        place = job.places[number]
        self.busy -= 1
        item = job.items[number]
        if self.trace is not None:
            self.trace.failed(job, number, error)
        attempt = self.block.handle(error, item, batch.number + place, job.attempt)
        if attempt is None:
            batch.undecided -= 1
            return
        if self.trace is not None:
            self.trace.is_tried_again(item)
        self.busy += 1
        item = item if attempt.cause is None else for_fallback(item)
        again = Job(self.task, (item,), batch, (place,), attempt)
        if attempt.delay > 0:
            assert self.block.host is not None
            self.block.host.after(attempt.delay, partial(self._retry, again))
        else:
            self.again.append(again)

    def _retry(self, job: Job) -> None:
        self.again.append(job)
        self.block.wake()

    def _hand_over_again(self, job: Job, rest: Sequence[int]) -> None:
        """Queue the items of a job that were not begun; discard them if nothing needs their outputs."""
        if self.is_ending:
            self.busy -= len(rest)
            self.waiting += len(rest)
            job.batch.undecided -= len(rest)
            self.block.counts["discarded"] += len(rest)
            self.block.counts["consumed"] -= len(rest)  # `_emit` counts the whole batch
            return
        job.batch.is_late = True
        items = [job.items[number] for number in rest]
        self.again.appendleft(Job(self.task, items, job.batch, [job.places[number] for number in rest], job.attempt))

    def _not_done(self, job: Job) -> None:
        """Deal with a job that failed as a whole: no item caused it, or it is unknown which one did."""
        error = job.error
        assert error is not None
        if not isinstance(error, Exception) or self.lane.is_broken_by(error):
            self._fault(error, job)
        if len(job.items) > 1:
            for number in reversed(range(len(job.items))):
                self._hand_over_again(job, (number,))
        else:
            self._failed(job, 0, error)
        self._hand_on(job.batch)

    def _fault(self, error: BaseException, job: Job) -> NoReturn:
        """Stop the network because the executor has failed."""
        if isinstance(error, CancelledError):
            error = RuntimeError(f"the executor of {self.block}, {self.executor!r}, has cancelled work of the network")
            annotate(error, "shut an executor down after the network that uses it")
        items = ", ".join(shorten(item) for item in job.items[:3])
        more = f" and {len(job.items) - 3} more" if len(job.items) > 3 else ""
        annotate(error, f"the executor of {self.block}, {self.executor!r}, failed with {items}{more} in work")
        raise error

    # Handing results on

    def _hand_on(self, batch: Batch) -> None:
        if not batch.undecided:
            for ready in self.order.done(batch.number, batch, batch.count):
                self._emit(ready)
        if self.ordered and self.streams is not None and self.batches:
            self._emit_early(next(iter(self.batches)))

    def _emit(self, batch: Batch) -> None:
        del self.batches[batch]
        if self.streams is not None:
            self.waiting -= batch.count
            self.block.counts["consumed"] += batch.count
            self._emit_early(batch)
            return
        results = batch.in_order()
        batch.results = []
        self.waiting -= len(results)
        if self.task.expands:
            self.block.counts["consumed"] += len(results)
            self.block.tell_ends(map(len, results))
            results = [output for outputs in results for output in outputs]
            self.block.counts["produced"] += len(results)
        if results:
            self.block.emit(results)

    # Outputs that come before their item ends

    def _chunks_came(self) -> None:
        if not self.over.is_set():
            self.block.wake()

    def take_chunk(self, job: Job, chunk: list[Piece]) -> None:
        """Store some outputs of a job; hand them on if it is their turn."""
        batch: Batch = job.batch
        for number, outputs in chunk:
            if self.trace is not None:
                self.trace.gave(job, number, outputs)
            batch.early += outputs
        if not self.ordered or next(iter(self.batches)) is batch:
            self._emit_early(batch)

    def _emit_early(self, batch: Batch) -> None:
        outputs, batch.early = batch.early, []
        if outputs:
            self.block.counts["produced"] += len(outputs)
            self.block.emit(outputs)

    def job_pauses(self, job: Job, pauses: bool) -> None:
        """Count a job as paused or running again: its worker waits for room, or goes on."""
        del job
        self._count(paused=1 if pauses else -1)

    def _grant(self, streams: Streams) -> None:
        """Let generators continue if all of their outputs have been taken."""
        if self.block.outbox.queue:
            return
        for job in streams.waiting():
            if not job.batch.early or next(iter(self.batches)).is_late:  # it must not wait for later items
                streams.grant(job, self.block.room())
