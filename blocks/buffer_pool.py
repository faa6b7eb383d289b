"""A pool of buffers that are used again and again, and that are all back at the end of a network.

States of a buffer: free; in use under one lease, and perhaps lent to worker processes; or only lent, because its lease
has ended while a worker process still has a view of it. Its hold says which: the lease and each loan refer to the hold,
and when nothing refers to it any more, the buffer is free. So a buffer comes back exactly once, and not before the last
worker process that can write to it has let go of it or has ended.
"""

from __future__ import annotations

import gc
import mmap
from collections.abc import Callable
from pickle import PickleBuffer
from typing import Any, Generic, TypeVar

from .base.byte_count import to_bytes
from .base.checks import check_count, check_function
from .base.lending import Loan, passage
from .base.shared_memory import SharedMemory
from .core.resource_pool import Key, Lease, Lessee, ResourcePool, borrowed_lease, lease_at_home

T = TypeVar("T")


class Hold(Generic[T]):
    """Keeps a buffer from being free: its lease refers to this, and each loan to a worker process."""

    __slots__ = ("_give", "thing")

    def __init__(self, thing: T, give: Callable[[T], None]) -> None:
        self.thing: T = thing
        self._give = give

    def __del__(self) -> None:
        self._give(self.thing)


class BufferPool(ResourcePool[T]):
    """A `ResourcePool` of buffers: bounds the memory of a pipeline, and proves that no buffer is lost.

    `Transformer(fill, resource=pool)` calls `fill(item, lease)`; the buffer is `lease.value`. The lease is taken when
    an item starts, in the order of the items, and travels on with the result: return it, or an object that refers to
    it. Between threads only references travel, so no data are copied. `lease.swap(other)` puts another buffer in the
    place of this one, also without a copy.

    A network that ends without a fault and without a cancellation must have all buffers back that its blocks have
    taken. If not, leaving the network raises a `RuntimeError`, which names the block that took them. A variable that
    still refers to a lease counts, too, so use `with lease:` in the last stage.

    A lease of this pool cannot go to another process, because the work there would be done on a copy. Make a pool with
    `BufferPool.shared` for that.

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
        who = called(name)
        check_function(who, "make", make)
        check_count(who, "count", count)
        buffers = [make() for _ in range(count)]
        super().__init__(buffers, name=name)
        self._own = set(map(id, buffers))  # of all buffers that the pool has, free or in use
        if len(self._own) < count:
            raise ValueError(f"{self}: make must return a new buffer each time, and has returned one of them again")
        self._holds: dict[int, Hold[T]] = {}  # of the buffers under a lease
        self._takers: dict[int, Lessee] = {}  # of all buffers that are not free
        self._memory: SharedMemory | None = None
        self._offsets: dict[int, int] = {}

    @staticmethod
    def shared(size: int | str, count: int, *, name: str | None = None) -> BufferPool[memoryview]:
        """Make a pool of buffers in shared memory, whose leases go to worker processes without a copy.

        In a block with `Processes`, the function gets a lease whose `value` is the same memory. If it returns the
        lease, or an object that refers to it, the same lease goes on to the next stage, in whatever kind of worker.
        `value` is a `memoryview` of bytes that can be written to; `numpy.frombuffer(lease.value, dtype)` makes an array
        of it without a copy. Return the lease, and not this array, which would be copied.

        A buffer is free when its lease has ended and no worker process has a view of it any more: the call is over, or
        the process has ended. In a worker process, a lease cannot be given back; do not return it there. The buffers
        cannot be swapped. Other executors of processes get an error instead of a lease.

        Args:
            size: The size of a buffer: bytes, >= 1, or a text such as "6 MB".
            count: The number of buffers, >= 1. All are made at once, with zeros.
            name: The name of the pool in reports.

        Raises:
            TypeError: `size` is neither a number nor a text.
            ValueError: `size` or `count` is less than 1, or `size` is a text of another form.
            MemoryError: The system has no shared memory for them.

        Examples:
            >>> pool = BufferPool.shared("6 MB", 4, name="frames")
            >>> pool
            <BufferPool 'frames', 0 of 4 in use>
        """
        who = called(name)
        size = to_bytes(who, "size", size)
        check_count(who, "count", count)
        step = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            memory = SharedMemory(step * count)
        except OSError as error:
            raise MemoryError(
                f"{who}: there is no shared memory for {count} buffers of {size} bytes: {error}"
            ) from None
        buffers = [memory.view[start : start + size] for start in range(0, step * count, step)]
        pool = BufferPool(iter(buffers).__next__, count, name=name)
        pool._memory = memory
        pool._offsets = {id(buffer): number * step for number, buffer in enumerate(buffers)}
        return pool

    def __str__(self) -> str:
        return f"buffer pool {self.name!r}"

    def take(self, lessee: Lessee) -> Lease[T] | None:
        """Give a block a lease, and note which block has it."""
        lease = super().take(lessee)
        if lease is not None:
            buffer = lease.value
            self._takers[id(buffer)] = lessee
            self._holds[id(buffer)] = Hold(buffer, self._let_go)
        return lease

    def put_back(self, thing: T) -> None:
        """End the hold that a lease has on its buffer; callable from any thread."""
        del self._holds[id(thing)]

    def _let_go(self, buffer: T) -> None:
        """Take a buffer back that nothing holds any more."""
        del self._takers[id(buffer)]
        super().put_back(buffer)

    def exchange(self, old: T, new: T) -> None:
        """Take a new buffer in the place of one that is in use; the old one does not belong to the pool any more."""
        if self._memory is not None:
            raise ValueError(f"{self}: its buffers are in shared memory, and cannot be swapped; take another lease")
        if id(new) in self._own:
            raise ValueError(f"{self}: swap needs a buffer that the pool does not have, got one of its own")
        self._own.add(id(new))
        self._own.discard(id(old))
        self._takers[id(new)] = self._takers.pop(id(old))
        hold = self._holds[id(new)] = self._holds.pop(id(old))
        hold.thing = new

    def pack(self, lease: Lease[T], thing: T, key: Key) -> tuple[Any, ...]:
        """Let a worker process use the buffer; raise a `TypeError` where the work would be done on a copy.

        :meta private:
        """
        if self._memory is None:
            raise TypeError(
                f"{self}: {lease!r} cannot go to another process, where the work would be done on a copy of the "
                "buffer; use Threads, or make the pool with BufferPool.shared(size, count)"
            )
        if passage.leads_home:
            return lease_at_home, (key,)
        if passage.loans is None:
            raise TypeError(
                f"{self}: {lease!r} can go to a worker process of Processes, and nowhere else: a copy would be made of "
                "it; use Processes or Threads"
            )
        view: Any = lease.value
        hold = self._holds[id(view)]
        passage.loans[id(view)] = Loan(self._memory, self._offsets[id(view)], view.nbytes, hold)
        return borrowed_lease, (key, PickleBuffer(view))

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
                    "taken them. Something still refers to their leases: a list of results, or a variable"
                    f"{'' if self._memory is None else ', or, in a worker process, to their memory'}. Use `with "
                    "lease:` where a buffer is used last, or call lease.give_back()"
                )

    def _missing(self, lessee: Lessee) -> int:
        """How many buffers a block has taken that are still in use."""
        return sum(taker is lessee for taker in list(self._takers.values()))


def called(name: str | None) -> str:
    """Return what messages call a pool that is not made yet."""
    return "a buffer pool" if name is None else f"buffer pool {name!r}"
