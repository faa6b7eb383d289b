"""Functions that run until the test lets them end."""

from __future__ import annotations

import threading
from typing import Any

LONGEST = 120.0
"""Seconds after which a test that waits has failed."""


class Gate:
    """A function that begins, waits, and returns what it was given, or raises it.

    Attributes:
        calls: The arguments of its calls.
    """

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self._begun = threading.Semaphore(0)
        self._open = threading.Event()

    def __call__(self, value: Any = None) -> Any:
        self.calls.append(value)
        self._begun.release()
        assert self._open.wait(LONGEST)
        if isinstance(value, BaseException):
            raise value
        return value

    def has_begun(self) -> None:
        """Wait until one more call has begun."""
        assert self._begun.acquire(timeout=LONGEST)

    def open(self) -> None:
        """Let all calls end."""
        self._open.set()
