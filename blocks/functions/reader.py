"""Reads an iterable in an executor, one chunk at a time, and closes it there.

An item can be taken as soon as it has been read, even while the next one lets the worker wait.
"""

from __future__ import annotations

import inspect
import threading
from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter, thread_time
from typing import Any

import attrs

from ..base.timing import LARGEST_BATCH

CHUNK_SECONDS = 0.001
"""Seconds that reading one chunk should take; an item that takes longer is a chunk of its own."""


@attrs.frozen(slots=True)
class Chunk:
    """Items that a reader has read.

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

    Args:
        iterator: The iterator.
        name: The name of the source.
        tell: Called in the worker when an item has come that the loop waits for.

    Attributes:
        is_over: Whether nothing more can be read: the iterator is exhausted, has failed, or was closed.
        has_begun: Whether the reader was called.
        is_awaited: Whether the loop wants to know of the next item at once; set there.
    """

    __slots__ = (
        "_arrived",
        "_is_wanted",
        "_iterator",
        "_lock",
        "_since",
        "_tell",
        "_until",
        "has_begun",
        "is_awaited",
        "is_over",
        "name",
    )

    def __init__(self, iterator: Iterator[Any], name: str, tell: Callable[[], None]) -> None:
        self._iterator = iterator
        self._tell = tell
        self._lock = threading.Lock()
        self._arrived: deque[Any] = deque()
        self._is_wanted = True
        self._since = 0.0  # since when the items of the next chunk were read
        self._until = 0.0  # when the last item came
        self.is_awaited: bool = False
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

    def take(self) -> Chunk:
        """Take the items that have come so far; called on the loop."""
        arrived = self._arrived
        items = [arrived.popleft() for _ in range(len(arrived))]
        start, self._since = self._since, self._until
        return Chunk(items, False, None, start, self._since, 0.0)

    def __call__(self, count: int) -> Chunk:
        """Read up to `count` items, for about `CHUNK_SECONDS`; they are there for `take`."""
        with self._lock:
            self.has_begun = True
            error: BaseException | None = None
            cpu = thread_time()
            start = self._since = self._until = perf_counter()
            try:
                self._read(min(count, LARGEST_BATCH), start + CHUNK_SECONDS)
            except BaseException as raised:
                error = raised
                self.is_over = True
            self._until = perf_counter()
            return Chunk([], self.is_over, error, self._since, self._until, thread_time() - cpu)

    def _read(self, count: int, until: float) -> None:
        if self._is_wanted and not self.is_over:
            for item in self._iterator:
                self._arrived.append(item)
                del item
                count -= 1
                self._until = now = perf_counter()
                if self.is_awaited:
                    self.is_awaited = False
                    self._tell()
                if count < 1 or not self._is_wanted or now >= until:
                    break
            else:
                self.is_over = True
        if not self._is_wanted and not self.is_over:
            self.is_over = True
            if inspect.isgenerator(self._iterator):
                self._iterator.close()
