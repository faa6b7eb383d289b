"""Sends exceptions from another process: they keep their type, and their traceback becomes a note."""

from __future__ import annotations

import copyreg
import io
import pickle
from pathlib import Path
from types import TracebackType

import attrs

from ..base.error_info import annotate
from ..base.errors import RemoteError
from ..base.traceback_text import message_of, traceback_text

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
        pickled = pickled_if_it_survives(error)
        # where it can be pickled, the exception itself carries its notes
        trace = traceback_text(error, theirs(error.__traceback__), notes=pickled is None)
        return cls(pickled, message_of(error), trace.rstrip())

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
