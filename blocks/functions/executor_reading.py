"""Reads the iterable of a source in an executor, one chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any

import attrs
import trio

from ..base.error_info import annotate
from ..executors.client_lane import is_client_executor
from ..executors.lane import Job
from ..executors.work import Task
from .lane_user import LaneUser, Owner
from .patience import Patience
from .reader import Chunk, Reader

PATIENCE = 0.002
"""Seconds after which the items of a chunk are taken one by one."""
GRACE = 0.05
"""Seconds that a call has to return at the end before it may be abandoned: most are in the middle of a chunk."""


class ExecutorReading(LaneUser):
    """Reads for one source.

    Args:
        owner: The source.
        iterator: The iterator to read.
        executor: Where it is read.
        came_late: Called with the number of items that were read after the source had stopped.
    """

    __slots__ = ("_alarm", "_began", "_came_late", "_failure", "_is_slow", "_reader", "_task")

    def __init__(
        self, owner: Owner, iterator: Iterator[Any], executor: Executor, came_late: Callable[[int], None]
    ) -> None:
        super().__init__(owner, executor, 1)
        self._came_late = came_late
        self._reader = Reader(iterator, str(owner), self._tell)
        self._began = 0.0
        self._is_slow = False  # whether the present chunk takes longer than usual: each item is taken as it comes
        self._alarm: trio.CancelScope | None = None
        self._task = Task(self._reader, name=str(owner), block=owner.name)
        self._failure: BaseException | None = None

    def ask(self, count: int) -> None:
        """Start to read up to `count` items, unless a chunk is being read already."""
        if not self.in_flight:
            self._is_slow = False
            self._began = trio.current_time()
            self._submit(count)
            self._count(1)
            self._watch(PATIENCE)

    def _tell(self) -> None:
        """Wake the source, in any thread."""
        self.completions.look_soon()

    def _watch(self, seconds: float) -> None:
        """See to it that items are taken one by one if a chunk is not there in time; one alarm serves all chunks."""
        if self._alarm is None and self.owner.host is not None:
            self._alarm = self.owner.host.after(seconds, self._look)

    def _look(self) -> None:
        self._alarm = None
        if self.in_flight and not self.over.is_set():
            rest = self._began + PATIENCE - trio.current_time()
            if rest > 0:
                self._watch(rest)
            else:
                self._is_slow = True
                self.owner.wake()

    def _submit(self, count: int) -> None:
        try:
            self.lane.submit(Job(self._task, (count,), None, (0,)))
        except Exception as error:
            annotate(error, f"{self.owner} could not hand its iterable to its executor, {self.executor!r}")
            raise

    def take(self) -> Chunk | None:
        """Get what was read, if anything was."""
        job = self.completions.take()
        if job is not None:
            self._count(-1)
            self.lane.completed(job)
            return self._chunk_of(job)
        if not self._is_slow:
            return None
        self._reader.is_awaited = True  # before the look: an item that comes now wakes the source again
        chunk = self._reader.take()
        return chunk if chunk.items else None

    def _chunk_of(self, job: Job) -> Chunk:
        """The items that have come, and the end of the call."""
        rest = self._reader.take()
        if job.outcome is not None:
            chunk: Chunk = job.outcome.results[0]  # there is always one: the reader does not raise
            return attrs.evolve(chunk, items=rest.items, start=rest.start)
        error = job.error
        assert error is not None
        annotate(error, f"the executor of {self.owner}, {self.executor!r}, failed while it read")
        return attrs.evolve(rest, is_last=True, error=error)

    # The end

    def stop(self) -> None:
        """Read no further, and close a generator where it was read; chunks that were read are still delivered."""
        self._reader.stop()

    def end(self) -> None:
        """End the use of the executor; a call that still runs does not count as work of the network any more."""
        self._count(paused=self.in_flight - self.paused)
        self.over.set()

    def _hurry(self) -> None:
        self._reader.stop()
        self._came_late(len(self._reader.take().items))

    async def _linger(self) -> None:
        if self.in_flight:
            with trio.move_on_after(GRACE):
                await self.patience.is_over.wait()

    async def _clean_up(self) -> None:
        """Let a worker close a generator that is not exhausted; a call that is still out closes it itself."""
        if self._reader.has_begun and not self._reader.is_over and not self.in_flight:
            self.patience: Patience = Patience(self._say_what_runs)
            self._submit(1)
            self.in_flight += 1
            await self._wait_for_calls()
        if self._failure is not None:
            raise self._failure

    def _discarded(self, job: Job) -> None:
        chunk = self._chunk_of(job)
        self._came_late(len(chunk.items))
        if job.error is None:
            self._failure = self._failure or chunk.error


def check_reading_executor(who: str, executor: Executor) -> None:
    """Raise a `TypeError` that says what to do if an executor cannot read an iterable of this process."""
    if not isinstance(executor, Executor):
        raise TypeError(f"{who}: executor must be Threads or another executor with threads, got {executor!r}")
    is_here = getattr(executor, "is_here", not isinstance(executor, ProcessPoolExecutor))
    if not is_here or is_client_executor(executor):
        raise TypeError(
            f"{who}: its iterable is in this process and cannot be read by {type(executor).__name__}; give it "
            "executor=Threads(1), or have a TransformMany with that executor make the items, and send it what they are "
            "made of"
        )
