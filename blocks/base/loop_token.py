"""The only object of the library that keeps the token of a run of trio, so that other holders of it can be detected.

Another thread can reach the loop only with a token. The library uses it to wake the loop, never to send messages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import trio


class LoopToken:
    """Lets any thread call functions on the loop."""

    __slots__ = ("_token",)

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()

    def run_sync_soon(self, function: Callable[..., Any], *args: Any, idempotent: bool = False) -> None:
        """Call a function soon, on the loop; see `trio.lowlevel.TrioToken.run_sync_soon`."""
        self._token.run_sync_soon(function, *args, idempotent=idempotent)

    def is_kept_by_others(self) -> bool:
        """Whether anything but trio and this object refers to the token; True if references cannot be counted."""
        count = getattr(sys, "getrefcount", None)
        if count is None:
            return True
        token = self._token
        model = object()
        keepers = [model, model]  # as many references as trio and this object have to the token
        is_kept = bool(count(token) != count(model))
        del keepers
        return is_kept


_here: trio.lowlevel.RunVar[LoopToken] = trio.lowlevel.RunVar("penstock loop token")


def loop_token() -> LoopToken:
    """Return the token of the run of trio in this thread."""
    try:
        return _here.get()
    except LookupError:
        token = LoopToken()
        _here.set(token)
        return token
