"""The time limit of one item, for functions that run on the loop.

An async function is cancelled at the limit. A plain function cannot be interrupted; a late result is discarded. Time in
which outputs wait for the targets of the block does not count.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from traceback import walk_tb
from typing import Any

import trio

from ..base.callables import NOT_ITERABLE, NOT_RUN
from ..base.error_info import annotate, shorten
from ..base.errors import TimeLimitExceeded
from .at_end import END

Async = Awaitable[Any]
NOT_THE_USERS = ("penstock", "trio", "outcome", "contextlib")


class ItemTimeout(Exception):
    """Raised for an item that has taken too long; becomes a `TimeLimitExceeded` where the item's number is known."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not done within its time limit of {seconds:g} s")
        self.seconds = seconds
        self.note = ""

    def __repr__(self) -> str:
        return f"{TimeLimitExceeded.__name__}({str(self)!r})"

    def with_item(self, who: str, item: object, number: int) -> TimeLimitExceeded:
        """Make the error that names the item."""
        what = "at_end" if item is END else f"item {number}, {shorten(item)},"
        error = TimeLimitExceeded(f"{who}: {what} was not done within its time limit of {self.seconds:g} s")
        error.__cause__ = None  # the user needs no traceback of this file
        if self.note:
            annotate(error, self.note)
        return error


@contextmanager
def allowed(seconds: float) -> Generator[trio.CancelScope]:
    """Cancel the body when its time is up, and raise `ItemTimeout`, also if the body ends by itself after that time.

    To pause the clock, move the deadline of the yielded scope and restore it afterwards.
    """
    late = ItemTimeout(seconds)
    with trio.CancelScope(deadline=trio.current_time() + seconds) as scope:
        try:
            yield scope
        except trio.Cancelled as cancelled:
            late.note = where_it_was(cancelled)
            raise
        except Exception as error:
            if scope.cancel_called:
                annotate(error, f"raised when the item was cancelled after its time limit of {seconds:g} s")
            raise
    if scope.cancelled_caught or trio.current_time() > scope.deadline:
        raise late


def where_it_was(cancelled: trio.Cancelled) -> str:
    """The line of the user's code at which an async function was cancelled, in words; "" if there is none."""
    note = ""
    for frame, line in walk_tb(cancelled.__traceback__):
        package, _, _ = frame.f_globals.get("__name__", "").partition(".")
        if package not in NOT_THE_USERS:
            note = f"it was cancelled at {frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}"
    return note


def awaited_in_time(function: Callable[[Any], Async], seconds: float | None) -> Callable[[Any], Async]:
    """Give an async function a time limit."""
    if seconds is None:
        return function

    async def call(item: Any) -> Any:
        with allowed(seconds):
            return await function(item)

    return call


def called_in_time(function: Callable[[Any], Any], seconds: float | None) -> Callable[[Any], Any]:
    """Give a plain function a time limit."""
    if seconds is None:
        return function

    def call(item: Any) -> Any:
        until = trio.current_time() + seconds
        result = function(item)
        if trio.current_time() > until and type(result) not in NOT_RUN:  # these are refused, however long the call took
            raise ItemTimeout(seconds)
        return result

    return call


def mapped_in_time(seconds: float | None) -> Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]:
    """Make a `map` with a time limit for each call: the same as `map` with `called_in_time`, for a quarter of its cost.

    The end of a call is the beginning of the next, so the clock is read once per item.
    """
    if seconds is None:
        return map

    def mapped(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        clock = trio.lowlevel.current_clock().current_time
        until = clock() + seconds
        with suppress(StopIteration):  # as with `map`, it ends the results
            for item in items:
                result = function(item)
                now = clock()
                if now > until and type(result) not in NOT_RUN:  # these are refused, however long the call took
                    raise ItemTimeout(seconds)
                until = now + seconds
                yield result

    return mapped


def expanded_in_time(function: Callable[[Any], Any], seconds: float | None) -> Callable[[Any], Any]:
    """Limit the time of a plain function that returns an iterable: the call and all reading together."""
    if seconds is None:
        return function

    def call(item: Any) -> Any:
        began = trio.current_time()
        outputs = function(item)
        if type(outputs) in NOT_ITERABLE:
            return outputs
        return read_in_time(iter(outputs), seconds, seconds - (trio.current_time() - began))

    return call


def read_in_time(outputs: Iterator[Any], seconds: float, left: float) -> Iterator[Any]:
    """Yield outputs while time is left, then close the iterator."""
    end = object()
    output = None
    try:
        while left >= 0 and output is not end:
            began = trio.current_time()
            output = next(outputs, end)
            left -= trio.current_time() - began
            if left >= 0 and output is not end:
                yield output
        if left < 0:
            raise ItemTimeout(seconds)
    except (GeneratorExit, ItemTimeout):
        close = getattr(outputs, "close", None)
        if close is not None:
            close()
        raise
