"""A call that was submitted to a crew through the standard interface of executors."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from .lane import Job

R = TypeVar("R")


class FutureJob(Job):
    """A call that was submitted through the standard interface."""

    __slots__ = ("future",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.future: Future[Any] = Future()

    def begin(self) -> bool:
        """Whether the job is still wanted."""
        return self.future.running() or self.future.set_running_or_notify_cancel()  # it may be begun again

    def resolve(self) -> None:
        """Hand the outcome over."""
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
    """Call a function with its arguments; what would mean something to `perform` is wrapped."""
    function, args, kwargs = work
    try:
        return (function(*args, **kwargs),)
    except StopIteration as error:
        return error
