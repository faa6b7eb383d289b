"""A call that was submitted to a pool through the standard interface of executors."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import Any, TypeVar

from ..base.threads import Caller, at_work
from .lane import Job
from .nesting import Line
from .work import Call, Task

R = TypeVar("R")


class PoolFuture(Future[R]):
    """A future for which any call in a pool may wait: another worker runs instead of that call.

    Attributes:
        line: The workers in whose calls the future was requested, see `nesting`.
    """

    line: Line = ()

    def result(self, timeout: float | None = None) -> R:
        """Wait for the result; see `concurrent.futures.Future.result`."""
        caller = self._waiting_caller()
        if caller is None:
            return super().result(timeout)
        with others_work_meanwhile(caller):
            return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end; see `concurrent.futures.Future.exception`."""
        caller = self._waiting_caller()
        if caller is None:
            return super().exception(timeout)
        with others_work_meanwhile(caller):
            return super().exception(timeout)

    def _waiting_caller(self) -> Caller | None:
        """Return the worker of this thread if its call must wait; None if the future is done or is its own."""
        caller = at_work.get(threading.current_thread())
        return None if caller is None or caller in self.line or self.done() else caller


@contextmanager
def others_work_meanwhile(caller: Caller) -> Generator[None]:
    """Let another worker run instead of a worker that waits for a future in its call."""
    caller.stand_aside(True)
    try:
        yield
    finally:
        caller.stand_aside(False)


class FutureJob(Job):
    """A call that was submitted through the standard interface."""

    __slots__ = ("_has_begun", "future")

    def __init__(self, task: Task, work: Call) -> None:
        super().__init__(task, (work,), None, (0,))
        self.future: PoolFuture[Any] = PoolFuture()
        self._has_begun = False

    def begin(self) -> bool:
        """Whether the job is still needed."""
        if not self._has_begun:  # a job may be begun twice
            self._has_begun = self.future.set_running_or_notify_cancel()
        return self._has_begun

    def resolve(self) -> None:
        """Set the result, the exception or the cancellation of the future."""
        future, outcome = self.future, self.outcome
        if outcome is not None and outcome.done:
            result = outcome.results[0] if outcome.results else outcome.failures[0][1]
            if type(result) is tuple:
                future.set_result(result[0])
            else:
                future.set_exception(result)
        elif isinstance(self.error, CancelledError) and future.cancel():
            future.set_running_or_notify_cancel()
        elif self.error is not None:
            future.set_exception(self.error)


def resolve(job: Job) -> None:
    """Resolve the future of a job that is done."""
    assert isinstance(job, FutureJob)
    job.resolve()
