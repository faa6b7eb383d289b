"""The natural order of names: img2 before img10."""

from __future__ import annotations

import re
from pathlib import PurePath

__all__ = ["natural_order"]


def natural_order(path: PurePath) -> tuple[object, ...]:
    """Return a sort key that compares folder by folder and numbers by value, and ignores case."""
    return tuple(_key(part) for part in path.parts), str(path)


def _key(name: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part) for part in parts if part)
