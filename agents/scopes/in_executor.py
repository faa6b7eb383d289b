"""Calls a plain function in an executor, and waits for it in trio."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

import trio

R = TypeVar("R")


async def call_in(executor: Executor, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    """Call a function in an executor. If the caller is cancelled, a call that runs is waited for."""
    token = trio.lowlevel.current_trio_token()
    ended = trio.Event()

    def wake(future: Future[R]) -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(ended.set)

    future = executor.submit(function, *args, **kwargs)
    future.add_done_callback(wake)
    try:
        await ended.wait()
    except trio.Cancelled:
        if not future.cancel():
            with trio.CancelScope(shield=True):
                await ended.wait()
            error = future.exception()
            if error is not None:
                raise error from None
        raise
    return future.result()
