"""Sends exceptions from another process: they keep their type, and their traceback becomes a note."""

from __future__ import annotations

import copyreg
import io
import pickle
import traceback
from pathlib import Path
from types import TracebackType

import attrs

from ..base.error_info import annotate
from ..base.errors import RemoteError

HERE = str(Path(__file__).parent)


@attrs.frozen
class ErrorRecord:
    """A packed exception.

    Attributes:
        pickled: The exception itself, if it can be pickled and unpickled.
        text: Its type and message.
        trace: Its traceback, as text.
    """

    pickled: bytes | None
    text: str
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> ErrorRecord:
        """Pack an exception that was just caught."""
        if isinstance(error, Undeliverable):
            return error.record
        story = traceback.TracebackException(type(error), error, theirs(error.__traceback__))
        pickled = pickled_if_it_survives(error)
        if pickled is not None:
            story.__notes__ = None  # the exception itself carries them
        return cls(pickled, f"{type(error).__qualname__}: {story}", "".join(story.format()).rstrip())

    def revive(self) -> BaseException:
        """Make the exception again, or a `RemoteError` in its place."""
        try:
            error = RemoteError(self.text) if self.pickled is None else pickle.loads(self.pickled)
        except Exception as broken:  # its class is not known here
            error = RemoteError(self.text)
            error.__cause__ = broken
        annotate(error, f"where it was raised, elsewhere than here:\n{self.trace}")
        return error


def pickled_if_it_survives(error: BaseException) -> bytes | None:
    """The pickle of an exception, if an exception of the same type can be made from it."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer)
    # Dask has tblib pickle every exception, in a way that forgets what an exception holds beside its arguments.
    pickler.dispatch_table = {
        kind: reduce for kind, reduce in copyreg.dispatch_table.items() if not reduce.__module__.startswith("tblib")
    }
    try:
        pickler.dump(error)
        pickled = buffer.getvalue()
        return pickled if type(pickle.loads(pickled)) is type(error) else None
    except Exception:  # a fault in its pickling must not hide the exception
        return None


class Undeliverable(Exception):
    """Raised in place of an item that could not be sent; carries the record of the error."""

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(record)
        self.record = record


def theirs(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this library before those of the user's function."""
    start = trace
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(HERE):
        trace = trace.tb_next
    return trace or start
