"""Makes the standard streams safe: if one is closed, full or no longer read, there is no traceback."""

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
    """Prepare the standard streams; call this before any file is opened.

    A file that is opened while standard output is closed becomes standard output and gets what the program prints.
    Therefore an unusable descriptor takes the place of each closed stream.
    """
    for number, unusable in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, unusable)  # it gets the lowest free number, which is this one
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a terminal that lacks a character must not end the run
            reconfigure(errors="replace")


def show(console: Console, print_on: Callable[[Console], object]) -> str | None:
    """Print something on a console, and return None, or the reason why that is not possible.

    A stream that is closed or has no reader is not reported.

    Args:
        console: one of standard output or standard error.
        print_on: prints on its argument.
    """
    stream = console.file
    try:
        with console.capture() as captured:  # rich would end the program if the stream has no reader
            print_on(console)
        stream.write(captured.get())
        stream.flush()
    except OSError as error:
        silence(stream)
        return None if error.errno in (errno.EBADF, errno.EPIPE) else why(error)
    return None


def silence(stream: IO[str]) -> None:
    """Let a stream that has failed discard the rest, so that Python's last flush does not fail."""
    with contextlib.suppress(OSError, ValueError):
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def why(error: OSError) -> str:
    """Return the reason of an error, without its number and its path."""
    return error.strerror or str(error)
