"""The stop command, for buttons and signals."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import trio

__all__ = ["Stop"]


class Stop:
    """The stop command: `request()` ends the run in progress at once, and later runs before they begin."""

    def __init__(self) -> None:
        self._requested = False
        self._scopes: set[trio.CancelScope] = set()

    @property
    def requested(self) -> bool:
        """Whether the end was requested."""
        return self._requested

    def request(self) -> None:
        """Request the end; call this on the trio thread, any number of times."""
        self._requested = True
        for scope in self._scopes:
            scope.cancel()

    @contextlib.contextmanager
    def watched(self) -> Generator[None]:
        """Cancel the body as soon as the end is requested."""
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            if self._requested:
                scope.cancel()
            try:
                yield
            finally:
                self._scopes.discard(scope)
