"""Runs a command, and ends it in order when the user or the system stops it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .leaves import leaves
from .ready import ready_streams
from .signals import stopped_by_signals

__all__ = ["run_command"]


def run_command(run: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit status; after Ctrl-C or a signal, that of the signal.

    Args:
        run: Runs it. It imports trio, so that Ctrl-C during the imports ends the same way.
        arguments: Those of the command line; None for those of the process.
    """
    ready_streams()
    with stopped_by_signals() as stop:
        try:
            return run(arguments)
        except KeyboardInterrupt:
            return stop.exit_status
        except BaseExceptionGroup as group:
            if any(isinstance(error, KeyboardInterrupt) for error in leaves(group)):
                return stop.exit_status
            raise
