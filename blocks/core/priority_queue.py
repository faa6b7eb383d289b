"""A queue from which the most urgent message leaves first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from heapq import heappop, heappush
from itertools import count
from numbers import Real
from typing import Any, Generic, TypeVar

from ..base.callables import check_answer
from ..base.error_info import shorten
from ..base.timing import time_slice
from .carried import Carried

T = TypeVar("T")


class PriorityQueue(Generic[T]):
    """Messages by priority, and messages of the same priority in the order in which they came.

    With ageing, a message gains one level of priority each `ageing` seconds. Two messages in the queue age at the same
    speed, so their order never changes: it is that of priority - (time of arrival) / ageing.

    Args:
        who: The block, for error messages.
        priority: Returns the priority of a message; the higher number is the more urgent.
        ageing: Seconds of waiting that are worth one level; None if a message stays at its level.
        carries: Whether each message is stored, and leaves, with the context in which it came.
    """

    __slots__ = ("_ageing", "_arrivals", "_carries", "_heap", "_priority", "_returned", "_who")

    def __init__(
        self, who: str, priority: Callable[[T], float], ageing: float | None = None, carries: bool = False
    ) -> None:
        self._who = who
        self._priority = priority
        self._ageing = ageing
        self._carries = carries
        self._arrivals = count()
        self._heap: list[tuple[float, int, Any]] = []
        self._returned: deque[Any] = deque()

    def append(self, item: T) -> None:
        """Store a message, with the current context if contexts are kept."""
        key = -self._urgency(item)
        heappush(self._heap, (key, next(self._arrivals), self._stored(item)))

    def append_first(self, item: Any) -> None:
        """Store something that has no priority as the first."""
        self._returned.append(self._stored(item))

    def _stored(self, item: Any) -> Any:
        return Carried(item, copy_context()) if self._carries else item

    def _urgency(self, item: T) -> float:
        priority: object = self._priority(item)
        if not isinstance(priority, (int, float, Real)) or priority != priority:
            check_answer(self._who, "priority", priority)
            raise TypeError(f"{self._who}: the priority must be a number, got {priority!r} for {shorten(item)}")
        urgency = priority if type(priority) is int else float(priority)  # the numbers of NumPy may overflow
        return urgency if self._ageing is None else urgency - time_slice.clock() / self._ageing

    def appendleft(self, item: T) -> None:
        """Put a message back; it stays the first."""
        self._returned.appendleft(item)

    def popleft(self) -> T:
        """Take the first message."""
        item: T = self._returned.popleft() if self._returned else heappop(self._heap)[2]
        return item

    def take(self, count: int) -> list[T]:
        """Take several messages."""
        return [self.popleft() for _ in range(min(count, len(self)))]

    def clear(self) -> None:
        """Forget everything."""
        self._returned.clear()
        self._heap.clear()

    def __getitem__(self, index: int) -> T:
        if index == 0 and not self._returned:
            first: T = self._heap[0][2]
            return first
        return list(self)[index]

    def __iter__(self) -> Iterator[T]:
        yield from self._returned
        yield from (item for *_, item in sorted(self._heap, key=lambda entry: entry[:2]))

    def __len__(self) -> int:
        return len(self._returned) + len(self._heap)
