"""Finds out how the items of a run are read: on the loop, in a thread, or in asyncio."""

from __future__ import annotations

import itertools
import os
import queue
import sys
from array import array
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast

import trio

from penstock.blocks import IterableSource, Source

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
        TypeError: They are not iterable, or a block that this run cannot wait for.
    """
    is_queue = is_asyncio_queue(items)
    if isinstance(items, Source) and not trio.lowlevel.in_trio_run():
        raise TypeError(
            f"the items of a run cannot come from {items}: a block gives its messages only in the loop of its network. "
            "Give what it reads or gets, or link the block to a section() of the pipeline, in its network"
        )
    if host is not None and (is_queue or isinstance(items, AsyncIterable)):
        return IterableSource(host.iterate(items), name="source")
    if is_queue:
        raise TypeError(f"{items!r}: a queue of asyncio can only be read in a program of asyncio")
    if isinstance(items, AsyncIterable):
        return IterableSource(items, name="source")
    if hasattr(type(items), "__getitem__") and not isinstance(items, Iterable):
        items = iter(cast("Iterable[T]", items))  # Python iterates it: many data sets are like that
    if not isinstance(items, Iterable):
        hint = hint_for(items)
        raise TypeError(f"the items of a run must be an iterable or asynchronous iterable, got {items!r}; {hint}")
    if is_in_memory(items):
        return IterableSource(items, name="source")
    from penstock.blocks import Threads  # late: many programs need no thread

    return IterableSource(items, executor=Threads(1, abandon_on_cancel=True), name="source")


def hint_for(items: object) -> str:
    """What to give instead of something that is not iterable."""
    if isinstance(items, queue.SimpleQueue | queue.Queue):
        return "give iter(queue.get, end), where `end` is the item after the last one"
    if isinstance(items, os.PathLike):
        return "open it, and give the file; or put a single path into a list"
    if isinstance(items, trio.abc.SendChannel):
        return "give the receive channel, which is its other end"
    if isinstance(items, Awaitable):
        return "await it, and give what comes out"
    if callable(items):
        return "call it, and give what it returns"
    return "put a single item into a list"


def is_asyncio_queue(items: object) -> bool:
    """Whether it is a queue of asyncio; there is none in a program that has not loaded asyncio."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(items, asyncio.Queue)
