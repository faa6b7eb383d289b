"""Looks at the variables of functions that run or wait, and keeps no reference to their values."""

from __future__ import annotations

from types import FrameType


def variables_of(frame: FrameType) -> dict[str, object]:
    """Return the variables of a function, by name.

    Before Python 3.13, a frame keeps the dict of variables that it has returned, and so the objects in it, until it is
    asked again. So that dict is copied and emptied here.
    """
    kept: object = frame.f_locals
    variables = dict(frame.f_locals)
    (kept.clear if type(kept) is dict else dict)()
    return variables
