"""Checks of arguments; the messages name the object, the expected value and the given value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .callables import is_plain


def check_number(who: str, what: str, value: object, *, least: float = 0, above: bool = False) -> None:
    """Raise a `ValueError` if a value is not a finite number >= `least` (or, with `above`, > `least`)."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not (value > least or (value == least and not above)):  # type: ignore[operator]
        raise ValueError(f"{who}: {what} must be a number {'>' if above else '>='} {least:g}, got {value!r}")


def check_share(who: str, what: str, value: float) -> None:
    """Raise a `ValueError` if a value is not a number from 0 to 1."""
    check_number(who, what, value)
    if value > 1:
        raise ValueError(f"{who}: {what} must be between 0 and 1, got {value!r}")


def check_count(who: str, what: str, value: object, least: int = 1) -> None:
    """Raise a `ValueError` if a value is not an int >= `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{who}: {what} must be an int >= {least}, got {value!r}")


def check_function(who: object, what: str, value: Callable[..., Any] | None) -> None:
    """Raise a `TypeError` if a value is neither None nor a callable that runs when it is called."""
    if value is None:
        return
    if not callable(value):
        raise TypeError(f"{who}: {what} must be a function or None, got {value!r}")
    if not is_plain(value):
        raise TypeError(
            f"{who}: {what} must be a plain function, which runs when it is called, not an `async def` or generator "
            f"function; got {value!r}"
        )


def check_kind(who: str, what: str, value: object, kind: type) -> None:
    """Raise a `TypeError` if a value is neither None nor an instance of a class."""
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{who}: {what} must be a {kind.__name__} or None, got {value!r}")


def check_name(kind: str, value: object) -> None:
    """Raise a `TypeError` if a value is neither None nor text."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{kind}: name must be a str or None, got {value!r}")


def check_capacity(who: str, capacity: int | None) -> None:
    """Raise a `ValueError` if a capacity is neither an int >= 1 nor None."""
    if capacity is not None and (not isinstance(capacity, int) or isinstance(capacity, bool) or capacity < 1):
        raise ValueError(f"{who}: capacity must be an int >= 1, or None for no bound, got {capacity!r}")
