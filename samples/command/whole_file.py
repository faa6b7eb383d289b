"""Writes a file either whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from penstock.samples.command.lock import lock

__all__ = ["WholeFile"]

_PREFIX, _SUFFIX = ".penstock-", ".tmp"
_SURELY_LOCKED = 60.0  # seconds after which a draft that is being written is locked


class WholeFile:
    """Opens a new file for writing that replaces `path` only when the ``with`` block ends without an error.

    Until then the text is in a hidden file beside it. An error or Ctrl-C removes the hidden file and leaves `path` as
    it was. Links are followed, and a replaced file keeps its permissions. Hidden files that killed programs have left
    in the folder are removed.

    Raises:
        OSError: `path` is not a plain file, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._draft = self.path.parent / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        self._mode: int | None = None

    def __enter__(self) -> BinaryIO:
        if self.path.is_dir():
            raise IsADirectoryError(None, "is a directory")
        if self.path.exists():
            mode = self.path.stat().st_mode
            if not stat.S_ISREG(mode):
                raise OSError(None, "is not a plain file")
            self._mode = stat.S_IMODE(mode)
        self._file = open(self._draft, "xb")  # closed by __exit__
        lock(self._file)
        _remove_left_behind(self.path.parent)
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with contextlib.nullcontext() if kind is None else contextlib.suppress(OSError):
                self._file.close()
            if kind is None:
                if self._mode is not None:
                    self._draft.chmod(self._mode)
                self._draft.replace(self.path)
        finally:
            self._draft.unlink(missing_ok=True)


def _remove_left_behind(folder: Path) -> None:
    for draft in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):  # another program still uses it: it is locked or, on Windows, open
            if time.time() - draft.stat().st_mtime > _SURELY_LOCKED:
                with open(draft, "r+b") as file:
                    lock(file)
                draft.unlink()
