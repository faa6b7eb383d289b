"""Numbers of bytes as people write them: "512 MiB", "1.5 GB"."""

from __future__ import annotations

import math
import re

BINARY = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
DECIMAL = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS = {name.lower(): size for name, size in (BINARY | DECIMAL).items()}
WRITTEN = re.compile(r"(?P<number>\d+(\.\d+)?) ?(?P<unit>[a-z]*)", re.ASCII | re.IGNORECASE)


def to_bytes(who: str, what: str, value: object) -> int:
    """Return a number of bytes >= 1, given as a number or as a text such as "2 GiB".

    Raises:
        TypeError: The value is neither.
        ValueError: The value is less than one byte, or a text of another form.
    """
    if isinstance(value, str):
        number = parsed(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    else:
        raise TypeError(f'{who}: {what} must be a number of bytes or a text such as "2 GiB", got {value!r}')
    if number is None:
        known = ", ".join(BINARY | DECIMAL)
        raise ValueError(f'{who}: {what} must be a number with a unit, such as "2 GiB" (or {known}), got {value!r}')
    if not (number >= 1 and math.isfinite(number)):
        raise ValueError(f"{who}: {what} must be at least 1 byte, got {value!r}")
    return int(number)


def parsed(text: str) -> float | None:
    """Return the number of bytes that a text states; None if the text has another form."""
    found = WRITTEN.fullmatch(text.strip())
    size = UNITS.get(found["unit"].lower() or "b") if found else None
    return float(found["number"]) * size if found and size else None


def unit_of(number: float) -> str:
    """Return the largest unit in which a number of bytes is at least 1."""
    return next((name for name, size in reversed(BINARY.items()) if number >= size), "B")


def in_unit(number: float, unit: str) -> str:
    """Return a number of bytes in a unit, without the name of the unit."""
    return f"{number:.0f}" if unit == "B" else f"{number / BINARY[unit]:.1f}"


def show_bytes(number: float) -> str:
    """Return a number of bytes with its unit: "64.0 MiB"."""
    unit = unit_of(number)
    return f"{in_unit(number, unit)} {unit}"


def show_share(part: float, whole: float) -> str:
    """Return a part of a whole as text: "12.4 of 64.0 MiB"; with two units if the part would look like 0 otherwise."""
    unit = unit_of(whole)
    if 0 < part < BINARY[unit] / 10:
        return f"{show_bytes(part)} of {show_bytes(whole)}"
    return f"{in_unit(part, unit)} of {show_bytes(whole)}"
