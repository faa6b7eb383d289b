"""The lock for the states of all tasks of all runtimes: a task may have a task of another runtime as its input.

It is held for a few steps of the library, and never while a function of the user runs.
"""

from __future__ import annotations

import threading

from penstock.blocks.executors.forked import forkable

lock: threading.Lock = threading.Lock()


class FreeAfterFork:
    """Frees the lock in a forked child, where the thread that held it does not exist."""

    def begin_anew(self) -> None:
        """Free the lock."""
        if lock.locked():
            lock.release()


free_after_fork: FreeAfterFork = FreeAfterFork()
forkable.add(free_after_fork)
