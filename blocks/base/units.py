"""Numbers and names as people read them: three digits, a unit, and nothing that could upset a table."""

from __future__ import annotations

from .byte_count import show_bytes

UNITS = (("h", 3600.0, 7200.0), ("min", 60.0, 120.0), ("s", 1.0, 1.0), ("ms", 1e-3, 1e-3), ("µs", 1e-6, 1e-6))
"""Unit, its size in seconds, and from how many seconds on it is used."""
LONGEST_NAME = 28


def show(seconds: float) -> str:
    """Seconds in a unit that people can read, for a sentence: `5 ms`."""
    value, unit = in_unit(seconds)
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def show_aligned(seconds: float) -> str:
    """The same for a column, always with three digits, so that what changes keeps its width: `5.00 ms`."""
    value, unit = in_unit(seconds)
    return f"{three_digits(value)} {unit}"


def in_unit(seconds: float) -> tuple[float, str]:
    """Choose the unit, after rounding: 0.9996 s is 1 s, and not 1000 ms."""
    rounded = float(f"{seconds:.3g}")
    for unit, size, least in UNITS:
        if rounded >= least:
            return rounded / size, unit
    return rounded * 1e9, "ns"


def show_rate(rate: float) -> str:
    """So many a second, with three digits: `12.3 k`."""
    rounded = float(f"{rate:.3g}")
    for unit, size in ((" M", 1e6), (" k", 1e3)):
        if rounded >= size:
            return three_digits(rounded / size) + unit
    return three_digits(rounded)


def three_digits(value: float) -> str:
    """Neither more nor fewer, unless there are more before the point."""
    return f"{value:#.3g}".rstrip(".") if value < 1000 else f"{value:.0f}"


def show_amount(number: float, unit: str = "") -> str:
    """A count or a weight; of bytes, in a unit that fits."""
    return show_bytes(number) if unit == "bytes" else f"{number:,.15g}"


def listed(names: tuple[str, ...], most: int = 4) -> str:
    """Names in a sentence: `a, b and c`; those that are too many are counted."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def printable(name: str) -> str:
    """A name in one line: line breaks and control characters, escape codes among them, become visible."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def shortened(name: str) -> str:
    """A name that fits into a column; its end, which may be a number that tells it from others, stays."""
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 11]}…{name[-10:]}"
