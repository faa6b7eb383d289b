"""The processors that this process may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence


def usable_cpus() -> int:
    """Return how many processors this process may use."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def check_cpus(who: str, cpus: Sequence[int] | None) -> tuple[int, ...]:
    """Return the numbers; raise a `ValueError` if there are none or this process may not use one of them."""
    if cpus is None:
        return ()
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    allowed = affinity(0) if affinity is not None else set(range(os.cpu_count() or 1))
    numbers = tuple(cpus)
    if not numbers or not all(type(cpu) is int and cpu in allowed for cpu in numbers):
        raise ValueError(f"{who}: cpus must be numbers out of {sorted(allowed)}, got {cpus!r}")
    return numbers


def pin(cpus: Sequence[int], number: int) -> None:
    """Keep the running thread on the processor of worker `number`; do nothing if the system cannot do that."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpus[(number - 1) % len(cpus)]})
