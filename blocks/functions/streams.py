"""The loop's side of generators in workers: takes their chunks in, and grants further chunks when there is room.

It is used only if every failure is a fault. Otherwise an item that fails must give no outputs, so all outputs come at
the end. A batch keeps early outputs until it may hand them on: if ordered, when no batch is before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from ..base.timing import LARGEST_BATCH
from ..executors.lane import CompletionQueue, Job
from ..executors.stream import MOST_AHEAD, Piece, Stream


class Reading(Protocol):
    """The runner that gets the chunks of its jobs."""

    def take_chunk(self, job: Job, chunk: list[Piece]) -> None:
        """Take in some outputs of a job."""
        ...

    def job_pauses(self, job: Job, pauses: bool) -> None:
        """Record that the worker of a job has begun, or ended, to wait for room."""
        ...


class Streams:
    """The streams of the jobs of one block that are out.

    Args:
        reading: The runner of the block.
        wake: Makes the block take a step; called on the loop.
        most: The largest number of outputs in a chunk; None for the usual bound.
    """

    __slots__ = ("_ahead", "_completions", "_most", "_reading")

    def __init__(self, reading: Reading, wake: Callable[[], None], most: int | None) -> None:
        self._reading = reading
        self._completions = CompletionQueue(wake)
        self._most = min(most or LARGEST_BATCH, LARGEST_BATCH)
        self._ahead: dict[Job, int] = {}

    def begin(self, job: Job, room: int) -> None:
        """Give a stream to a job that is about to be submitted."""
        self._ahead[job] = 0
        job.stream = Stream(lambda: self._completions.put(job), self._share(room))

    def _share(self, room: int) -> int:
        return max(1, min(self._most, room // len(self._ahead)))

    def take_in(self) -> None:
        """Take the chunks that have come."""
        while (job := self._completions.take()) is not None:
            if job in self._ahead:  # otherwise it has ended since
                self._drain(job)

    def _drain(self, job: Job) -> None:
        assert job.stream is not None
        while job.stream.chunks:
            chunk = job.stream.chunks.popleft()
            self._ahead[job] += 1
            if self._ahead[job] == MOST_AHEAD:
                self._reading.job_pauses(job, True)
            self._reading.take_chunk(job, chunk)

    def waiting(self) -> Iterator[Job]:
        """The jobs with chunks that were not granted yet."""
        return (job for job, ahead in tuple(self._ahead.items()) if ahead)

    def grant(self, job: Job, room: int) -> None:
        """Let a job continue: its chunks have been handed on."""
        assert job.stream is not None
        ahead, self._ahead[job] = self._ahead[job], 0
        for _ in range(ahead):
            job.stream.grant(self._share(room))
        if ahead == MOST_AHEAD:
            self._reading.job_pauses(job, False)

    def end(self, job: Job) -> None:
        """Take the last chunks of a job that has ended."""
        self._drain(job)
        if self._ahead.pop(job) == MOST_AHEAD:  # the network has stopped while its worker waited
            self._reading.job_pauses(job, False)

    def stop(self) -> None:
        """Stop all jobs: no more outputs are wanted."""
        for job in self._ahead:
            assert job.stream is not None
            job.stream.stop()
