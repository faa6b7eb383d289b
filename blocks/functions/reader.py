"""Reads an iterable in an executor, one chunk at a time, and closes it there."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from time import perf_counter, thread_time
from typing import Any

import attrs

from ..base.timing import LARGEST_BATCH

CHUNK_SECONDS = 0.001
"""Seconds that reading one chunk should take; an item that takes longer is a chunk of its own."""


@attrs.frozen(slots=True)
class Chunk:
    """The result of one call of a reader.

    Attributes:
        items: The items.
        is_last: Whether there are no more items.
        error: The exception that the iterable raised instead of an item, or when it was closed.
        start: When reading began, by `perf_counter`.
        end: When reading ended.
        cpu: Seconds of processor time.
    """

    items: list[Any]
    is_last: bool
    error: BaseException | None
    start: float
    end: float
    cpu: float


class Reader:
    """Reads an iterator, in one thread at a time.

    Attributes:
        is_over: Whether nothing more can be read: the iterator is exhausted, has failed, or was closed.
        has_begun: Whether the reader was called.
    """

    __slots__ = ("_is_wanted", "_iterator", "_lock", "has_begun", "is_over", "name")

    def __init__(self, iterator: Iterator[Any], name: str) -> None:
        self._iterator = iterator
        self._lock = threading.Lock()
        self._is_wanted = True
        self.is_over: bool = False
        self.has_begun: bool = False
        self.name: str = name

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(
            f"{self.name}: the iterable of a source is read in this process and cannot be sent to another one; give "
            "the source executor=Threads(1)"
        )

    def stop(self) -> None:
        """Make the call that reads now, or the next one, close the iterator instead of reading on."""
        self._is_wanted = False

    def __call__(self, count: int) -> Chunk:
        """Read up to `count` items, for about `CHUNK_SECONDS`."""
        with self._lock:
            self.has_begun = True
            items: list[Any] = []
            error: BaseException | None = None
            start, cpu = perf_counter(), thread_time()
            try:
                self._read(items, min(count, LARGEST_BATCH), start + CHUNK_SECONDS)
            except BaseException as raised:
                error = raised
                self.is_over = True
            end = perf_counter()
            return Chunk(items, self.is_over, error, start, end, thread_time() - cpu)

    def _read(self, items: list[Any], count: int, until: float) -> None:
        if self._is_wanted and not self.is_over:
            for item in self._iterator:
                items.append(item)
                if len(items) >= count or not self._is_wanted or perf_counter() >= until:
                    break
            else:
                self.is_over = True
        if not self._is_wanted and not self.is_over:
            self.is_over = True
            if inspect.isgenerator(self._iterator):
                self._iterator.close()
