"""The commands as they can be typed on this machine."""

from __future__ import annotations

import os
import shutil
import sys

__all__ = ["python_command", "workshop_command"]


def python_command() -> str:
    """Return what starts this Python: "python", if the shell finds this one under that name, or its whole path."""
    found = shutil.which("python")
    # the folders, because the Python of a virtual environment is a link to another one
    is_this = found is not None and folder_of(found) == folder_of(sys.executable)
    return "python" if is_this else quoted(sys.executable)


def folder_of(path: str) -> str:
    """Return the folder of a file, with links to folders followed."""
    return os.path.realpath(os.path.dirname(path))


def workshop_command() -> str:
    """Return what starts this program: its name, if the shell finds it, or how it was started."""
    if shutil.which("penstock-workshop") is not None:
        return "penstock-workshop"
    started = sys.argv[0]
    is_script = os.path.basename(started).startswith("penstock-workshop")
    return quoted(started) if is_script else f"{python_command()} -m penstock.samples.workshop"


def quoted(path: str) -> str:
    """Return a path in quotation marks, if it has a space."""
    return f'"{path}"' if " " in path else path
