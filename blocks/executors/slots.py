"""Slots of shared memory, through which big buffers go to a child process and back, with one copy each way.

The parent makes all slots, in arenas. An arena is one piece of memory without a name, cut into slots of one size; it
has no name so that nothing is left behind when a process dies. A slot is always in exactly one state:
free (in the pool) → being written, or lent to the child for its results → read on the other side, where objects may
use it for as long as they live → free again, when the last of these objects is deleted.

The child may also have mapped the memory of a `BufferPool`, with a negative number. A buffer there is used like a slot,
but never copied.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from pickle import PickleBuffer

from ..base.shared_memory import Handle, attach, create, release

BIG = 1 << 16
"""Smallest size, in bytes, of a buffer that goes through a slot."""
MOST_LENT = 64
"""Largest number of slots in use by objects of one side; further buffers are copied into ordinary memory."""
MOST_IDLE = 1 << 28
"""Bytes of free slots whose memory is kept; beyond that, the longest unused memory goes back to the system."""
LARGEST_ARENA = 1 << 28
"""Bytes beyond which an arena has only one slot."""

Place = tuple[int, int, int]
"""A slot: the number of its arena, its offset there and its size; a buffer of a pool has a negative number."""
Span = tuple[Place, int]
"""A slot, and how many bytes of it are used."""


class Shared:
    """The arenas that one side has mapped, and the slots in use by objects of this side.

    Attributes:
        on_loan: How many views of buffers of pools are in use, as of the last call of `take_back`.
    """

    __slots__ = ("_addresses", "_count", "_lent", "_returned", "_unmapped", "_views", "arenas", "on_loan")

    def __init__(self) -> None:
        self.on_loan: int = 0
        self.arenas: dict[int, mmap.mmap] = {}
        self._views: dict[int, memoryview] = {}
        self._addresses: dict[int, int] = {}
        self._unmapped: dict[int, tuple[Handle, int]] = {}
        self._count = 0
        self._lent = 0
        self._returned: deque[Place] = deque()

    def add(self, handle: Handle, size: int) -> None:
        """Map the next arena."""
        self._keep(self._count, attach(handle, size))
        self._count += 1

    def expect(self, handle: Handle, size: int, number: int | None = None) -> None:
        """Map the next arena, or memory with a number of its own; takes over the handle.

        If it cannot be mapped now, it is mapped at its first use.
        """
        if number is None:
            number = self._count
            self._count += 1
        try:
            self._keep(number, attach(handle, size))
        except OSError:
            self._unmapped[number] = handle, size
        else:
            release(handle)

    def forget(self, number: int) -> None:
        """Forget memory; it goes back to the system when no view of it is left."""
        if number in self._unmapped:
            release(self._unmapped.pop(number)[0])
        else:
            del self.arenas[number], self._views[number], self._addresses[number]

    def _keep(self, number: int, arena: mmap.mmap) -> None:
        self.arenas[number] = arena
        self._views[number] = memoryview(arena)
        self._addresses[number] = ctypes.addressof(ctypes.c_char.from_buffer(arena))

    def _map(self, number: int) -> None:
        """Map an arena for which there was no memory."""
        handle, size = self._unmapped[number]
        try:
            arena = attach(handle, size)
        except OSError as error:
            raise MemoryError(f"{size} bytes of shared memory could not be mapped: {error}") from None
        self._keep(number, arena)
        del self._unmapped[number]
        release(handle)

    def write(self, place: Place, raw: memoryview) -> Span:
        """Copy a buffer into a slot."""
        arena, offset, _ = place
        if arena in self._unmapped:
            self._map(arena)
        count = raw.nbytes
        if raw.readonly:
            self._views[arena][offset : offset + count] = raw
        else:  # this releases the interpreter lock; a read-only buffer gives no address
            source = ctypes.addressof(ctypes.c_char.from_buffer(raw))
            ctypes.memmove(self._addresses[arena] + offset, source, count)
        return place, count

    def lend(self, place: Place, count: int) -> memoryview:
        """Get a view of a slot, which returns when the last user of the view dies; a copy if too many are lent.

        A buffer of a pool is never copied. If the memory cannot be mapped, the slot returns at once.
        """
        arena, offset, size = place
        self._lent += 1
        self.on_loan += arena < 0
        if arena in self._unmapped:
            try:
                self._map(arena)
            except MemoryError:
                self._returned.append(place)
                raise
        if arena >= 0 and self._lent - len(self._returned) > MOST_LENT:
            copy = bytearray(self._views[arena][offset : offset + count])
            self._returned.append(place)
            return memoryview(copy)
        slot = (ctypes.c_char * size).from_buffer(self.arenas[arena], offset)
        weakref.finalize(slot, self._returned.append, place).atexit = False
        return PickleBuffer(slot).raw()[:count]  # views of this view hold the slot; its format is usable

    def take_back(self) -> list[Place]:
        """Get the slots that have returned since the last time."""
        returned = self._returned
        places = [returned.popleft() for _ in range(len(returned))]
        self._lent -= len(places)
        if self.on_loan:
            self.on_loan -= sum(arena < 0 for arena, _, _ in places)
        return places


class Pool:
    """The free slots; only the parent has a pool.

    A free slot has memory of the system, if it was used, or has none yet or any more.

    Args:
        shared: The parent's side of the arenas.
        announce: Called with the handle and the size of each new arena, because the child must map it too.
    """

    __slots__ = ("_announce", "_fresh", "_idle", "_kept", "_made", "_used", "shared")

    def __init__(self, shared: Shared, announce: Callable[[Handle, int], None]) -> None:
        self.shared: Shared = shared
        self._announce = announce
        self._fresh: defaultdict[int, list[Place]] = defaultdict(list)  # by size, without memory
        self._used: defaultdict[int, dict[Place, None]] = defaultdict(dict)  # by size, with memory
        self._kept: OrderedDict[Place, None] = OrderedDict()  # all with memory, the last used one at the end
        self._idle = 0
        self._made: defaultdict[int, int] = defaultdict(int)

    def take(self, count: int) -> Place | None:
        """Get a slot for `count` bytes; None if there is no memory."""
        size = slot_size(count)
        used, fresh = self._used[size], self._fresh[size]
        if not used:
            self.collect()
        if used:
            place, _ = used.popitem()
            del self._kept[place]
            self._idle -= size
            return place
        if not fresh:
            slots = max(1, min(16, self._made[size] or 2, LARGEST_ARENA // size))
            try:
                self.add_arena(size * slots)
            except OSError:
                return None
            arena = len(self.shared.arenas) - 1
            self._made[size] += slots
            fresh.extend((arena, size * number, size) for number in reversed(range(slots)))
        return fresh.pop()

    def put(self, buffers: Sequence[memoryview]) -> Sequence[Span] | None:
        """Copy buffers into slots; None if there is no memory for all of them."""
        places = [place for raw in buffers if (place := self.take(raw.nbytes)) is not None]
        if len(places) < len(buffers):
            for place in places:
                self.give(place)
            return None
        return [self.shared.write(place, raw) for place, raw in zip(places, buffers, strict=True)]

    def add_arena(self, size: int) -> None:
        """Make an arena and map it on both sides."""
        handle = create(size)
        try:
            self.shared.add(handle, size)
            self._announce(handle, size)
        finally:
            release(handle)

    def give(self, place: Place) -> None:
        """Put a slot back."""
        size = place[2]
        self._used[size][place] = self._kept[place] = None
        self._idle += size
        while self._idle > MOST_IDLE:
            oldest, _ = self._kept.popitem(last=False)
            arena, offset, size = oldest
            drop_pages(self.shared.arenas[arena], offset, size)
            del self._used[size][oldest]
            self._fresh[size].append(oldest)
            self._idle -= size

    def collect(self) -> None:
        """Put back the slots that objects of this side no longer use."""
        for place in self.shared.take_back():
            self.give(place)


def slot_size(count: int) -> int:
    """The size of a slot for `count` bytes: a power of two."""
    return max(BIG, 1 << (count - 1).bit_length())


def drop_pages(arena: mmap.mmap, offset: int, size: int) -> None:
    """Give the memory of a free slot back to the system; its content is lost."""
    if hasattr(mmap, "MADV_REMOVE"):
        arena.madvise(mmap.MADV_REMOVE, offset, size)
