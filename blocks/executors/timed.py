"""Measures each call where it is made: in a thread, in another process, on another machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any, NamedTuple, cast

import attrs

from ..base.callables import NOT_ITERABLE, NOT_RUN, not_run
from .forked import forkable
from .work import stop_iteration

TIMES = "_penstock_times"
"""The attribute of an exception that holds the times of its call."""


class TimedResult(NamedTuple):
    """The result of a call, its times and its worker.

    Attributes:
        result: The result of the function.
        start: When the call began, by the worker's `perf_counter`.
        end: When the call ended, by the same clock.
        worker: The worker that made the call.
    """

    result: Any
    start: float
    end: float
    worker: str


class Here:
    """This process; its number is kept, because asking the system takes as long as a quick call.

    Attributes:
        process: The number of the process.
    """

    def __init__(self) -> None:
        self.process: int = os.getpid()
        forkable.add(self)

    def begin_anew(self) -> None:
        """Ask again, in a forked child."""
        self.process = os.getpid()


here: Here = Here()


@attrs.frozen
class Timed:
    """A function that adds to each result the times and the worker of the call.

    Attributes:
        function: The function to call.
        expands: Whether it returns an iterable, which is read to its end.
        process: The process that has submitted it.
    """

    function: Callable[[Any], Any]
    expands: bool
    process: int = attrs.field(factory=os.getpid)

    def __call__(self, item: Any) -> Any:
        start = perf_counter()
        try:
            result: Any = self.function(item)
        except BaseException as error:
            error.__dict__[TIMES] = (start, perf_counter(), worker_of(self.process))
            raise
        if type(result) in (NOT_ITERABLE if self.expands else NOT_RUN):
            return result  # the caller refuses it
        if self.expands:
            result = list(result)
        timed = TimedResult(result, start, perf_counter(), worker_of(self.process))
        return [timed] if self.expands else timed


@attrs.frozen
class CallTimes:
    """The last output of a call: its times and its worker.

    Attributes:
        start: When the call began, by the worker's `perf_counter`.
        end: When the call ended, by the same clock.
        worker: The worker that made the call.
    """

    start: float
    end: float
    worker: str


@attrs.frozen
class TimedOutputs:
    """A function that returns an iterable, whose outputs may be taken before the call ends; `CallTimes` come last.

    Attributes:
        function: The function to call.
        name: The block.
        process: The process that has submitted it.
    """

    function: Callable[[Any], Iterable[Any]]
    name: str
    process: int = attrs.field(factory=os.getpid)

    def __call__(self, item: Any) -> Iterator[Any]:
        start = perf_counter()
        try:
            try:
                outputs: Any = self.function(item)
            except StopIteration as error:
                raise stop_iteration(self.name) from error
            if type(outputs) in NOT_ITERABLE:
                raise not_run(self.name, outputs, is_read=True)
            yield from outputs
        except Exception as error:
            error.__dict__[TIMES] = (start, perf_counter(), worker_of(self.process))
            raise
        yield CallTimes(start, perf_counter(), worker_of(self.process))


def worker_of(process: int) -> str:
    """The name of the worker that runs this: its thread, or its process if that is not `process`."""
    return threading.current_thread().name if here.process == process else f"process {here.process}"


def times_of(error: BaseException) -> tuple[float, float, str] | None:
    """Take start, end and worker of a failed call from its exception; None if the call was not timed."""
    times: tuple[float, float, str] | None = getattr(error, "__dict__", {}).pop(TIMES, None)
    return times


def untimed(result: Any, expands: bool) -> tuple[Any, TimedResult | None]:
    """Separate a result from its times; a result that did not come from a timed function has none."""
    outputs = cast("list[Any]", result)
    timed: Any = outputs[0] if expands and outputs else result
    return (timed.result, timed) if type(timed) is TimedResult else (result, None)
