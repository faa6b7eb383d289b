"""The names of tasks."""

from __future__ import annotations

import functools
from typing import Any

from penstock.blocks.base.callables import callable_name


def task_name(who: str, function: Any) -> str:
    """The name of a task: that of its function within its module, without the function in which it was defined.

    Raises:
        TypeError: It cannot be called.
    """
    name: str | None = getattr(function, "__qualname__", None)
    if name is not None and callable(function):
        return name.rpartition("<locals>.")[2] if "<" in name else name
    while isinstance(function, functools.partial):
        function = function.func
    if not callable(function):
        raise TypeError(f"{who}: needs a function, got {function!r}; give its arguments behind it, and do not call it")
    return task_name(who, function) if hasattr(function, "__qualname__") else callable_name(function)
