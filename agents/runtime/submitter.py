"""Submits tasks with options."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from penstock.agents.tasks.names import task_name

from .runtime_task import Place
from .task_handle import TaskHandle
from .task_options import TaskOptions
from .tasks_core import TasksCore

R = TypeVar("R")


class Submitter:
    """Submits tasks of a runtime with the same options. Made by `Runtime.options`."""

    def __init__(self, tasks: TasksCore, pool: Place, name: str | None, options: TaskOptions) -> None:
        self._tasks = tasks
        self._pool = pool
        self._name = name
        self._options = options

    def submit(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> TaskHandle[R]:
        """Run a function in the background; see `Runtime.submit`. All keyword arguments are those of the function."""
        return self._tasks.submit(
            self._pool, self._name or task_name("submit", function), (function, args, kwargs), self._options
        )


def taken_by(function: Any, filled: int, **given: object) -> str:
    """The first of some given keyword arguments that may be meant for a parameter of a function; "" if none may.

    Args:
        function: The function.
        filled: How many of its parameters have positional arguments.
        given: The keyword arguments; those with the value None are not given.
    """
    while isinstance(function, functools.partial):
        filled += len(function.args)
        function = function.func
    plain = getattr(function, "__func__", None)
    code = getattr(plain or function, "__code__", None)
    if code is None:
        return ""
    filled = min(filled + (plain is not None), code.co_argcount)
    open_ones = code.co_varnames[filled : code.co_argcount + code.co_kwonlyargcount]
    return next((name for name, value in given.items() if value is not None and name in open_ones), "")
