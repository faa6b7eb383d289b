"""Merges numbered messages that wait in several places into one sequence. Plain code without trio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Lane(Generic[T]):
    """The messages that wait at one input.

    Attributes:
        index: The input.
        items: The messages.
        count: How many of them have been merged.
        last: The number of the last one that was merged.
    """

    __slots__ = ("count", "index", "items", "last")

    def __init__(self, index: int, items: Sequence[T]) -> None:
        self.index: int = index
        self.items: Sequence[T] = items
        self.count: int = 0
        self.last: int = 0


def merge(
    key: Callable[[T], int], number: int, most: int, open_lane: Callable[[int], Lane[T] | None]
) -> tuple[list[T], list[Lane[T]]]:
    """Merge messages whose numbers follow each other.

    It ends before a number that no lane has at its head, and if a key raises or a lane is not in order. The error is
    found when that head is looked at alone.

    Args:
        key: Returns the number of a message.
        number: The first number.
        most: How many messages to merge at most.
        open_lane: Returns the lane that has a number at its head, out of those that were not returned before, or None.

    Returns:
        The messages in order, and the lanes from which they are.
    """
    run: list[T] = []
    lanes: list[Lane[T]] = []
    heads: dict[int, Lane[T]] = {}
    try:
        while len(run) < most:
            lane = heads.pop(number, None)
            if lane is None:
                lane = open_lane(number)
                if lane is None:
                    break
                lanes.append(lane)
            run.append(lane.items[lane.count])
            lane.last = number
            lane.count += 1
            number += 1
            if lane.count < len(lane.items):
                following = key(lane.items[lane.count])
                if following < number or following in heads:
                    break
                heads[following] = lane
    except Exception:
        pass  # the key is called again where the head is looked at
    return run, lanes
