"""Looks at the variables of functions that run or wait, and keeps nothing of what it saw."""

from __future__ import annotations

from types import FrameType


def variables_of(frame: FrameType) -> dict[str, object]:
    """The variables of a function, by name.

    Before Python 3.13 a frame keeps the copy of its variables that it was asked for, and so the objects, until it is
    asked again; that copy is emptied here.
    """
    kept: object = frame.f_locals
    variables = dict(frame.f_locals)
    (kept.clear if type(kept) is dict else dict)()
    return variables
