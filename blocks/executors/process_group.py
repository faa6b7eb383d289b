"""The process group of a worker process, in which its children are, so that they end with it.

A worker makes its own group, where the system has groups. When the worker has ended, whatever the reason, the group is
killed: by the program or by the fork server that has started the worker, or, if the program itself has ended, by the
worker and by the fork server. A process that has left the group, such as a daemon with a session of its own, goes on.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress


class OwnGroup:
    """The group of this process, if it is a worker."""

    def __init__(self) -> None:
        self._is_led = False

    def lead(self) -> None:
        """Make a group for this process and its children."""
        if hasattr(os, "setpgid"):  # pragma: no branch  # Windows
            os.setpgid(0, 0)
            self._is_led = True

    def end(self) -> None:
        """End this process and its children at once."""
        if self._is_led:
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


own_group: OwnGroup = OwnGroup()


def end_group(worker: int) -> None:
    """Kill what is left of the group of a worker that has ended, or is to end.

    As long as the system keeps the worker or one of its children, no other group has this number.
    """
    if worker > 1 and hasattr(os, "killpg"):
        with suppress(OSError):  # it is empty, or the worker was killed before it had a group
            os.killpg(worker, signal.SIGKILL)
