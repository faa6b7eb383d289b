"""Where an axis of time has its marks, and what is written there."""

from __future__ import annotations

import math

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def ticks(start: float, end: float, at_most: int) -> list[tuple[float, str]]:
    """Choose round times from `start` to `end`, both included, in steps of 1, 2 or 5 times a power of ten.

    Args:
        start: In seconds.
        end: In seconds, > start.
        at_most: So many fit, >= 2; if they are so few that there would be none, there are twice as many.
    """
    step = round_step((end - start) / at_most)
    size, unit = unit_of(max(abs(start), abs(end)))
    if step < size * 1e-3:  # far into a long run: what differs would not be seen
        size, unit = unit_of(step)
    first, last = math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9)
    if first > last:
        return ticks(start, end, 2 * at_most)
    places = max(0, -math.floor(math.log10(step / size) + 1e-9))
    return [(number * step, f"{number * step / size:.{places}f} {unit}") for number in range(first, last + 1)]


def round_step(least: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is not below `least`, > 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= least * (1 - 1e-9))


def unit_of(seconds: float) -> tuple[float, str]:
    """The largest unit of which this is one or more; nanoseconds for all that is less."""
    return next((unit for unit in UNITS if seconds >= unit[0] * (1 - 1e-9)), UNITS[-1])


def duration(seconds: float) -> str:
    """Say how long something took, with three digits that count."""
    if seconds == 0:
        return "0 s"
    size, unit = unit_of(abs(seconds))
    number = seconds / size
    return f"{number:.{0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2}f} {unit}"
