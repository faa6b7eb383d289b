"""Prints on the standard streams; a full stream or one without a reader causes no traceback."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from typing import IO

from rich.console import Console

__all__ = ["show", "silence", "why"]


def show(console: Console, print_on: Callable[[Console], object]) -> str | None:
    """Print something on a console; return None, or the reason why it cannot be printed.

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
