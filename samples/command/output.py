"""Opens the output of a program: a file, whole or not at all, or a stream that gets all at once."""

from __future__ import annotations

import io
import os
import stat
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from penstock.samples.command.show import STANDARD
from penstock.samples.command.whole_file import WholeFile

__all__ = ["is_stream", "open_output"]

_FULL = 1 << 16  # bytes per write to a file


def open_output(path: Path) -> AbstractContextManager[BinaryIO]:
    """Opens a path: "-" is standard output; a pipe or a device is opened directly.

    Raises:
        OSError: The path cannot be written; raised when the ``with`` block is entered.
    """
    return _Stream(path) if is_stream(path) else WholeFile(path)


def is_stream(path: Path) -> bool:
    """Whether the output is visible at once, and stays if the run fails."""
    if path == STANDARD:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


class _Stream(AbstractContextManager[BinaryIO]):
    """A stream that gets each piece at once, unless it is a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> BinaryIO:
        raw = io.FileIO(os.dup(1) if self._path == STANDARD else self._path, "w")
        self._raw = raw
        self._file = io.BufferedWriter(raw, _FULL if stat.S_ISREG(os.fstat(raw.fileno()).st_mode) else 1)
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._file.flush()
        finally:
            self._raw.close()  # without flushing, because the reader may be gone
