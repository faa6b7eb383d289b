"""Futures of a Dask client, waited for on the client's own loop, which runs in a thread of its own.

A future of Dask ends in one of four ways: its task is done, has raised, has lost its workers once too often, or was
cancelled. The last is also what happens to all of them when the client loses its scheduler. Whoever waits here hears of
each; what waits for a result that is on its way when the connection breaks hears of that too, which is not so for the
futures of `client.get_executor()`.
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
    """The class of what stands for something on a cluster."""
    kind: type[Any] = import_module("distributed").Future
    return kind


def has_future(item: object, kind: type[Any]) -> bool:
    """Whether an item is a future, or a tuple or list with one in it, however deep."""
    if type(item) in (tuple, list):
        return any(has_future(part, kind) for part in cast("Sequence[object]", item))
    return isinstance(item, kind)


def take_apart(item: object, kind: type[Any], parts: list[Any]) -> Plan:
    """Take an item apart as far as there are futures in it: add the parts to a list, and give how they go together."""
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
    from asyncio import run_coroutine_threadsafe  # not at the top: it is of use only beside Dask, and takes a while

    try:
        return run_coroutine_threadsafe(coroutine, client.loop.asyncio_loop)
    except RuntimeError:
        coroutine.close()
        raise


async def settle(client: Any, future: Any) -> Any:
    """Wait until a task is done; give its future.

    Raises:
        WorkerDied: The task has lost its workers.
        BrokenExecutor: It was cancelled, or the scheduler is lost.
        Exception: Whatever the task has raised.
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
    """Wait until tasks are done; give their results. Raises as `settle` does."""
    from asyncio import shield

    for future in futures:
        await settle(client, future)
    try:  # Dask joins what is fetched at the same time: who is cancelled must not take the others along
        results: list[Any] = await shield(client.gather(list(futures), asynchronous=True))
    except Exception as error:
        for future in futures:  # one may have been lost with its worker, and not be done again
            await settle(client, future)
        if isinstance(error, (CancelledError, OSError)):
            raise lost(client) from error
        raise
    return results


def lost(client: Any) -> BrokenExecutor:
    """Say that there will be no result."""
    return BrokenExecutor(
        f"the Dask cluster has dropped its work, as when the client loses the scheduler: {client!r}, {client.status}"
    )


async def fetch_one(client: Any, future: Any) -> Any:
    """Wait until a task is done; give its result. If nobody wants it any more, cancel the task."""
    try:
        [result] = await fetch(client, [future])
    finally:
        if not future.done():
            await client.cancel([future], asynchronous=True)
    return result


def take_back(client: Any, futures: Sequence[Any]) -> None:
    """Cancel tasks; never waits."""
    if futures:
        with suppress(RuntimeError):  # the client is closed, and with that they are cancelled
            on_loop(client, client.cancel(list(futures), asynchronous=True))


async def value_of(future: Future[T]) -> T:
    """Wait for a future in a task of trio; if that is cancelled, so is the future."""
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
