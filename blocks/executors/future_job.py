"""A call that was submitted to a crew through the standard interface of executors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import Any, TypeVar

from ..base.threads import at_work
from .lane import Job
from .nesting import Line

R = TypeVar("R")


class CrewFuture(Future[R]):
    """A future for which any call in a crew may wait: another worker works in the place of that call.

    Attributes:
        line: The workers in whose calls it was requested; `nesting` takes care of these.
    """

    line: Line = ()

    def result(self, timeout: float | None = None) -> R:
        """Wait for the result; see `concurrent.futures.Future.result`."""
        with others_work_meanwhile(self):
            return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end; see `concurrent.futures.Future.exception`."""
        with others_work_meanwhile(self):
            return super().exception(timeout)


@contextmanager
def others_work_meanwhile(future: CrewFuture[Any]) -> Generator[None]:
    """If this thread is a worker that waits for a future in its call, let another worker work in its place."""
    caller = None if future.done() else at_work.get(threading.current_thread())
    if caller is None or caller in future.line:
        yield
        return
    caller.stand_aside(True)
    try:
        yield
    finally:
        caller.stand_aside(False)


class FutureJob(Job):
    """A call that was submitted through the standard interface."""

    __slots__ = ("future",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.future: CrewFuture[Any] = CrewFuture()

    def begin(self) -> bool:
        """Whether the job is still wanted."""
        return self.future.running() or self.future.set_running_or_notify_cancel()  # a job may be begun twice

    def resolve(self) -> None:
        """Set the result, the exception or the cancellation of the future."""
        if isinstance(self.error, CancelledError) and self.future.cancel():
            self.future.set_running_or_notify_cancel()
        elif self.error is not None:
            self.future.set_exception(self.error)
        elif self.outcome is not None:
            for _, error in self.outcome.failures:
                self.future.set_exception(error)
            for result in self.outcome.results:
                if isinstance(result, StopIteration):
                    self.future.set_exception(result)
                else:
                    self.future.set_result(result[0])


def call(work: tuple[Callable[..., R], tuple[Any, ...], dict[str, Any]]) -> tuple[R] | StopIteration:
    """Call a function with its arguments; wrap results and exceptions that `perform` would treat specially."""
    function, args, kwargs = work
    try:
        return (function(*args, **kwargs),)
    except StopIteration as error:
        return error
