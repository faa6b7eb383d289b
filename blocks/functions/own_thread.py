"""The executor of a block that waits for files."""

from __future__ import annotations

from concurrent.futures import Executor


def own_thread() -> Executor:
    """Make an executor with one thread, which ends with the network."""
    from ..executors.threads import Threads  # late: most programs need no executor

    return Threads(1)
