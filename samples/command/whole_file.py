"""A file that is either written whole or not at all."""

import os
import secrets
import stat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO


class WholeFile:
    """Opens a file for writing that takes its place only when the ``with`` block ends well.

    Until then the text is in a hidden file beside it; an error or Ctrl-C removes that one and leaves what was
    at `path` as it was. A link is followed, the permissions of the file that is replaced are kept.

    Raises:
        OSError: when `path` is something other than a plain file, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._draft = self.path.parent / f".penstock-{secrets.token_hex(8)}.tmp"
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
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
            if kind is None:
                if self._mode is not None:
                    self._draft.chmod(self._mode)
                self._draft.replace(self.path)
        finally:
            self._draft.unlink(missing_ok=True)
