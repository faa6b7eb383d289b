"""The functions and sinks that all contenders run."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

Function = Callable[[int], int]
Sink = Callable[[int], None]


def increment(x: int) -> int:
    return x + 1


def spin(x: int) -> int:
    """Compute for 10 µs."""
    until = perf_counter() + 1e-5
    while perf_counter() < until:
        pass
    return x + 1


def compute(record: dict[str, Any]) -> dict[str, Any]:
    """Compute in pure Python for about 30 µs, and make a record."""
    total = 0
    for i in range(1600):
        total += i
    return {"id": record["id"], "name": record["name"].upper(), "sum": sum(record["values"]), "total": total}


def counting_sink() -> tuple[Sink, Callable[[], int]]:
    """Make a sink that only counts, and the function that gives its count."""
    count = 0

    def sink(_: int) -> None:
        nonlocal count
        count += 1

    return sink, lambda: count
