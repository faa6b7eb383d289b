"""Types of options: each function turns a text into a value, or raises an error that says what was expected."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

from penstock.samples.images.record import Phase

__all__ = ["concurrency", "deviation", "size", "times"]

_SMALLEST, _LARGEST = 32, 4096
_LONGEST = 60_000  # milliseconds


def size(text: str) -> tuple[int, int]:
    """Return width and height."""
    expected = f"WIDTHxHEIGHT such as 320x240, each from {_SMALLEST} to {_LARGEST}"
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise _unexpected(text, expected)
    width, height = int(parts[0]), int(parts[1])
    if not (_SMALLEST <= width <= _LARGEST and _SMALLEST <= height <= _LARGEST):
        raise _unexpected(text, expected)
    return width, height


def deviation(text: str) -> float:
    """Return a standard deviation on the scale of 8 bits."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 255:
        raise _unexpected(text, "a number from 0 to 255")
    return value


def concurrency(text: str) -> dict[str, int]:
    """Return a number for each phase that is named."""
    return _by_phase(text, lambda value: value >= 1, "a whole number from 1")


def times(text: str) -> dict[str, float]:
    """Return the seconds for each phase that is named, with milliseconds."""
    expected = f"milliseconds, a whole number from 1 to {_LONGEST},"
    numbers = _by_phase(text, lambda value: 1 <= value <= _LONGEST, expected)
    return {name: value / 1000 for name, value in numbers.items()}


def _by_phase(text: str, allowed: Callable[[int], bool], expected: str) -> dict[str, int]:
    known = [phase.value for phase in Phase]
    numbers: dict[str, int] = {}
    for entry in text.split(","):
        name, _, number = (part.strip() for part in entry.partition("="))
        if name not in known or name in numbers:
            reason = "each once" if name in numbers else f"{', '.join(known[:-1])} or {known[-1]}"
            raise argparse.ArgumentTypeError(f"expected a phase ({reason}), got {name!r} in {text!r}")
        numbers[name] = _whole(number, allowed, f"{expected} for {name}")
    return numbers


def _whole(text: str, allowed: Callable[[int], bool], expected: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or not allowed(value):
        raise _unexpected(text, expected)
    return value


def _unexpected(text: str, expected: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
