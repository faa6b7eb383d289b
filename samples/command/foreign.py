"""Keeps what C libraries write to standard error, so that it does not mix with the lines of the program."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Generator

__all__ = ["ForeignLines", "foreign_lines_kept"]

_MOST = 3


class ForeignLines:
    """The lines that libraries wrote; complete after the end of the ``with`` block."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __str__(self) -> str:
        """The number of lines and the first few of them, as one line; empty if there are none."""
        if not self.lines:
            return ""
        shown = list(dict.fromkeys(self.lines))[:_MOST]
        if len(self.lines) == 1:
            return f"a library wrote: {shown[0]}"
        return f"libraries wrote {len(self.lines)} lines, such as: {' | '.join(shown)}"


@contextlib.contextmanager
def foreign_lines_kept() -> Generator[ForeignLines]:
    """Collect what this process, and those started in the body, write to the descriptor of standard error.

    What Python writes to `sys.stderr` is still shown at once. libtiff, for example, writes warnings about files that it
    can read, and Pillow cannot switch them off.
    """
    kept = ForeignLines()
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile())
            own = os.dup(2)
        except OSError:  # there is no folder for temporary files, or standard error is closed
            yield kept
            return
        stack.callback(os.close, own)
        if _writes_to_descriptor_2():
            stack.enter_context(_standard_error_at(own))
        os.dup2(file.fileno(), 2)
        try:
            yield kept
        finally:
            os.dup2(own, 2)
            file.seek(0)
            kept.lines += [line for line in file.read().decode("utf-8", "backslashreplace").splitlines() if line]


@contextlib.contextmanager
def _standard_error_at(descriptor: int) -> Generator[None]:
    """Let `sys.stderr` write to another descriptor."""
    before = sys.stderr
    before.flush()
    other = os.fdopen(os.dup(descriptor), "w", 1, encoding=before.encoding, errors=before.errors)
    sys.stderr = other
    try:
        yield
    finally:
        sys.stderr = before
        with contextlib.suppress(OSError):  # its reader is gone
            other.close()


def _writes_to_descriptor_2() -> bool:
    try:
        return sys.stderr.fileno() == 2
    except (AttributeError, OSError, ValueError):
        return False
