"""A block that hands on the first messages and then ends the blocks that feed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from .base.checks import check_count
from .base.timing import LARGEST_BATCH
from .core.block import Block
from .core.source import Source
from .core.taking import TakingCore
from .core.target import Target
from .functions.function_block import DEFAULT_CAPACITY

T = TypeVar("T")


class TakeCore(TakingCore):
    """The core of a take."""

    __slots__ = ("_left",)

    def __init__(
        self,
        facade: Take[T],
        count: int,
        capacity: int | None,
        filter: Callable[[T], bool] | None,
        name: str | None,
    ) -> None:
        super().__init__(facade, capacity, filter, name)
        check_count(str(self), "count", count)
        self._left = count

    def wanted(self) -> int:
        count = min(self._left, LARGEST_BATCH, len(self.inbox.queue))
        self._left -= count
        self.has_all = not self._left
        return count


class Take(Block, Target[T], Source[T]):
    """Hands on the first `count` messages, and then ends itself, its targets, and its sources.

    After the last wanted message, its targets complete, and all blocks before it that feed nothing else end: iterables
    are read no further, generators are closed, also those that a `TransformMany` reads, and waiting messages are
    discarded. Running calls go on to their end, and their results are discarded. A block that also feeds other targets
    goes on without this one. An agent whose outputs all end here is cancelled. A direct send raises `Declined`.

    - Inputs and outputs: takes messages from links and senders; each goes to the first linked target that accepts it,
      or to a receiver.
    - Order: first in, first out.
    - Holds: up to `capacity` messages.
    - Back-pressure: when it is full, senders wait and links are postponed.
    - Ends: after `count` messages, or after its last producer if that is earlier.
    - Fails: calls no user function except filters.

    In the balance, messages that came after the last wanted one count as discarded.

    Args:
        count: The number of messages to hand on, >= 1.
        capacity: Up to this many messages wait, >= 1; None for no bound.
        filter: Only messages for which this is true are taken, and counted; others are declined.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `count` or `capacity` is less than 1.
    """

    __slots__ = ()
    kind: ClassVar[str] = "take"
    _core: TakeCore

    def __init__(
        self,
        count: int,
        *,
        capacity: int | None = DEFAULT_CAPACITY,
        filter: Callable[[T], bool] | None = None,
        name: str | None = None,
    ) -> None:
        self._core = TakeCore(self, count, capacity, filter, name)
