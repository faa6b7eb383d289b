"""A message with the fields that conversations need."""

from __future__ import annotations

import itertools
import time
from typing import Any, Generic, TypeVar

import attrs

from penstock.blocks.base.checks import check_count

T = TypeVar("T", covariant=True)
NORMAL = 128
"""The priority of a message for which none is given."""
MOST_URGENT = 255
numbers: itertools.count[int] = itertools.count(1)


def check_priority(who: str, priority: object) -> None:
    """Raise a `ValueError` if a priority is not an int from 0 to 255."""
    check_count(who, "priority", priority, 0)
    if isinstance(priority, int) and priority > MOST_URGENT:
        raise ValueError(f"{who}: priority must be an int from 0 to {MOST_URGENT}, got {priority}")


def _check(instance: object, attribute: Any, value: object) -> None:
    check_priority(type(instance).__name__, value)


@attrs.frozen
class Message(Generic[T]):
    """A message with a number, a priority, and the conversation to which it belongs.

    Blocks take any object as a message. Use this one if you need its fields. A `PriorityBuffer` sorts by its priority.

    Args:
        body: The content.
        priority: 0 … 255, the higher number is the more urgent.
        correlation_id: Names the conversation; by default the `id` of this message.
        id: The number of the message; by default the next one in this process.
        sent_at: When it was made, in seconds since 1970 (`time.time()`).

    Raises:
        ValueError: `priority` is not an int from 0 to 255.
    """

    body: T
    priority: int = attrs.field(default=NORMAL, validator=_check, kw_only=True)
    id: int = attrs.field(factory=numbers.__next__, kw_only=True)
    correlation_id: object = attrs.field(default=attrs.Factory(lambda self: self.id, takes_self=True), kw_only=True)
    sent_at: float = attrs.field(factory=time.time, kw_only=True)

    def followed_by(self, body: Any) -> Message[Any]:
        """Make a message of the same conversation and priority, with a number and a time of its own."""
        return Message(body, priority=self.priority, correlation_id=self.correlation_id)
