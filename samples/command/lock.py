"""Locks on files: they tell what a running program still writes from what a killed one has left behind."""

from __future__ import annotations

import sys
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

__all__ = ["lock"]


def lock(file: BinaryIO) -> None:
    """Lock a file until it is closed.

    Nothing is locked on Windows, which does not remove a file that is open, and on a file system without locks.

    Raises:
        BlockingIOError: another program has locked it.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            return
