"""A pool of resources, and the leases with which blocks give them to their items.

States of a resource: free, or in use under one lease. A lease ends when it is given back, or when nothing refers to it
any more. Invariants: free + in use = size; a resource is under one lease at most; while blocks wait in line, only a
block that was called takes a resource, so the blocks take turns.

The garbage collector may end a lease in any thread and at any moment. So the end of a lease only puts the resource
back, and asks the loop of each waiting block to call the next one.
"""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar, cast
from weakref import WeakValueDictionary

import trio

from ..base.error_info import shorten
from ..base.lending import passage
from ..base.names import given_name
from ..base.threads import Loop
from ..base.times import Histogram
from ..base.timing import time_slice

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Key = tuple[int, str, int]


class Lessee(Protocol):
    """A block that takes leases from a pool."""

    @property
    def loop(self) -> Loop | None:
        """The loop in which the block runs."""
        ...

    def called(self) -> None:
        """Make the block take a step, because it is its turn."""
        ...


class ResourcePool(Generic[T]):
    """Holds a fixed number of resources; a block gives them to its items in order, one to each item.

    Examples of resources are connections, licences, buffers and devices. `Transformer(function, resource=pool)` calls
    `function(item, lease)`; the resource is `lease.value`. An item starts only when there is a resource for it. Items
    start in the order in which they came, so in an ordered stage later items cannot keep resources from an earlier
    item.

    The lease may go on with the result: return it, or an object that refers to it. The resource is free again as soon
    as nothing refers to the lease any more, even if the item was skipped, filtered out or discarded. To give it back
    earlier, call `lease.give_back()` or use `with lease:`. Several blocks may share a pool; they take turns.

    Args:
        things: The resources, at least one; all of them are free at first.
        name: The name of the pool in reports.

    Raises:
        ValueError: No resources are given.

    Examples:
        >>> pool = ResourcePool(["first connection", "second connection"], name="connections")
        >>> pool
        <ResourcePool 'connections', 0 of 2 in use>
    """

    def __init__(self, things: Iterable[T], *, name: str | None = None) -> None:
        self.name: str = given_name(type(self).__name__, name)
        self._free: deque[T] = deque(things)
        self.size: int = len(self._free)
        if not self.size:
            raise ValueError(f"{self}: needs at least one resource, got none")
        self.most_in_use: int = 0
        self.waits: Histogram = Histogram()
        self._id = os.urandom(16).hex()
        self._numbers = count(1)
        self._line: dict[Lessee, float] = {}
        self._called: dict[Lessee, float] = {}

    def __str__(self) -> str:
        return f"resource pool {self.name!r}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {self.in_use} of {self.size} in use>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(f"{self} cannot be copied or pickled: its leases come back to this one")

    @property
    def in_use(self) -> int:
        """The number of resources in use."""
        return self.size - len(self._free)

    def take(self, lessee: Lessee) -> Lease[T] | None:
        """Give a block a lease; if none is free for it, return None, and call the block when it is its turn."""
        if self._free and (lessee in self._called or not (self._called or self._line)):
            lease = Lease(self._free.popleft(), self, (os.getpid(), self._id, next(self._numbers)))
            since = self._called.pop(lessee, None)
            if since is not None:
                self.waits.add(time_slice.clock() - since)
            self.most_in_use = max(self.most_in_use, self.in_use)
            return lease
        self._check_loop(lessee)
        self._line.setdefault(lessee, time_slice.clock())
        self.serve()  # a resource may have come back in the meantime
        return None

    def _check_loop(self, lessee: Lessee) -> None:
        """Raise a `RuntimeError` if blocks of another loop wait in line, because they cannot be called from here."""
        here = lessee.loop
        for other in (*self._line, *self._called):
            if here is not None and other.loop is not None and other.loop.thread != here.thread:
                raise RuntimeError(
                    f"{self} is used by blocks of networks in two threads at the same time; give each its own pool"
                )

    def waits_now(self, lessee: Lessee) -> bool:
        """Whether a block waits in line, or was called and has not taken a lease yet."""
        return lessee in self._line or lessee in self._called

    def pass_by(self, lessee: Lessee) -> bool:
        """Give up the turn of a block that was called and needs nothing, and call the next; return whether it was."""
        was_called = self._called.pop(lessee, None) is not None
        if was_called:
            self.serve()
        return was_called

    def leave(self, lessee: Lessee) -> None:
        """Remove a block that takes no more leases."""
        self._line.pop(lessee, None)
        self.pass_by(lessee)

    def serve(self) -> None:
        """Call as many waiting blocks as there are free resources."""
        while self._line and len(self._called) < len(self._free):
            lessee = next(iter(self._line))
            self._called[lessee] = self._line.pop(lessee)
            lessee.called()

    def put_back(self, thing: T) -> None:
        """Take a resource back; callable from any thread."""
        self._free.append(thing)
        for lessee in tuple(self._line):
            loop = lessee.loop
            if loop is not None:
                with suppress(trio.RunFinishedError):
                    loop.token.run_sync_soon(self.serve)

    def exchange(self, old: T, new: T) -> None:
        """Note that a lease has another resource now, in place of its old one."""

    def pack(self, lease: Lease[T], thing: T, key: Key) -> tuple[Any, ...]:
        """Return how to make a lease in another process, where it has a copy of the resource; see `__reduce__`.

        :meta private:
        """
        del lease
        return lease_of, (key, thing)

    def must_get_back(self, lessee: Lessee) -> bool:
        """Whether a block has taken resources that must come back before its network ends, and are in use."""
        del lessee
        return False

    def check_returned(self, lessee: Lessee, who: str) -> None:
        """Raise a `RuntimeError` if resources must be back now and are not.

        Args:
            lessee: What has taken the leases.
            who: The block, for the message.
        """

    def recall(self) -> None:
        """If no resource is free, run the garbage collector to end leases that only reference cycles keep."""
        if not self._free:
            gc.collect()


