"""The wait of a stopping network for the calls that run in an executor: silent at first, then with a warning.

Ctrl-C is a `KeyboardInterrupt` in the main task of trio, and it stops a network. If a call never returns, the network
waits forever, and another `KeyboardInterrupt` in a task that waits for the network changes nothing. So Ctrl-C during
such a wait ends the wait instead.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import trio

SECONDS = 5.0
"""Seconds of waiting for running executor calls, while a network stops, before a warning is logged."""


class Interrupts:
    """Makes Ctrl-C call registered functions, while there are any, instead of trio's `KeyboardInterrupt`.

    A program has one instance, because the signal has one handler.
    """

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[], object]] = {}
        self._before: Any = None

    @contextmanager
    def heard(self, callback: Callable[[], object]) -> Generator[None]:
        """Call a function at Ctrl-C during the `with`; it may be called between any two steps of the program."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Ctrl-C does not come to other threads
            return
        key = object()
        if not self._callbacks and is_trios(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, self._handle)
        self._callbacks[key] = callback
        try:
            yield
        finally:
            del self._callbacks[key]
            if not self._callbacks and self._before is not None:
                if signal.getsignal(signal.SIGINT) == self._handle:
                    signal.signal(signal.SIGINT, self._before)
                self._before = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        for callback in list(self._callbacks.values()):
            callback()


def is_trios(handler: object) -> bool:
    """Whether a signal handler belongs to a running trio; a program that has set its own handler keeps it."""
    return getattr(handler, "__module__", "").partition(".")[0] == "trio"


interrupts: Interrupts = Interrupts()


class Patience:
    """The wait of one block for its running calls.

    Args:
        say: Called when the wait has lasted `SECONDS`.

    Attributes:
        is_over: Set when nothing is left to wait for.
        was_interrupted: Whether Ctrl-C has ended the wait.
    """

    __slots__ = ("_say", "is_over", "was_interrupted")

    def __init__(self, say: Callable[[], None]) -> None:
        self._say = say
        self.is_over: trio.Event = trio.Event()
        self.was_interrupted: bool = False

    async def wait(self) -> None:
        """Wait until the calls have ended, or Ctrl-C comes."""
        token = trio.lowlevel.current_trio_token()
        with interrupts.heard(lambda: token.run_sync_soon(self._interrupt)):
            with trio.move_on_after(SECONDS):
                await self.is_over.wait()
                return
            self._say()
            await self.is_over.wait()

    def _interrupt(self) -> None:
        if not self.is_over.is_set():
            self.was_interrupted = True
            self.is_over.set()
