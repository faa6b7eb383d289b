"""Renders tracebacks and stacks as text.

The `traceback` module may fail while it looks for lines of the source. For example, if warnings are errors, Python 3.15
raises a DeprecationWarning for a frame of a module without `__spec__`, such as the main program in a process that
`multiprocessing` has spawned. This must neither hide the fault that is described nor end a worker. In such a case the
text has the places without lines of the source.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from types import FrameType, TracebackType


def traceback_text(error: BaseException, trace: TracebackType | None, *, notes: bool = True) -> str:
    """Render an exception with its traceback, as Python prints it.

    Args:
        error: The exception.
        trace: The part of its traceback that is shown.
        notes: Whether its notes are shown.
    """
    try:
        story = traceback.TracebackException(type(error), error, trace)
        if not notes:
            story.__notes__ = None
        return "".join(story.format())
    except Exception:
        places = _places(traceback.walk_tb(trace))
        head = "Traceback (most recent call last):\n" if places else ""
        told = [str(note) for note in getattr(error, "__notes__", ()) if notes]
        return "\n".join((f"{head}{places}{message_of(error)}", *told, ""))


def stack_text(frame: FrameType) -> str:
    """Render the stack that ends with a frame, as Python prints it."""
    try:
        return "".join(traceback.format_stack(frame))
    except Exception:
        return _places(reversed([*traceback.walk_stack(frame)]))


def message_of(error: BaseException) -> str:
    """Return the type and the message of an exception; an error of its `str` is reported, not raised."""
    try:
        return f"{type(error).__qualname__}: {error}"
    except Exception as fault:
        return f"{type(error).__qualname__}, whose str raised {type(fault).__name__}"


def _places(frames: Iterable[tuple[FrameType, int]]) -> str:
    return "".join(
        f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}\n' for frame, line in frames
    )