out: WeakValueDictionary[Key, Lease[Any]] = WeakValueDictionary()
"""The leases of this process; a lease that returns from another process is looked up here."""


class Lease(Generic[T_co]):
    """The right to use one resource of a `ResourcePool`; it travels with an item, and ends when nothing refers to it.

    Use it as a context manager to give the resource back at the end of the `with` block.
    """

    __slots__ = ("__weakref__", "_is_over", "_key", "_pool", "_thing")

    def __init__(self, thing: T_co, pool: ResourcePool[Any] | None, key: Key) -> None:
        self._thing = thing
        self._pool = pool
        self._key = key
        self._is_over = False
        if pool is not None:
            out[key] = self

    @property
    def value(self) -> T_co:
        """The resource.

        Raises:
            RuntimeError: The lease was given back.
        """
        if self._is_over:
            raise RuntimeError(f"{self!r}: the resource may be in use elsewhere; use it before give_back()")
        return self._thing

    def give_back(self) -> None:
        """Return the resource to the pool; a second call does nothing.

        Raises:
            RuntimeError: The lease has gone to another process with its item, and is used there.
        """
        if self._is_over:
            return
        if self._pool is None:
            raise RuntimeError(
                f"{self!r} came from another process and cannot be given back here; return it, or return without it"
            )
        self._is_over = True
        self._pool.put_back(self._thing)

    def swap(self: Lease[T], thing: T) -> T:
        """Put another resource in the place of this one, without a copy; return the old one, which is the caller's now.

        The pool gets the new one back. So a worker can keep a buffer of its own, write the result into it, and swap it
        for that of the lease; or replace a connection that is broken.

        Args:
            thing: The new resource; the pool must not have it already.

        Raises:
            RuntimeError: The lease was given back, or has gone to another process with its item.
            ValueError: The pool has the resource already; only a `BufferPool` finds out.
        """
        old = self.value
        if self._pool is None:
            raise RuntimeError(f"{self!r} came from another process, and cannot be swapped here")
        self._pool.exchange(old, thing)
        self._thing = cast(Any, thing)
        return old

    def belongs_to(self, pool: ResourcePool[Any]) -> bool:
        """Whether the lease comes from a pool and has not ended."""
        return self._pool is pool and not self._is_over

    def __enter__(self) -> Lease[T_co]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()

    def __del__(self) -> None:
        if self._pool is not None and not self._is_over:
            self._is_over = True
            self._pool.put_back(self._thing)

    def __repr__(self) -> str:
        return f"<Lease of {shorten(self._thing)}{', given back' if self._is_over else ''}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._pool is not None:
            return self._pool.pack(self, self._thing, self._key)
        return lease_of, (self._key, self._thing)


class BorrowedLease(Lease[T_co]):
    """A lease in a worker process whose resource is the memory of the pool itself, and not a copy."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        if not passage.leads_home:
            raise TypeError(
                f"{self!r} came from another process, and can only go back to it; return it, and let the next stage "
                "get it from there"
            )
        return lease_at_home, (self._key,)


def lease_of(key: Key, thing: Any) -> Lease[Any]:
    """Unpickle a lease: in the process of its pool, return the original lease, elsewhere a lease without a pool."""
    lease = out.get(key) if key[0] == os.getpid() else None
    return Lease(thing, None, key) if lease is None else lease


def borrowed_lease(key: Key, buffer: memoryview | bytes) -> Lease[Any]:
    """Unpickle a lease of a pool in shared memory, in a worker process that has this memory, too."""
    lease = out.get(key) if key[0] == os.getpid() else None
    if lease is not None:
        return lease
    if not isinstance(buffer, memoryview):
        raise TypeError(
            "a lease of a buffer pool in shared memory was sent as a copy; send the lease itself as an item"
        )
    return BorrowedLease(buffer, None, key)


def lease_at_home(key: Key) -> Lease[Any]:
    """Unpickle a lease that comes back from a worker process: it is the same lease."""
    lease = out.get(key)
    if lease is None:
        raise RuntimeError(
            "a worker process has returned a lease that has ended: a function must not keep leases of other items"
        )
    return lease
