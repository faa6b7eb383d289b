"""Formats numbers and names for people: three digits, a unit, and no characters that could break a table."""

from __future__ import annotations

from .byte_count import show_bytes

UNITS = (("h", 3600.0, 7200.0), ("min", 60.0, 120.0), ("s", 1.0, 1.0), ("ms", 1e-3, 1e-3), ("µs", 1e-6, 1e-6))
"""Each unit, its size in seconds, and the number of seconds from which it is used."""
LONGEST_NAME = 28


def show(seconds: float) -> str:
    """Return seconds in a readable unit, for a sentence: `5 ms`."""
    value, unit = in_unit(seconds)
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def show_aligned(seconds: float) -> str:
    """Return seconds in a readable unit, for a column; three digits keep the width the same: `5.00 ms`."""
    value, unit = in_unit(seconds)
    return f"{three_digits(value)} {unit}"


def in_unit(seconds: float) -> tuple[float, str]:
    """Return a number and its unit, chosen after rounding: 0.9996 s is 1 s, not 1000 ms."""
    rounded = float(f"{seconds:.3g}")
    for unit, size, least in UNITS:
        if rounded >= least:
            return rounded / size, unit
    return rounded * 1e9, "ns"


def show_rate(rate: float) -> str:
    """Return a number per second with three digits: `12.3 k`."""
    rounded = float(f"{rate:.3g}")
    for unit, size in ((" M", 1e6), (" k", 1e3)):
        if rounded >= size:
            return three_digits(rounded / size) + unit
    return three_digits(rounded)


def three_digits(value: float) -> str:
    """Return a number with exactly three digits, or with all digits before the point if those are more."""
    return f"{value:#.3g}".rstrip(".") if value < 1000 else f"{value:.0f}"


def show_amount(number: float, unit: str = "") -> str:
    """Return a count or a weight as text; bytes get a suitable unit."""
    return show_bytes(number) if unit == "bytes" else f"{number:,.15g}"


def listed(names: tuple[str, ...], most: int = 4) -> str:
    """Return names as part of a sentence: `a, b and c`; from `most` names on, the rest are only counted."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def printable(name: str) -> str:
    """Return a name as one line; line breaks and control characters, such as escape codes, become visible."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def shortened(name: str) -> str:
    """Shorten a name to fit into a column; its end stays, because it may be a number that makes it unique."""
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 11]}…{name[-10:]}"
