"""Lets a package hand on names whose modules are imported at the first use of a name.

A program pays only for what it uses, and so does a worker process, which imports a module below the package.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def hand_on(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and the `__dir__` of a package.

    Args:
        package: The package.
        places: For each module, the names that it has, with blanks between them.
    """
    home = {name: place for place, names in places.items() for name in names.split()}
    known = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        value = known[name] = getattr(import_module(home[name], package), name)
        return value

    def names() -> list[str]:
        return sorted({*known, *home})

    return get, names
