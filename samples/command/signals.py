"""Lets SIGTERM and SIGHUP end a program as Ctrl-C does, with the same clean-up."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Generator
from types import FrameType

__all__ = ["StopSignals", "stopped_by_signals"]

_NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class StopSignals:
    """A handler that calls the handler of SIGINT, and remembers the signal.

    Only the handler of SIGINT knows where the program may be interrupted: trio sets its own while it runs.
    """

    def __init__(self) -> None:
        self.received: int = signal.SIGINT

    @property
    def exit_status(self) -> int:
        """The exit status that shells use for the signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.received

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal as Ctrl-C would be handled now."""
        self.received = number
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            handler(signal.SIGINT, frame)


@contextlib.contextmanager
def stopped_by_signals() -> Generator[StopSignals]:
    """Let SIGTERM and SIGHUP interrupt the body as Ctrl-C does.

    An ignored signal stays ignored, as `nohup` needs it. Outside the main thread this does nothing, because Python
    handles signals only in the main thread.
    """
    stop = StopSignals()
    with contextlib.ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
                _keep_ignoring_ctrl_c(stack)
            for name in _NAMES:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                    _handle(stack, number, stop)
        yield stop


def _keep_ignoring_ctrl_c(stack: contextlib.ExitStack) -> None:
    """Install a handler for SIGINT, for use by the other signals, and block SIGINT itself.

    A shell script ignores SIGINT in the programs that it runs in the background. Trio would then set no handler of its
    own, and the other signals could not use it.
    """
    if hasattr(signal, "pthread_sigmask"):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
        _handle(stack, signal.SIGINT, signal.default_int_handler)


def _handle(
    stack: contextlib.ExitStack, number: signal.Signals, handler: Callable[[int, FrameType | None], object]
) -> None:
    stack.callback(signal.signal, number, signal.getsignal(number))
    signal.signal(number, handler)
