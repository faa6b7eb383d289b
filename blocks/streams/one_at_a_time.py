"""The calls of a stream: one at a time, and a call that waits ends when another task closes the stream."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import trio


class OneAtATime:
    """Admits one call at a time.

    Args:
        who: The stream.

    Attributes:
        is_closed: Whether the stream was closed.
    """

    __slots__ = ("_scope", "_who", "is_closed")

    def __init__(self, who: object) -> None:
        self._who = who
        self._scope: trio.CancelScope | None = None
        self.is_closed: bool = False

    @contextmanager
    def call(self, what: str) -> Generator[None]:
        """A context for one call.

        Raises:
            trio.ClosedResourceError: The stream was closed, before or during the call.
            trio.BusyResourceError: Another call is under way.
        """
        if self.is_closed:
            raise self._closed()
        if self._scope is not None:
            raise trio.BusyResourceError(f"{self._who}: {what} while another task is in a call of the stream")
        with trio.CancelScope() as scope:
            self._scope = scope
            try:
                yield
            finally:
                self._scope = None
        if scope.cancelled_caught:
            raise self._closed()

    def close(self) -> bool:
        """Admit no more calls, and end the one that waits; return whether there was one."""
        self.is_closed = True
        if self._scope is None:
            return False
        self._scope.cancel()
        return True

    def _closed(self) -> trio.ClosedResourceError:
        return trio.ClosedResourceError(f"{self._who} was closed")
