"""Keeps a dict small: forgets its oldest entries, many at a time, because it is slow to find the first of a dict."""

from __future__ import annotations

from itertools import islice
from typing import Any


def bound(most: int) -> int:
    """The size beyond which the oldest entries are forgotten, until `most` are left."""
    return most + most // 16


def forget_oldest(known: dict[int, Any], most: int) -> None:
    """Forget the oldest entries beyond `most`."""
    for key in list(islice(known, len(known) - most)):
        del known[key]
