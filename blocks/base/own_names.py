"""Looks whether a class of a user's gives itself a private name that the library keeps something under.

Python has one set of names for an object, whoever wrote its class. What the library keeps under `_counts` would be
lost, and the fault would show somewhere else. So the first object of such a class is refused.
"""

from __future__ import annotations

import dis
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakSet

checked: WeakSet[type] = WeakSet()
"""Classes that take no name of the library."""


def reserved_names(base: type) -> set[str]:
    """The private names of a class of the library, and of those that it is derived from."""
    ours = [kind for kind in base.__mro__ if is_ours(kind)]
    names = {name for kind in ours for name in vars(kind)}
    return {name for name in names if name.startswith("_") and not name.startswith(("__", "_abc_"))}


def is_ours(kind: type) -> bool:
    """Whether a class is one of the library's."""
    return kind.__module__.partition(".")[0] == "penstock"


def check_names(kind: type, base: type) -> None:
    """Raise a `TypeError` if a class that is derived from one of the library takes names of that.

    Args:
        kind: The class.
        base: What it is derived from.
    """
    if is_ours(kind) or kind in checked:
        return
    taken: set[str] = set()
    for theirs in kind.__mro__:
        if not is_ours(theirs) and issubclass(theirs, base):
            taken |= set(vars(theirs))
            for value in vars(theirs).values():
                if isinstance(value, FunctionType):
                    taken |= names_set(value.__code__)
    if clash := sorted(taken & reserved_names(base)):
        raise TypeError(
            f"{kind.__name__}: {base.__name__} keeps something of its own under {', '.join(clash)}; choose another "
            f"name, such as {clash[0]}_of_mine"
        )
    checked.add(kind)


def names_set(code: CodeType) -> set[str]:
    """The attributes that the code of a method gives to its own object."""
    own = code.co_varnames[:1]
    names: set[str] = set()
    before: str | None = None
    for step in dis.get_instructions(code):
        if step.opname == "STORE_ATTR" and own and before == own[0]:
            names.add(step.argval)
        given: Any = step.argval
        is_local = step.opname.startswith("LOAD_FAST")
        before = None if not is_local else given if isinstance(given, str) else str(given[-1])
    return names
