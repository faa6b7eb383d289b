"""Calls the weight function of a user."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .callables import check_answer
from .error_info import annotate, shorten


def weigh(who: object, weight: Callable[[Any], float], item: object) -> float:
    """Return the weight of an item.

    Raises:
        ValueError: The function has not returned a number >= 0.
        TypeError: The function has returned something that has not run.
    """
    try:
        number = weight(item)
        check_answer(who, "weight", number)
        with suppress(TypeError):  # it cannot be compared, for example None from a function without `return`
            if number >= 0:  # False for NaN, with which nothing would ever be full
                return number
        raise ValueError(f"{who}: a weight must be a number >= 0, got {number!r}")
    except Exception as error:
        annotate(error, f"in the weight of {who} for {shorten(item)}")
        raise
