"""The standard streams: one that is closed, full or no longer read gives neither a traceback nor a wrong message."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from typing import IO

from rich.console import Console

__all__ = ["ready_streams", "show", "silence", "why"]


def ready_streams() -> None:
    """Get the standard streams ready; to be called before any file is opened.

    A file that is opened while standard output is closed becomes standard output, and gets what the program prints.
    So something else takes the place of each stream that is closed, which can be neither read nor written to.
    """
    for number, unusable in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, unusable)  # takes the lowest number that is free, which is this one
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a terminal that lacks a character must not end the run
            reconfigure(errors="replace")


def show(console: Console, print_on: Callable[[Console], object]) -> str | None:
    """Print something on a console, and return None, or why that cannot be done.

    It is no problem if the stream is closed or nobody reads any more: then nobody wants to know.

    Args:
        console: one of standard output or standard error.
        print_on: prints on the console that it is given.
    """
    stream = console.file
    try:
        with console.capture() as captured:  # rich itself ends the program where nobody reads
            print_on(console)
        stream.write(captured.get())
        stream.flush()
    except OSError as error:
        silence(stream)
        return None if error.errno in (errno.EBADF, errno.EPIPE) else why(error)
    return None


def silence(stream: IO[str]) -> None:
    """Let a stream that has failed take the rest of what is printed, so that Python's last flush does not fail."""
    with contextlib.suppress(OSError, ValueError):
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def why(error: OSError) -> str:
    """The reason of an error, without its number and its path."""
    return error.strerror or str(error)
