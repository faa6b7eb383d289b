"""The call of a submitted function in a worker; in a module of its own, so that the worker loads little code."""

from __future__ import annotations

from typing import Any

from .work import Call


def call(work: Call) -> tuple[Any] | StopIteration:
    """Call a function with its arguments; wrap results and exceptions that `perform` would treat specially."""
    function, args, kwargs = work
    try:
        return (function(*args, **kwargs),)
    except StopIteration as error:
        return error
