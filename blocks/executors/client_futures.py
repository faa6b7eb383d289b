"""Waits for futures of a Dask client, on the client's own loop, which runs in its own thread.

A Dask future ends in one of four ways: its task is done, has raised, has lost its workers too often, or was cancelled.
All futures are cancelled when the client loses its scheduler. The waits here end in each of these cases. They also end
if the connection breaks while a result is being fetched; waits for futures of `client.get_executor()` do not.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeVar, cast

import trio

from ..base.errors import WorkerDied
from ..base.loop_token import loop_token
from .cluster_task import Container, Plan, Unusable

T = TypeVar("T")


def future_type() -> type[Any]:
    """The class of Dask's futures."""
    kind: type[Any] = import_module("distributed").Future
    return kind


def has_future(item: object, kind: type[Any]) -> bool:
    """Whether an item is a future, or a tuple or list that contains one at any depth."""
    if type(item) in (tuple, list):
        return any(has_future(part, kind) for part in cast("Sequence[object]", item))
    return isinstance(item, kind)


def take_apart(item: object, kind: type[Any], parts: list[Any]) -> Plan:
    """Split an item at its futures: add its parts to `parts`, and return the plan to put them together."""
    if type(item) in (tuple, list) and has_future(item, kind):
        plans = [take_apart(part, kind, parts) for part in cast("Sequence[object]", item)]
        return Container(type(item), plans)
    parts.append(item)
    return len(parts) - 1


def on_loop(client: Any, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the loop of a client.

    Raises:
        RuntimeError: The client is closed.
    """
    from asyncio import run_coroutine_threadsafe  # not at the top: it is used only with Dask, and loads slowly

    try:
        return run_coroutine_threadsafe(coroutine, client.loop.asyncio_loop)
    except RuntimeError:
        coroutine.close()
        raise


async def settle(client: Any, future: Any) -> Any:
    """Wait until a task is done; return its future.

    Raises:
        WorkerDied: The task has lost its workers too often.
        BrokenExecutor: The task was cancelled, or the scheduler is lost.
        Exception: The exception that the task has raised.
    """
    error = await future.exception(asynchronous=True)
    if future.status == "cancelled":
        raise lost(client)
    if isinstance(error, import_module("distributed").KilledWorker):
        raise WorkerDied(str(error)) from error
    if isinstance(error, Unusable):
        raise error.record.revive() from None
    if error is not None:
        raise error.with_traceback(await future.traceback(asynchronous=True))
    return future


async def fetch(client: Any, futures: Sequence[Any]) -> list[Any]:
    """Wait until tasks are done; return their results. Raises as `settle` does."""
    from asyncio import shield

    for future in futures:
        await settle(client, future)
    try:  # Dask merges concurrent fetches: the cancellation of one must not cancel the others
        results: list[Any] = await shield(client.gather(list(futures), asynchronous=True))
    except Exception as error:
        for future in futures:  # a result may have been lost with its worker, for good
            await settle(client, future)
        if isinstance(error, (CancelledError, OSError)):
            raise lost(client) from error
        raise
    return results


def lost(client: Any) -> BrokenExecutor:
    """The error for futures that will have no result."""
    return BrokenExecutor(
        f"the Dask cluster has dropped its work, as when the client loses the scheduler: {client!r}, {client.status}"
    )


async def fetch_one(client: Any, future: Any) -> Any:
    """Wait until a task is done; return its result. If this wait is cancelled, cancel the task."""
    try:
        [result] = await fetch(client, [future])
    finally:
        if not future.done():
            await client.cancel([future], asynchronous=True)
    return result


def take_back(client: Any, futures: Sequence[Any]) -> None:
    """Cancel tasks; never waits."""
    if futures:
        with suppress(RuntimeError):  # the client is closed, which has cancelled them
            on_loop(client, client.cancel(list(futures), asynchronous=True))


async def value_of(future: Future[T]) -> T:
    """Wait for a future in a trio task; if the task is cancelled, cancel the future."""
    token = loop_token()
    done = trio.Event()

    def wake(_: Future[T]) -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(done.set)

    future.add_done_callback(wake)
    try:
        await done.wait()
    finally:
        future.cancel()
    return future.result()
