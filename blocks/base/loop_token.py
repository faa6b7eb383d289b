"""The one thing of ours that keeps the token of a run of trio, so that it is known whether anything else keeps it.

Only with a token can another thread reach the loop. Objects of ours use it to wake the loop, never to send messages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import trio


class LoopToken:
    """Has the loop call functions, from any thread."""

    __slots__ = ("_token",)

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()

    def run_sync_soon(self, function: Callable[..., Any], *args: Any, idempotent: bool = False) -> None:
        """Call a function soon, on the loop; see `trio.lowlevel.TrioToken.run_sync_soon`."""
        self._token.run_sync_soon(function, *args, idempotent=idempotent)

    def is_kept_by_others(self) -> bool:
        """Whether anything but trio and this object refers to the token; if that cannot be counted, yes."""
        count = getattr(sys, "getrefcount", None)
        if count is None:
            return True
        token = self._token
        model = object()
        keepers = [model, model]  # as many as there are of the token: trio and this object
        is_kept = bool(count(token) != count(model))
        del keepers
        return is_kept


_here: trio.lowlevel.RunVar[LoopToken] = trio.lowlevel.RunVar("penstock loop token")


def loop_token() -> LoopToken:
    """Get the token of the run of trio that is going on here."""
    try:
        return _here.get()
    except LookupError:
        token = LoopToken()
        _here.set(token)
        return token
