"""Finds out how many waiting messages make a list that is not too heavy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base.weighing import weigh
from .queue import Queue


class Weigher:
    """Weighs the messages at the front of a queue, each of them once, until they fill a list.

    A list is full if its weight is `max_weight`, if the next message would make it heavier, or if it has a given number
    of messages. The first message of a list always fits. So a message that is too heavy makes a list of its own.

    Args:
        who: The block, for error messages.
        weight: Gives the weight of a message.
        max_weight: The greatest weight of a list.

    Attributes:
        count: How many messages at the front of the queue belong to the next list, as far as they are weighed.
    """

    __slots__ = ("_ahead", "_max_weight", "_total", "_weight", "_who", "count")

    def __init__(self, who: object, weight: Callable[[Any], float], max_weight: float) -> None:
        self._who = who
        self._weight = weight
        self._max_weight = max_weight
        self.count: int = 0
        self._total = 0.0
        self._ahead: float | None = None  # the weight of the message that did not fit

    def is_full(self, queue: Queue[Any], most: int) -> bool:
        """Weigh messages until the list is full; return whether it is.

        Args:
            queue: The waiting messages.
            most: The greatest number of messages in the list, >= 1.
        """
        for index in range(self.count, len(queue)):
            if self._ahead is not None or self.count >= most or self._total >= self._max_weight:
                break
            weight = weigh(self._who, self._weight, queue[index])
            if self.count and self._total + weight > self._max_weight:
                self._ahead = weight
            else:
                self.count += 1
                self._total += weight
        return self._ahead is not None or self.count >= most or self._total >= self._max_weight

    def next_list(self) -> None:
        """Begin the next list, because the messages of this one have left the queue."""
        self.count, self._total = (0, 0.0) if self._ahead is None else (1, self._ahead)
        self._ahead = None

    def forget(self) -> None:
        """Begin again, because all messages have left the queue."""
        self._ahead = None
        self.next_list()
