"""Says which names are near to one that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 5
"""How many names are told, if none is near."""


def near_names(name: str, names: Iterable[str]) -> str:
    """The names that are near to a name; if none is, the first names of all."""
    known = [*dict.fromkeys(names)]
    near = get_close_matches(name, known, n=MOST, cutoff=0.5)
    if near:
        return f"near to it: {', '.join(map(repr, near))}"
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    return f"there are {', '.join(map(repr, known[:MOST])) or 'none'}{more}"
