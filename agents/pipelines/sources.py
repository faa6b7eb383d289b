"""Finds out how the items of a run are read: on the loop, in a thread, or in asyncio."""

from __future__ import annotations

import itertools
import queue
import sys
from array import array
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, Union

from penstock.blocks import IterableSource

from .host import Host

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
Items = Union[Iterable[T], AsyncIterable[T], "asyncio.Queue[T]"]
"""What can be the source of a run."""

IN_MEMORY: tuple[type, ...] = (
    *(list, tuple, range, str, bytes, bytearray, dict, set, frozenset, deque, array),
    *(type(dict[Any, Any]().keys()), type(dict[Any, Any]().values()), type(dict[Any, Any]().items())),
    *(itertools.count, itertools.repeat),
)
"""Types of iterables that never wait for anything: they are read on the loop. A thread reads all others."""
QUICK_ITERATORS: frozenset[type] = frozenset(type(iter(items)) for items in ([0], (0,), range(1), {0: 0}, {0}, "a"))


def is_in_memory(items: object) -> bool:
    """Whether reading the iterable never waits: a collection, or a NumPy array, or an iterator over one."""
    kind = type(items)
    return kind in IN_MEMORY or kind in QUICK_ITERATORS or (kind.__module__, kind.__name__) == ("numpy", "ndarray")


def source_of(items: Items[T], host: Host | None) -> IterableSource[T]:
    """Make the block that reads the items of a run.

    Raises:
        TypeError: They are not iterable.
    """
    is_queue = is_asyncio_queue(items)
    if host is not None and (is_queue or isinstance(items, AsyncIterable)):
        return IterableSource(host.iterate(items), name="source")
    if is_queue:
        raise TypeError(f"{items!r}: a queue of asyncio can only be read in a program of asyncio")
    if isinstance(items, AsyncIterable):
        return IterableSource(items, name="source")
    if not isinstance(items, Iterable):
        if isinstance(items, queue.SimpleQueue | queue.Queue):
            hint = "give iter(queue.get, end), where `end` is the item after the last one"
        elif callable(items):
            hint = "call it, and give what it returns"
        elif isinstance(items, Awaitable):
            hint = "await it, and give what comes out"
        else:
            hint = "put a single item into a list"
        raise TypeError(f"the items of a run must be an iterable or asynchronous iterable, got {items!r}; {hint}")
    if is_in_memory(items):
        return IterableSource(items, name="source")
    from penstock.blocks import Threads  # late: many programs need no thread

    return IterableSource(items, executor=Threads(1, abandon_on_cancel=True), name="source")


def is_asyncio_queue(items: object) -> bool:
    """Whether it is a queue of asyncio; there is none in a program that has not loaded asyncio."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(items, asyncio.Queue)
