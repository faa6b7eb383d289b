"""Measures each call where it is made: in a thread, in another process, on another machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any, cast

import attrs

from ..base.callables import NOT_ITERABLE, NOT_RUN, not_run
from .work import stop_iteration

TIMES = "_penstock_times"
"""Under this name an exception brings along when the call was made."""


@attrs.frozen
class TimedResult:
    """What a call gave, and who made it when.

    Attributes:
        result: What the function gave.
        start: By the clock there.
        end: By the clock there.
        worker: Who called it.
    """

    result: Any
    start: float
    end: float
    worker: str


@attrs.frozen
class Timed:
    """A function that tells how long each call took, and in which worker.

    Attributes:
        function: What is called.
        expands: Whether it gives an iterable, which is read to its end.
        process: The process that it came from.
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
            return result  # is refused by who called
        if self.expands:
            result = list(result)
        timed = TimedResult(result, start, perf_counter(), worker_of(self.process))
        return [timed] if self.expands else timed


@attrs.frozen
class CallTimes:
    """The last output of a call: when it was made, and by whom.

    Attributes:
        start: By the clock there.
        end: By the clock there.
        worker: Who called it.
    """

    start: float
    end: float
    worker: str


@attrs.frozen
class TimedOutputs:
    """A function that gives any number of outputs, of which some may be taken before the others are there.

    Attributes:
        function: What is called.
        name: The block.
        process: The process that it came from.
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
    """Who runs this, seen from a process."""
    here = os.getpid()
    return threading.current_thread().name if here == process else f"process {here}"


def times_of(error: BaseException) -> tuple[float, float, str] | None:
    """From when to when a call was made that failed, and by whom, if it was timed; the exception forgets it."""
    times: tuple[float, float, str] | None = getattr(error, "__dict__", {}).pop(TIMES, None)
    return times


def untimed(result: Any, expands: bool) -> tuple[Any, TimedResult | None]:
    """Take a result and its times apart; a result that did not come from a timed function has none."""
    outputs = cast("list[Any]", result)
    timed: Any = outputs[0] if expands and outputs else result
    return (timed.result, timed) if type(timed) is TimedResult else (result, None)
