"""Tells of tasks that wait for each other in a circle."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

from penstock.blocks import Stalled

T = TypeVar("T")


def stalled(circle: list[T], wait_of: Callable[[T, T], str]) -> Stalled:
    """Make the error for a circle of waits.

    Args:
        circle: What waits, as `way_back` returns it: the first waits for the last, each other one for the one before.
        wait_of: Says that one waits for another one.
    """
    ring = [circle[0], *reversed(circle[1:]), circle[0]]
    lines = [f"  {wait_of(one, other)}" for one, other in pairwise(ring)]
    return Stalled("tasks wait for each other in a circle, and none can go on:", "\n".join(lines))
