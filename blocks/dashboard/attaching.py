"""Lets the command `--attach PID` find a program that has called `show_on_signal`, and ask it for its page.

Such a program keeps a notice in a folder of its user: a file, named after its process, with the number of the signal in
the first line, and later the address of the page. The notice is locked while the program lives. So the command never
sends the signal to a program that would be ended by it: one that was not prepared, or one that has got the process
number of an earlier program.
"""

from __future__ import annotations

import atexit
import os
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":  # pragma: no branch
    import fcntl

PATIENCE = 10.0
"""Seconds that a program may take to answer the signal."""
PAUSE = 0.02
NOT_PREPARED = (
    "process {0} is not prepared for it, or it runs for another user. Start the program with this command, which needs "
    "no change of the program; or call penstock.blocks.dashboard.show_on_signal() at its start"
)
SILENT = "process {0} does not answer; its main thread may be busy in a function that does not let Python run"
NO_SIGNALS = "this system sends no signals to other programs; press Ctrl-Break in the window of the program"


class CannotAttachError(Exception):
    """There is no way to the page of a program; the message says why, on one line."""


class Notice:
    """Says to the command which signal this program takes, and what came of it.

    Args:
        number: The signal.

    Raises:
        OSError: The notice cannot be written.
    """

    def __init__(self, number: int) -> None:
        folder = folder_of_user()
        folder.mkdir(mode=0o700, exist_ok=True)
        check_owner(folder)
        self._path = folder / str(os.getpid())
        self._path.unlink(missing_ok=True)  # an earlier program had this number
        self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", 0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.write(f"{number}\n".encode())
        atexit.register(self.remove)

    def add(self, line: str) -> None:
        """Add the address of the page, or the reason why there is none."""
        with suppress(OSError, ValueError):  # the disk is full, or the program ends; then it does not answer
            self._file.write(f"{line}\n".encode())

    def remove(self) -> None:
        """Remove the notice, unless this process is a fork of the one that wrote it."""
        if self._path.name == str(os.getpid()):
            self._path.unlink(missing_ok=True)
        self._file.close()
        atexit.unregister(self.remove)


def attach(process: int) -> str:
    """Ask a program for its page, and return the address.

    Raises:
        CannotAttachError: It was not prepared, does not answer, or cannot open the page.
    """
    if sys.platform == "win32":
        raise CannotAttachError(NO_SIGNALS)
    try:
        folder = folder_of_user()
        check_owner(folder)
        with open(folder / str(process), "rb") as notice:
            if is_locked(notice):
                return ask(process, notice)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise CannotAttachError(str(error)) from None
    raise CannotAttachError(NOT_PREPARED.format(process))


def ask(process: int, notice: BinaryIO) -> str:
    """Send the signal, unless the page is open already, and wait for the answer."""
    number, *answers = notice.read().decode().splitlines()
    if answers and is_address(answers[-1]):
        return answers[-1]
    with suppress(ProcessLookupError):  # it has just ended; then it does not answer
        os.kill(process, int(number))
    answer, until = b"", time.monotonic() + PATIENCE
    while not answer.endswith(b"\n"):
        if time.monotonic() > until:
            raise CannotAttachError(SILENT.format(process))
        time.sleep(PAUSE)
        answer += notice.read()
    line = answer.decode().splitlines()[-1]
    if is_address(line):
        return line
    raise CannotAttachError(f"process {process}: {line}")


def is_address(line: str) -> bool:
    """Whether a line of a notice is the address of a page."""
    return line.startswith("http://")


def is_locked(notice: BinaryIO) -> bool:
    """Whether the program of a notice lives."""
    try:
        fcntl.flock(notice, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def folder_of_user() -> Path:
    """The folder with the notices of all programs of this user."""
    return Path(tempfile.gettempdir(), f"penstock-{os.getuid()}")


def check_owner(folder: Path) -> None:
    """Raise a `PermissionError` unless only this user can use the folder."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{folder} must be a folder that belongs to this user alone; remove it")
