"""Bounds the size of a dict: removes its oldest entries, many at a time, because finding the first entry is slow."""

from __future__ import annotations

from itertools import islice
from typing import Any


def bound(most: int) -> int:
    """Return the size beyond which the oldest entries are removed, until `most` are left."""
    return most + most // 16


def forget_oldest(known: dict[int, Any], most: int) -> None:
    """Remove the oldest entries beyond `most`."""
    for key in list(islice(known, len(known) - most)):
        del known[key]
