"""Names for objects that the program does not name."""

from __future__ import annotations

import itertools
from collections import defaultdict

from .checks import check_name

BODY = "body"
"""The name of the task that runs the body of a network."""
STRANGERS = ""
"""The name of tasks that use blocks of a network and are neither its body nor agents."""
_numbers: defaultdict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))


def automatic_name(kind: str) -> str:
    """Name an object by its kind and the number of such objects so far, as in `Join-2`."""
    return f"{kind}-{next(_numbers[kind])}"


def automatic_kind(name: str) -> str | None:
    """The kind in an automatic name; None for a name that the program has given."""
    kind, _, number = name.rpartition("-")
    return kind if kind in _numbers and number.isdecimal() else None


def given_name(kind: str, name: str | None) -> str:
    """Return the name that an object is given, or an automatic name.

    Raises:
        TypeError: The name is not a text.
    """
    check_name(kind, name)
    return name or automatic_name(kind)
