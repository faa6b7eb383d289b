"""Names for objects to which the program gives none."""

from __future__ import annotations

import itertools
from collections import defaultdict

from .checks import check_name

BODY = "body"
"""The task that runs the body of a network."""
STRANGERS = ""
"""Tasks that use blocks of a network and are neither its body nor agents."""
_numbers: defaultdict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))


def automatic_name(kind: str) -> str:
    """Name an object after its kind and how many of them were made, as in `Join-2`."""
    return f"{kind}-{next(_numbers[kind])}"


def given_name(kind: str, name: str | None) -> str:
    """The name that an object is given, or else an automatic one.

    Raises:
        TypeError: It is no text.
    """
    check_name(kind, name)
    return name or automatic_name(kind)
