"""Gives each item of a block something out of a pool when it starts, in order, and has its function called with both.

The runner asks `ready` before it takes items, and passes each item that it takes through `give`. Invariant: between the
two, as many leases are kept here as were said to be ready; outside a step there are none.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import attrs

from ..base.callables import is_async, is_async_generator
from ..base.threads import Loop
from ..core.carried import Carried, Leased, plain
from ..core.queue import Queue
from ..core.resource_pool import Lease, ResourcePool
from .at_end import END


class Leasing:
    """What a block does with its pool.

    Args:
        pool: Where the leases come from.
        wake: Lets the block take a step.
        find_loop: Gives the loop in which the block runs.
    """

    __slots__ = ("_find_loop", "_ready", "_wake", "pool")

    def __init__(self, pool: ResourcePool[Any], wake: Callable[[], None], find_loop: Callable[[], Loop | None]) -> None:
        self.pool: ResourcePool[Any] = pool
        self._wake = wake
        self._find_loop = find_loop
        self._ready: deque[Lease[Any]] = deque()

    @property
    def loop(self) -> Loop | None:
        """Where the block runs."""
        return self._find_loop()

    def called(self) -> None:
        """It is the block's turn: let it take a step."""
        self._wake()

    @property
    def waits(self) -> bool:
        """Whether the next item waits for a lease."""
        return self.pool.waits_now(self)

    def ready(self, queue: Queue[Any], wanted: int) -> int:
        """How many of the next items, of up to `wanted` that may start, can get what they need."""
        wanted = min(wanted, len(queue))
        if wanted and plain(queue[0]) is END:
            return 1
        while len(self._ready) < wanted and (lease := self.pool.take(self)) is not None:
            self._ready.append(lease)
        return len(self._ready)

    def give(self, item: Any) -> Any:
        """An item that starts, with its lease."""
        if plain(item) is END:
            return item
        lease = self._ready.popleft()
        if type(item) is Carried:
            return Carried(Leased(item.item, lease), item.context)
        return Leased(item, lease)

    def stepped(self) -> None:
        """The block has had its step: if it was called and took nothing, it is another one's turn."""
        self.pool.pass_by(self)

    def close(self) -> None:
        """No item will start any more."""
        self._ready.clear()
        self.pool.leave(self)


@attrs.frozen
class WithLease:
    """A function of an item and a lease, called with an item that has one."""

    function: Callable[[Any, Any], Any]

    @property
    def __wrapped__(self) -> Callable[[Any, Any], Any]:
        return self.function

    def __call__(self, leased: Leased) -> Any:
        return self.function(leased.item, leased.lease)


def awaited_with_lease(function: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """The same for an async function."""

    async def call(leased: Leased) -> Any:
        return await function(leased.item, leased.lease)

    return call


def generated_with_lease(function: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """The same for an asynchronous generator function."""

    async def generate(leased: Leased) -> Any:
        outputs = function(leased.item, leased.lease)
        try:
            async for output in outputs:
                yield output
        finally:
            await outputs.aclose()

    return generate


def with_lease(who: str, function: Callable[..., Any], pool: object, executor: Executor | None) -> Callable[..., Any]:
    """A function that is called with an item that has a lease.

    Raises:
        TypeError: It is no pool; the function does not take a lease; or the executor keeps the results.
    """
    if not isinstance(pool, ResourcePool):
        raise TypeError(f"{who}: resource must be a ResourcePool, got {pool!r}; make one: ResourcePool([...])")
    if getattr(executor, "_keeps_results", False):
        raise TypeError(
            f"{who}: resource= does not go with {executor!r}, which keeps results where they were made; nothing there "
            "could give a lease back. Use another executor"
        )
    check_takes_lease(who, function)
    if is_async_generator(function):
        return generated_with_lease(function)
    return awaited_with_lease(function) if is_async(function) else WithLease(function)


def check_takes_lease(who: str, function: Callable[..., Any]) -> None:
    """Raise a `TypeError` if a function cannot be called with an item and a lease."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # what is built in does not say what it takes
        return
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise TypeError(
            f"{who}: with resource= the function is called with an item and a lease: def function(item, lease); "
            f"{function!r} cannot be: {error}"
        ) from None
