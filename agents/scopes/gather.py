"""Waiting for several results at once."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from types import CoroutineType
from typing import Any, TypeVar, cast, overload

import trio

from penstock.agents.tasks.one_error import only_error

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")


@overload
async def gather(awaitables: Iterable[Awaitable[T]], /) -> list[T]: ...
@overload
async def gather(a: Awaitable[A], /) -> tuple[A]: ...
@overload
async def gather(a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def gather(a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /) -> tuple[A, B, C]: ...
@overload
async def gather(a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], /) -> tuple[A, B, C, D]: ...
@overload
async def gather(*awaitables: Awaitable[T]) -> tuple[T, ...]: ...
async def gather(*awaitables: Any) -> Any:
    """Wait for several handles or other awaitables at once, in trio, and return all results in order.

    The first exception ends the wait and comes out as it is; other awaitables than handles are cancelled, and tasks
    with handles go on. If several fail at the same moment, it is an `ExceptionGroup`.

    Args:
        awaitables: Handles, or what calls of asynchronous functions return; or one iterable of these.

    Returns:
        A tuple; a list for an iterable.

    Raises:
        TypeError: One of them cannot be awaited.
    """
    is_one = len(awaitables) == 1 and not hasattr(awaitables[0], "__await__") and isinstance(awaitables[0], Iterable)
    waits: list[Any] = [*cast("Iterable[Any]", awaitables[0])] if is_one else [*awaitables]
    for each in waits:
        if not hasattr(each, "__await__"):
            close_all(waits)
            raise TypeError(f"gather: needs handles or other awaitables, got {each!r}")
    results: list[Any] = [None] * len(waits)

    async def wait(place: int, awaitable: Awaitable[Any]) -> None:
        results[place] = await awaitable

    try:
        async with trio.open_nursery() as nursery:
            for place, each in enumerate(waits):
                nursery.start_soon(wait, place, each, name=f"wait {place} of gather")
    except BaseExceptionGroup as group:
        raise only_error(group) from None
    return results if is_one else tuple(results)


def close_all(waits: Iterable[Any]) -> None:
    """Close coroutines that nothing will await."""
    for each in waits:
        if isinstance(each, CoroutineType):
            each.close()
