"""Starts processes one at a time, with Ctrl-C blocked from their beginning."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import resource_tracker

from .forked import forkable


class Starting:
    """Makes sure that only one process is started at a time."""

    def __init__(self) -> None:
        self.lock: threading.Lock = threading.Lock()
        forkable.add(self)

    def begin_anew(self) -> None:
        """Release the lock; called in a forked child."""
        self.lock = threading.Lock()


starting: Starting = Starting()


@contextmanager
def interrupts_blocked() -> Generator[None]:
    """Block SIGINT in a process that is started in this context, so that only the parent gets Ctrl-C."""
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
