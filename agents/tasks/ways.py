"""Finds out whether one thing leads to another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def way_back(start: T, goal: T, leads_to: Callable[[T], Iterable[T]]) -> list[T]:
    """The way from a goal back to a start that leads to it, both included; empty if it does not lead there."""
    before: dict[T, T | None] = {start: None}
    open_ones = [start]
    while open_ones:
        each = open_ones.pop()
        if each is goal:
            way = [each]
            while (one := before[way[-1]]) is not None:
                way.append(one)
            return way
        for other in leads_to(each):
            if other not in before:
                before[other] = each
                open_ones.append(other)
    return []
