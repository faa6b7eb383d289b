"""Locks on files: they show whether a running program still writes a file or a killed one has left it behind."""

from __future__ import annotations

import sys
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

__all__ = ["lock"]


def lock(file: BinaryIO) -> None:
    """Lock a file until it is closed.

    On Windows (which does not remove open files) and on file systems without locks, this does nothing.

    Raises:
        BlockingIOError: Another program has locked the file.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            return
