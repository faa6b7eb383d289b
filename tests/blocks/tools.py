"""What several test files use."""

import heapq
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import pytest

from penstock.blocks import Batch, Buffer, Network, Source, Target, TransformMany, UnboundedBuffer

T = TypeVar("T")


class Grouping(Batch[Any]):
    """A batch that an `Ungrouping` follows: together they keep the order, for which the test answers."""

    @property
    def keeps_order(self) -> bool:
        """Say so to a join."""
        return True


class Ungrouping(TransformMany[Any, Any]):
    """Gives the messages of each list."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(list, name=name)

    @property
    def keeps_order(self) -> bool:
        """Say so to a join."""
        return True


def never(item: object) -> bool:
    """A filter that nothing passes."""
    del item
    return False


def is_even(item: int) -> bool:
    return item % 2 == 0


def linked(source: Source[T]) -> UnboundedBuffer[T]:
    """Collect what comes out of a source."""
    collector: UnboundedBuffer[T] = UnboundedBuffer(name="collector")
    source.link_target(collector)
    return collector


def contents(buffer: Source[T]) -> list[T]:
    """Take everything out of a buffer that is there now."""
    items: list[T] = []
    while len(cast("UnboundedBuffer[T]", buffer)):
        items.append(buffer.receive_nowait())
    return items


async def run(first: Target[T], items: Iterable[T] = (), *others: Any, **options: Any) -> Network:
    """Send items to a block in a network of its own, and wait until everything has drained."""
    async with Network(cast("Any", first), *others, **options) as network:
        for item in items:
            await first.send(item)
    return network


def leaves(error: BaseException) -> list[BaseException]:
    """The exceptions in a group of groups, in order."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [leaf for inner in group.exceptions for leaf in leaves(inner)]
    return [error]


@contextmanager
def faults(*kinds: type[BaseException]) -> Generator[list[Any]]:
    """Expect an exception group with exactly these leaves out of a network, and hand them over."""
    found: list[BaseException] = []
    try:
        yield found
    except BaseExceptionGroup as group:
        found.extend(leaves(group))
        if [type(leaf) for leaf in found] != list(kinds):
            raise
    else:
        pytest.fail(f"expected {kinds}, and no fault came out")


def notes(error: BaseException) -> list[str]:
    """The notes of an exception."""
    return getattr(error, "__notes__", [])


class Fussy:
    """A function that fails for some items, and keeps a record of its calls."""

    def __init__(self, *bad: Any, times: int | None = None) -> None:
        self.bad = bad
        self.left = times
        self.calls: list[Any] = []

    def __call__(self, item: Any) -> Any:
        self.calls.append(item)
        if item in self.bad and (self.left is None or self.left > 0):
            self.left = None if self.left is None else self.left - 1
            raise ValueError(f"bad {item}")
        return item * 10

    @property
    def as_async(self) -> Callable[[Any], Any]:
        """The same as an `async def` function."""

        async def fussy(item: Any) -> Any:
            return self(item)

        return fussy


class LeastFirst(Buffer[int]):
    """Gives the least number first."""

    def __init__(self, *, capacity: int | None = None, name: str | None = None) -> None:
        self._heap: list[int] = []
        super().__init__(capacity=capacity, name=name)

    def put(self, item: int) -> None:
        heapq.heappush(self._heap, item)

    def pop(self) -> int:
        return heapq.heappop(self._heap)

    def peek(self) -> int:
        return self._heap[0]

    def size(self) -> int:
        return len(self._heap)
