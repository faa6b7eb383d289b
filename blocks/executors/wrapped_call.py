"""The call of a submitted function, where the worker is: apart from what the parent needs, so that it loads little."""

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
