"""Finds what a new process inherits from the process that starts it.

A worker that a server forks has what the server has inherited. So a server is used only while a newly started process
would inherit the same.
"""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from multiprocessing import spawn
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")


def inherited() -> dict[str, Any]:
    """Return what a process would inherit from this one if the calling thread started it now; on Linux.

    Raises:
        RuntimeError: The main module of a worker process is being imported.
    """
    import resource  # late: not every system has it

    limits = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
    return {
        "prepared": spawn.get_preparation_data(""),  # the main module, the working directory, `sys.path`, `sys.argv`
        "executable": spawn.get_executable(),
        "environment": dict(os.environ),
        "streams": [file_of(number) for number in range(3)],
        "group": (os.getpgid(0), os.getsid(0)),
        "users": (os.getresuid(), os.getresgid(), os.getgroups()),
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "processors": os.sched_getaffinity(0),
        "umask": umask(),
        "limits": [resource.getrlimit(limit) for limit in limits],
        "ignored": {number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN},
        "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
    }


def file_of(number: int) -> tuple[int, int, int] | None:
    """Return the identity of the file of an open descriptor; None if it is closed."""
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_rdev


def umask() -> str | None:
    """Return the umask as the system shows it; reading it with `os.umask` would change it."""
    with suppress(OSError):
        found = re.search(r"^Umask:\s*(\d+)", STATUS.read_text("utf-8"), re.M)
        return found and found[1]
    return None
