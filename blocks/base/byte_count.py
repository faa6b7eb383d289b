"""Numbers of bytes as people write them: "512 MiB", "1.5 GB"."""

from __future__ import annotations

import math
import re

BINARY = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
DECIMAL = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS = {name.lower(): size for name, size in (BINARY | DECIMAL).items()}
WRITTEN = re.compile(r"(?P<number>\d+(\.\d+)?) ?(?P<unit>[a-z]*)", re.ASCII | re.IGNORECASE)


def to_bytes(who: str, what: str, value: object) -> int:
    """A number of bytes >= 1, from a number or a text such as "2 GiB".

    Raises:
        TypeError: It is neither.
        ValueError: It is less than one byte, or no text of that form.
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
    """The bytes that a text says; None if it is of another form."""
    found = WRITTEN.fullmatch(text.strip())
    size = UNITS.get(found["unit"].lower() or "b") if found else None
    return float(found["number"]) * size if found and size else None


def unit_of(number: float) -> str:
    """The largest unit that a number of bytes has at least one of."""
    return next((name for name, size in reversed(BINARY.items()) if number >= size), "B")


def in_unit(number: float, unit: str) -> str:
    """A number of bytes as so many of a unit, without its name."""
    return f"{number:.0f}" if unit == "B" else f"{number / BINARY[unit]:.1f}"


def show_bytes(number: float) -> str:
    """A number of bytes with its unit: "64.0 MiB"."""
    unit = unit_of(number)
    return f"{in_unit(number, unit)} {unit}"


def show_share(part: float, whole: float) -> str:
    """So many bytes of so many: "12.4 of 64.0 MiB"; each in its own unit where a part would look like 0 otherwise."""
    unit = unit_of(whole)
    if 0 < part < BINARY[unit] / 10:
        return f"{show_bytes(part)} of {show_bytes(whole)}"
    return f"{in_unit(part, unit)} of {show_bytes(whole)}"
