"""Gives each item of a block a lease from a pool when the item starts, in order; the function gets both.

The runner calls `ready` before it takes items, and passes each item that it takes through `give`. Invariant: between
the two, this object keeps as many leases as `ready` has returned; outside a step it keeps none.
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
from ..base.times import NEVER
from ..core.carried import Carried, Leased, plain
from ..core.contexts import Indexed
from ..core.resource_pool import Lease, ResourcePool
from .at_end import END


class Leasing:
    """Takes leases from a pool for the items of one block.

    Args:
        pool: The pool.
        wake: Makes the block take a step.
        find_loop: Returns the loop in which the block runs.
    """

    is_paced = False
    waits_for_rate = NEVER
    __slots__ = ("_find_loop", "_ready", "_wake", "pool")

    def __init__(self, pool: ResourcePool[Any], wake: Callable[[], None], find_loop: Callable[[], Loop | None]) -> None:
        self.pool: ResourcePool[Any] = pool
        self._wake: Callable[[], None] = wake
        self._find_loop = find_loop
        self._ready: deque[Lease[Any]] = deque()

    @property
    def loop(self) -> Loop | None:
        """The loop in which the block runs."""
        return self._find_loop()

    @property
    def lessee(self) -> Leasing:
        """What takes the leases from the pool."""
        return self

    def begin(self) -> None:
        """Do nothing: the pool learns of the block when an item waits."""

    def called(self) -> None:
        """Let the block take a step: it is its turn at the pool."""
        self._wake()

    @property
    def waits_for_lease(self) -> bool:
        """Whether the next item waits for a lease."""
        return self.pool.waits_now(self)

    @property
    def waits(self) -> bool:
        """Whether the next item waits: here, for a lease."""
        return self.waits_for_lease

    @property
    def holds_up_tries(self) -> bool:
        """Whether a further try of a failed item waits: never, it has its lease."""
        return False

    def ready(self, queue: Indexed, wanted: int) -> int:
        """Return how many of the next items, up to `wanted`, can start now; take a lease for each (not for the end)."""
        wanted = min(wanted, len(queue))
        if wanted and plain(queue[0]) is END:
            return 1
        while len(self._ready) < wanted and (lease := self.pool.take(self)) is not None:
            self._ready.append(lease)
        return len(self._ready)

    def ready_for(self, item: Any) -> bool:
        """Take a lease for an item that has left the queue; return whether the item can start now."""
        return self.ready((item,), 1) > 0

    def split(self, is_ordered: bool) -> tuple[Leasing | None, Leasing | None]:
        """Divide for a block with keys: what an item needs when it is taken, and what when its turn has come.

        Args:
            is_ordered: Whether results keep the order of all items. Then leases are taken in this order too, so that
                the item for which the others wait has one.
        """
        return (self, None) if is_ordered else (None, self)

    def give(self, item: Any) -> Any:
        """Add the lease to an item that starts."""
        if plain(item) is END:
            return item
        lease = self._ready.popleft()
        if type(item) is Carried:
            return Carried(Leased(item.item, lease), item.context)
        return Leased(item, lease)

    def may_try_again(self) -> bool:
        """Whether a further try of a failed item can start now: always, it still has its lease."""
        return True

    async def wait_to_try_again(self) -> None:
        """Do not wait: a failed item still has its lease."""

    def stepped(self) -> None:
        """Pass the turn to the next block, if this block was called and took nothing in its step.

        It may have worked on items that had leases, while others wait. So it takes another step.
        """
        if self.pool.pass_by(self):
            self._wake()

    def close(self) -> None:
        """Leave the pool: no item will start any more."""
        self._ready.clear()
        self.pool.leave(self)


@attrs.frozen
class WithLease:
    """Calls a function of an item and a lease with an item that has a lease."""

    function: Callable[[Any, Any], Any]

    @property
    def __wrapped__(self) -> Callable[[Any, Any], Any]:
        return self.function

    def __call__(self, leased: Leased) -> Any:
        return self.function(leased.item, leased.lease)


def awaited_with_lease(function: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Wrap an async function of an item and a lease, so that it takes an item that has a lease."""

    async def call(leased: Leased) -> Any:
        return await function(leased.item, leased.lease)

    return call


def generated_with_lease(function: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Wrap an asynchronous generator function of an item and a lease, so that it takes an item that has a lease."""

    async def generate(leased: Leased) -> Any:
        outputs = function(leased.item, leased.lease)
        try:
            async for output in outputs:
                yield output
        finally:
            await outputs.aclose()

    return generate


def with_lease(who: str, function: Callable[..., Any], pool: object, executor: Executor | None) -> Callable[..., Any]:
    """Wrap a function of an item and a lease, so that it takes an item that has a lease.

    Raises:
        TypeError: `pool` is not a pool; the function does not take a lease; or the executor keeps the results.
    """
    if not isinstance(pool, ResourcePool):
        raise TypeError(f"{who}: resource must be a ResourcePool, got {pool!r}; make one: ResourcePool([...])")
    if getattr(executor, "keeps_results", False):
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
    except (TypeError, ValueError):  # a built-in function may have no signature
        return
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise TypeError(
            f"{who}: with resource= the function is called with an item and a lease: def function(item, lease); "
            f"{function!r} cannot be: {error}"
        ) from None
