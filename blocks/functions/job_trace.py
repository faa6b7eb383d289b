"""Records the calls that an executor makes for a block: which worker made each call, its start and its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.observer import Observer, Work
from ..executors.lane import Job
from ..executors.timed import CallTimes, TimedResult, times_of, untimed
from ..executors.work import Outcome
from .function_block import FunctionCore


class JobTrace:
    """Writes the calls of one block into the recording of its network.

    Args:
        block: The block.
        expands: Whether its function returns an iterable of outputs per item.
        has_workers: Whether several calls can be made at once, so that each worker has a row; may be set later.
    """

    __slots__ = ("_block", "_expands", "_times", "_tracer", "has_workers")

    def __init__(self, block: FunctionCore[Any], expands: bool, has_workers: bool) -> None:
        assert block.tracer is not None
        self._block = block
        self._tracer: Observer = block.tracer
        self._expands = expands
        self.has_workers: bool = has_workers
        self._times: dict[Work, CallTimes] = {}

    def begin(self, items: Iterable[object]) -> list[Work]:
        """Begin the records of items that are taken for a job."""
        return self._tracer.begin_all(self._block.name, items)

    def completed(self, job: Job, outcome: Outcome) -> None:
        """Record the calls that succeeded, and separate results from times; failures are recorded later."""
        failed = dict(outcome.failures)
        places = [place for number, place in enumerate(job.places[: outcome.done]) if number not in failed]
        tracer, works, results, gives = self._tracer, job.batch.works, outcome.results, self._block.gives
        is_simple = not (self._expands or self._times)
        for index, place in enumerate(places):
            work: Work = works[place]
            result = results[index]
            timed: TimedResult | CallTimes | None
            if is_simple and type(result) is TimedResult:
                result, timed = result.result, result
            else:
                result, timed = self._apart(work, result)
            results[index] = result
            worker = timed.worker if timed is not None and self.has_workers else ""
            tracer.end(work, worker, None, None if timed is None else (timed.start, timed.end))
            if gives:
                tracer.gave(result if self._expands else (result,), work)

    def _apart(self, work: Work, result: Any) -> tuple[Any, TimedResult | CallTimes | None]:
        """Separate a result from its times."""
        if self._expands and result and type(result[-1]) is CallTimes:
            return result, result.pop()
        if work in self._times:
            return result, self._times.pop(work)
        return untimed(result, self._expands)

    def gave(self, job: Job, number: int, outputs: list[Any]) -> None:
        """Record some outputs of an item; more may follow."""
        work: Work = job.batch.works[job.places[number]]
        if outputs and type(outputs[-1]) is CallTimes:
            self._times[work] = outputs.pop()
        self._tracer.gave(outputs, work)

    def failed(self, job: Job, number: int, error: BaseException) -> None:
        """Record that one item of a job failed."""
        work: Work = job.batch.works[job.places[number]]
        times = times_of(error)
        if times is None:
            self._tracer.failed(work, job.items[number], error)
        else:
            start, end, worker = times
            self._tracer.failed(work, job.items[number], error, worker if self.has_workers else "", (start, end))

    def is_tried_again(self, item: object) -> None:
        """Record a retry: the item is not taken from the inbox again."""
        self._tracer.forget(self._block.name, (item,))
