"""A block that hands on messages while a condition holds, and then ends the blocks that feed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from .base.callables import check_answer
from .base.checks import check_function
from .base.error_info import annotate, shorten
from .base.timing import LARGEST_BATCH, time_slice
from .core.block import Block
from .core.source import Source
from .core.taking import TakingCore
from .core.target import Target
from .functions.function_block import DEFAULT_CAPACITY

T = TypeVar("T")
LONG = 0.0005
"""Seconds after which the rest is looked at in another step."""


class TakeWhileCore(TakingCore):
    """The core of a take-while."""

    __slots__ = ("_error", "_inclusive", "_predicate")

    def __init__(
        self,
        facade: TakeWhile[T],
        predicate: Callable[[T], object],
        inclusive: bool,
        capacity: int | None,
        filter: Callable[[T], bool] | None,
        name: str | None,
    ) -> None:
        super().__init__(facade, capacity, filter, name)
        check_function(self, "predicate", predicate)
        if predicate is None:
            raise TypeError(f"{self}: predicate must be a function, got None")
        self._predicate: Callable[[Any], object] = predicate
        self._inclusive = inclusive
        self._error: Exception | None = None  # of the predicate, until the messages before have been handed on

    def wanted(self) -> int:
        if self._error is not None:
            raise self._error
        start, queue = time_slice.clock(), self.inbox.queue
        most = min(len(queue), LARGEST_BATCH)
        for count in range(most):
            try:
                goes_on = self._goes_on(queue[count])
            except Exception as error:
                annotate(error, f"raised by the predicate of {self} for {shorten(queue[count])}")
                self._error = error
                return count
            if not goes_on:
                self.has_all = True
                return count + self._inclusive
            if time_slice.clock() > start + LONG:
                return count + 1
        return most

    def _goes_on(self, message: object) -> bool:
        answer = self._predicate(message)
        check_answer(self, "the predicate", answer)
        return bool(answer)


class TakeWhile(Block, Target[T], Source[T]):
    """Hands on messages while a condition holds; then it ends itself, its targets, and its sources, as a `Take` does.

    The first message for which the predicate is false is the last one that it looks at: with `inclusive`, it is handed
    on, and else it is discarded. Then its targets complete, and all blocks before it that feed nothing else end:
    iterables are read no further, generators are closed, and waiting messages are discarded. Running calls go on to
    their end, and their results are discarded. A direct send raises `Declined`.

    - Inputs and outputs: takes messages from links and senders; each goes to the first linked target that accepts it,
      or to a receiver.
    - Order: first in, first out.
    - Holds: up to `capacity` messages.
    - Back-pressure: when it is full, senders wait and links are postponed.
    - Ends: after the first message for which the predicate is false, or after its last producer.
    - Fails: if the predicate raises, or returns no plain value.

    In the balance, messages that came after the last wanted one count as discarded.

    Args:
        predicate: Returns whether to go on after a message. It runs on the loop, once for each message.
        inclusive: Whether the message for which it is false is still handed on. Default: False.
        capacity: Up to this many messages wait, >= 1; None for no bound.
        filter: Only messages for which this is true are taken; others are declined.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        TypeError: `predicate` is not a plain function.
        ValueError: `capacity` is less than 1.
    """

    __slots__ = ()
    kind: ClassVar[str] = "take-while"
    _core: TakeWhileCore

    def __init__(
        self,
        predicate: Callable[[T], object],
        *,
        inclusive: bool = False,
        capacity: int | None = DEFAULT_CAPACITY,
        filter: Callable[[T], bool] | None = None,
        name: str | None = None,
    ) -> None:
        self._core = TakeWhileCore(self, predicate, inclusive, capacity, filter, name)
