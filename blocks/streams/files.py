"""What the ends of a stream have in common with the files and streams that are given to them."""

from __future__ import annotations

import io
import os
import sys
from threading import Lock
from typing import Protocol

from ..base.callables import is_async
from ..base.error_info import shorten


class Closable(Protocol):
    """A file."""

    def close(self) -> object:
        """Close the file."""
        ...


class ReadableFile(Closable, Protocol):
    """A file for reading bytes."""

    def read(self, size: int, /) -> bytes | None:
        """Return up to `size` bytes; none at the end."""
        ...


class WritableFile(Closable, Protocol):
    """A file for writing bytes."""

    def write(self, data: bytes, /) -> int | None:
        """Write bytes; return how many."""
        ...

    def flush(self) -> object:
        """Write out what is buffered."""
        ...


Path = str | os.PathLike[str]


class Claim:
    """Decides which of two threads does something that must be done once."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = Lock()

    def take(self) -> bool:
        """Whether this is the first call."""
        return self._lock.acquire(blocking=False)


def check_file(who: str, file: object, method: str) -> None:
    """Raise a `TypeError` if an object is not a binary file with a method."""
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{who}: needs a binary file, got {shorten(file)}, a text file; open it with mode 'rb' or 'wb'")
    function = getattr(file, method, None)
    if not callable(function):
        raise TypeError(f"{who}: needs a path, a binary file or a stream of trio, got {shorten(file)}")
    if is_async(function):
        raise TypeError(f"{who}: needs a plain file, got {shorten(file)}; give it the path, or the file in `wrapped`")


def close_file(file: Closable) -> None:
    """Close a file, unless it is a standard stream of the process."""
    standard = (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__)
    if not any(file is getattr(stream, "buffer", None) for stream in standard):
        file.close()


def would_block(who: str) -> BlockingIOError:
    """The error of a file that does not wait."""
    return BlockingIOError(
        f"{who}: its file is in non-blocking mode; give it a stream of trio, for example trio.lowlevel.FdStream"
    )
