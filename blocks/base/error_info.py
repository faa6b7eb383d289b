"""What is known about a fault: the phase and the item of it, and the exception."""

from __future__ import annotations

import math
import os
import reprlib
from contextlib import suppress
from pathlib import Path
from types import NoneType
from typing import cast

import attrs

from .traceback_text import traceback_text

HERE = f"{Path(__file__).parent.parent}{os.sep}"
"""The folder of the library's modules."""
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxlist = _short.maxtuple = _short.maxdict = _short.maxset = 4
_LONGEST: dict[type, int] = {int: _short.maxlong, str: _short.maxstring} | dict.fromkeys(
    (float, bool, NoneType), _short.maxother
)
"""Types of which a `repr` that is no longer than this is not shortened."""


def shorten(item: object) -> str:
    """Return the `repr` of an item, cut to about 80 characters; an error of the `repr` is reported, not raised."""
    try:
        longest = _LONGEST.get(type(item))
        if longest is not None and (type(item) is not str or len(item) <= longest):
            text = repr(item)
            if len(text) <= longest:
                return text  # the same, sooner
        return _short.repr(item)
    except Exception as error:  # a broken repr must not hide the fault that is being described
        return unshown(item, error)


def unshown(item: object, error: Exception) -> str:
    """Return a text to show instead of an object whose `repr` raises."""
    return f"<{type(item).__name__} whose repr raised {type(error).__name__}>"


@attrs.frozen(repr=False)
class Shown:
    """An object for the log; its `repr` is made only if the message is written, and an error of it is not raised."""

    item: object

    def __str__(self) -> str:
        try:
            return repr(self.item)
        except Exception as error:
            return unshown(self.item, error)


def is_cancellation(error: BaseException) -> bool:
    """Whether an exception is trio's `Cancelled`, or a group of these and nothing else."""
    import trio  # late: worker processes do without it

    if isinstance(error, BaseExceptionGroup):
        return cast("BaseExceptionGroup[BaseException]", error).split(trio.Cancelled)[1] is None
    return isinstance(error, trio.Cancelled)


def not_cancelled(error: BaseException) -> RuntimeError | None:
    """Explain a `Cancelled` that was raised although the running task was not cancelled; None for anything else.

    A nursery takes it for the end of a cancellation that it has asked for, and ends without a word.
    """
    import trio  # late: as above

    if not is_cancellation(error) or trio.current_effective_deadline() == -math.inf:
        return None
    return RuntimeError(
        "trio.Cancelled was raised although nothing had cancelled the task; do not raise one that was caught elsewhere"
    )


def annotate(error: BaseException, note: str) -> None:
    """Add a note to an exception, if it can be changed."""
    with suppress(Exception):
        error.add_note(note)


def forget_frames(error: BaseException) -> None:
    """Remove the library's frames from the start of the traceback of an exception that was just caught.

    Such a frame and the exception would keep each other alive, and with them the items of the frame.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(HERE):
        trace = trace.tb_next
    error.__traceback__ = trace


@attrs.frozen
class ErrorInfo:
    """A fault in a block's function or in an agent's `run`.

    Attributes:
        phase: The name of the block or agent.
        item: The item that it worked on; None for an agent.
        number: The number of the item in that block, from 1; None for an agent.
        exception: The exception that was raised.
    """

    phase: str
    item: object
    number: int | None
    exception: BaseException
    _text: str | None = attrs.field(default=None, repr=False, eq=False, alias="traceback")

    @property
    def traceback(self) -> str:
        """The traceback as text, to show it or send it elsewhere.

        That of a dead letter is rendered when it is first read, because this takes longer than most functions.
        """
        if self._text is None:
            object.__setattr__(self, "_text", traceback_text(self.exception, self.exception.__traceback__))
        assert self._text is not None
        return self._text

    def __reduce__(self) -> tuple[type[ErrorInfo], tuple[object, ...]]:  # a pickled exception has no traceback
        return ErrorInfo, (self.phase, self.item, self.number, self.exception, self.traceback)

    @classmethod
    def of(cls, exception: BaseException, *, phase: str, item: object = None, number: int | None = None) -> ErrorInfo:
        """Describe an exception that was just caught.

        Args:
            exception: The exception that was raised; its traceback is rendered as text.
            phase: The name of the block or agent.
            item: The item that it worked on.
            number: The number of the item in the block, from 1.
        """
        return cls(phase, item, number, exception, traceback_text(exception, exception.__traceback__))

    @property
    def where(self) -> str:
        """The place of the fault in words, which is also the note of the exception."""
        if self.number is None:
            return f"in {self.phase}"
        return f"in {self.phase}, item {self.number}: {shorten(self.item)}"
