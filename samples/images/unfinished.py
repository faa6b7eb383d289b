"""Makes the hidden folder for files that are being written, and removes the hidden folders of killed runs."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import attrs

from penstock.samples.command.lock import lock
from penstock.samples.images.settings import Halt, Settings

__all__ = ["unfinished"]

_SUFFIX = ".unfinished"
_LOCK = "lock"
_SURELY_LOCKED = 10.0  # seconds since the folder was made


@contextlib.contextmanager
def unfinished(settings: Settings) -> Generator[Settings]:
    """Make a hidden folder for files that are being written, and remove it at the end.

    At the end, abandoned threads that still work are told to stop.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # each image will report the problem with the output folder
            _remove_left_behind(settings.output)
            folder = Path(tempfile.mkdtemp(prefix=".", suffix=_SUFFIX, dir=settings.output))
            stack.callback(_remove, folder)
            lock(stack.enter_context(open(folder / _LOCK, "xb")))
            settings = attrs.evolve(settings, unfinished=folder)
        settings = attrs.evolve(settings, halt=Halt())
        stack.callback(setattr, settings.halt, "is_set", True)  # this is done first at the end
        yield settings


def _remove(folder: Path) -> None:
    """Remove a folder, even if an abandoned worker is writing another file into it."""
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break


def _remove_left_behind(output: Path) -> None:
    """Remove the hidden folders of killed runs: those without a lock."""
    for folder in output.glob(f".*{_SUFFIX}"):
        with contextlib.suppress(OSError):  # it belongs to another run, or must not be removed
            if folder.is_dir() and not folder.is_symlink() and not _is_in_use(folder):
                shutil.rmtree(folder)


def _is_in_use(folder: Path) -> bool:
    try:
        with open(folder / _LOCK, "r+b") as file:
            lock(file)
        (folder / _LOCK).unlink()  # Windows refuses that while the file is open
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime < _SURELY_LOCKED
    except OSError:
        return True
    return False
