"""The marks of a time axis, with their texts."""

from __future__ import annotations

import math

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def ticks(start: float, end: float, at_most: int) -> list[tuple[float, str]]:
    """Choose round times from `start` to `end`, both included, in steps of 1, 2 or 5 times a power of ten.

    Args:
        start: The start of the axis in seconds.
        end: The end of the axis in seconds, > start.
        at_most: The maximum number of marks, >= 2; it is doubled if there would be no mark.
    """
    step = round_step((end - start) / at_most)
    size, unit = unit_of(max(abs(start), abs(end)))
    if step < size * 1e-3:  # far into a long run: the difference would not be visible
        size, unit = unit_of(step)
    first, last = math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9)
    if first > last:
        return ticks(start, end, 2 * at_most)
    places = max(0, -math.floor(math.log10(step / size) + 1e-9))
    return [(number * step, f"{number * step / size:.{places}f} {unit}") for number in range(first, last + 1)]


def round_step(least: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is not below `least`, > 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= least * (1 - 1e-9))


def unit_of(seconds: float) -> tuple[float, str]:
    """Return the largest unit that is not larger than a time; nanoseconds for smaller times."""
    return next((unit for unit in UNITS if seconds >= unit[0] * (1 - 1e-9)), UNITS[-1])


def duration(seconds: float) -> str:
    """Write a number of seconds with three significant digits, in a suitable unit."""
    if seconds == 0:
        return "0 s"
    size, unit = unit_of(abs(seconds))
    number = seconds / size
    return f"{number:.{0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2}f} {unit}"
