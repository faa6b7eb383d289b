"""Exceptions on their way from another process: their type survives, and their traceback comes along as a note."""

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
    """An exception, packed.

    Attributes:
        pickled: The exception itself, if it can be pickled and made again from that.
        text: Its type and what it says.
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
            story.__notes__ = None  # they travel with the exception
        return cls(pickled, f"{type(error).__qualname__}: {story}", "".join(story.format()).rstrip())

    def revive(self) -> BaseException:
        """Make the exception again, or a stand-in for it."""
        try:
            error = RemoteError(self.text) if self.pickled is None else pickle.loads(self.pickled)
        except Exception as broken:  # its class is not known here
            error = RemoteError(self.text)
            error.__cause__ = broken
        annotate(error, f"where it was raised, elsewhere than here:\n{self.trace}")
        return error


def pickled_if_it_survives(error: BaseException) -> bytes | None:
    """The pickle of an exception, if the same kind of exception can be made from it."""
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
    except Exception:  # whatever its author has done: it must not hide what happened
        return None


class Undeliverable(Exception):
    """Stands where an item would be that could not be sent; carries the record of what came of trying."""

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(record)
        self.record = record


def theirs(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this library before those of the user's function."""
    start = trace
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(HERE):
        trace = trace.tb_next
    return trace or start
