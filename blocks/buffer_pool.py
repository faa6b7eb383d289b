"""A pool of buffers that are used again and again, and that are all back at the end of a network."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from .base.checks import check_count, check_function
from .core.resource_pool import Lease, Lessee, ResourcePool

T = TypeVar("T")


class BufferPool(ResourcePool[T]):
    """A `ResourcePool` of buffers: bounds the memory of a pipeline, and proves that no buffer is lost.

    `Transformer(fill, resource=pool)` calls `fill(item, lease)`; the buffer is `lease.value`. The lease is taken when
    an item starts, in the order of the items, and travels on with the result: return it, or an object that refers to
    it. Between threads only references travel, so no data are copied. `lease.swap(other)` puts another buffer in the
    place of this one, also without a copy.

    A network that ends without a fault and without a cancellation must have all buffers back that its blocks have
    taken. If not, leaving the network raises a `RuntimeError`, which names the block that took them. A variable that
    still refers to a lease counts, too, so use `with lease:` in the last stage.

    A lease of this pool cannot go to another process, because the work there would be done on a copy. Use a
    `ResourcePool` there, and return what the function has made.

    Args:
        make: Makes a new buffer, such as `lambda: bytearray(1_000_000)` or `lambda: numpy.empty(1_000_000)`.
        count: The number of buffers, >= 1; all are made at once.
        name: The name of the pool in reports.

    Raises:
        TypeError: `make` is not a function.
        ValueError: `count` is less than 1, or `make` has returned the same buffer twice.

    Examples:
        >>> pool = BufferPool(lambda: bytearray(1000), 4, name="frames")
        >>> pool
        <BufferPool 'frames', 0 of 4 in use>
    """

    def __init__(self, make: Callable[[], T], count: int, *, name: str | None = None) -> None:
        who = "a buffer pool" if name is None else f"buffer pool {name!r}"
        check_function(who, "make", make)
        check_count(who, "count", count)
        buffers = [make() for _ in range(count)]
        super().__init__(buffers, name=name)
        self._own = set(map(id, buffers))  # of all buffers that the pool has, free or in use
        if len(self._own) < count:
            raise ValueError(f"{self}: make must return a new buffer each time, and has returned one of them again")
        self._taken: WeakKeyDictionary[Lease[T], Lessee] = WeakKeyDictionary()

    def __str__(self) -> str:
        return f"buffer pool {self.name!r}"

    def take(self, lessee: Lessee) -> Lease[T] | None:
        """Give a block a lease, and note which block has it."""
        lease = super().take(lessee)
        if lease is not None:
            self._taken[lease] = lessee
        return lease

    def exchange(self, old: T, new: T) -> None:
        """Take a new buffer in the place of one that is in use; the old one does not belong to the pool any more."""
        if id(new) in self._own:
            raise ValueError(f"{self}: swap needs a buffer that the pool does not have, got one of its own")
        self._own.add(id(new))
        self._own.discard(id(old))

    def check_travel(self, lease: Lease[Any]) -> None:
        """Raise a `TypeError`, because the work in another process would be done on a copy."""
        raise TypeError(
            f"{self}: {lease!r} cannot go to another process, where the work would be done on a copy of the buffer; "
            "use Threads, or use a ResourcePool and return what the function has made"
        )

    def must_get_back(self, lessee: Lessee) -> bool:
        """Whether a block has taken buffers that are in use."""
        return self._missing(lessee) > 0

    def check_returned(self, lessee: Lessee, who: str) -> None:
        """Raise a `RuntimeError` if a block has leases whose buffers have not come back."""
        if self._missing(lessee):
            gc.collect()  # a circle of references may keep them
            if missing := self._missing(lessee):
                raise RuntimeError(
                    f"{self}: {missing} of {self.size} buffers have not come back at the end of the network; {who} had "
                    "taken them. Something still refers to their leases: a list of results, or a variable. Use `with "
                    "lease:` where a buffer is used last, or call lease.give_back()"
                )

    def _missing(self, lessee: Lessee) -> int:
        """How many buffers a block has taken that are still in use."""
        return sum(taker is lessee and lease.belongs_to(self) for lease, taker in list(self._taken.items()))
