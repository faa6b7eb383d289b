"""Measures each call where it is made: in a thread, in another process, on another machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

import attrs

from ..base.callables import NOT_ITERABLE, NOT_RUN

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
            error.__dict__[TIMES] = (start, perf_counter(), self._worker())
            raise
        if type(result) in (NOT_ITERABLE if self.expands else NOT_RUN):
            return result  # is refused by who called
        if self.expands:
            result = list(result)
        timed = TimedResult(result, start, perf_counter(), self._worker())
        return [timed] if self.expands else timed

    def _worker(self) -> str:
        here = os.getpid()
        return threading.current_thread().name if here == self.process else f"process {here}"


def times_of(error: BaseException) -> tuple[float, float, str] | None:
    """From when to when a call was made that failed, and by whom, if it was timed; the exception forgets it."""
    times: tuple[float, float, str] | None = getattr(error, "__dict__", {}).pop(TIMES, None)
    return times


def untimed(result: Any, expands: bool) -> tuple[Any, TimedResult | None]:
    """Take a result and its times apart; a result that did not come from a timed function has none."""
    outputs = cast("list[Any]", result)
    timed: Any = outputs[0] if expands and outputs else result
    return (timed.result, timed) if type(timed) is TimedResult else (result, None)
