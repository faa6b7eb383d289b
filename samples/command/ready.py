"""Makes closed standard streams safe at the start: they cause no traceback, and no message goes to a wrong file."""

from __future__ import annotations

import os
import sys

__all__ = ["ready_streams"]


def ready_streams() -> None:
    """Prepare the standard streams; call this before any file is opened and before any library is imported.

    A file that is opened while standard output is closed becomes standard output and gets what the program prints. A
    library may open a file while it is imported, and keep it open; libffi does. Therefore an unusable descriptor takes
    the place of each closed stream.
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
