"""Reading no more items: what was read still comes out, and then the run ends, in every kind of program."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import trio

from penstock.agents import Pipeline
from penstock.blocks import Threads
from tests.agents.pipelines.recipes import inc, later


class Numbers:
    """Endless numbers; says how many were read, and whether it was closed."""

    def __init__(self) -> None:
        self.read = 0
        self.is_closed = False

    def plain(self) -> Iterator[int]:
        try:
            for self.read in itertools.count(1):
                yield self.read - 1
        finally:
            self.is_closed = True

    async def later(self) -> AsyncIterator[int]:
        try:
            for self.read in itertools.count(1):
                yield self.read - 1
        finally:
            self.is_closed = True


PIPELINES: list[Callable[[], Pipeline[int, int]]] = [
    lambda: Pipeline.of(int).map(inc),
    lambda: Pipeline.of(int).map(later, concurrency=3),
    lambda: Pipeline.of(int).map(inc, executor=Threads(2), concurrency=2),
]


def check(got: list[int], numbers: Numbers) -> None:
    """Every number that was read has come out, in order."""
    assert len(got) >= 3
    assert got == list(range(1, len(got) + 1))
    assert numbers.is_closed
    assert numbers.read - len(got) in (0, 1)  # a generator that is closed at a `yield` has counted one more


@pytest.mark.parametrize("make", PIPELINES)
def test_a_run_hands_over_what_it_has_read(make: Callable[[], Pipeline[int, int]]) -> None:
    numbers = Numbers()
    with make().run(numbers.plain(), limit=8) as results:
        got = list(itertools.islice(results, 3))
        results.finish()
        results.finish()
        got += results
        assert results.network.balance().ok
        assert not any(block.discarded for block in results.network.balance().blocks)
    results.finish()
    check(got, numbers)


def test_a_run_that_has_not_begun_reads_nothing() -> None:
    numbers = Numbers()
    results = Pipeline.of(int).map(inc).run(numbers.plain())
    results.finish()
    assert list(results) == []
    assert numbers.read == 0


def test_a_run_that_was_left_reads_nothing_more() -> None:
    with Pipeline.of(int).map(inc).run(itertools.count()) as results:
        assert next(results) == 1
    results.finish()
    assert list(results) == []


@pytest.mark.parametrize("make", PIPELINES[:2])
@pytest.mark.parametrize("is_async", [True, False])
def test_a_stream_in_trio_hands_over_what_it_has_read(make: Callable[[], Pipeline[int, int]], is_async: bool) -> None:
    numbers = Numbers()

    async def main() -> list[int]:
        got: list[int] = []
        source: Any = numbers.later() if is_async else numbers.plain()
        async with make().stream(source, limit=8) as results:
            async for result in results:
                got.append(result)
                if len(got) >= 3:
                    results.finish()
        results.finish()
        return got

    got = trio.run(main)
    assert got == list(range(1, len(got) + 1))
    assert numbers.is_closed
    assert len(got) >= 3


@pytest.mark.parametrize("is_async", [True, False])
def test_a_stream_in_asyncio_hands_over_what_it_has_read(is_async: bool) -> None:
    numbers = Numbers()

    async def main() -> list[int]:
        got: list[int] = []
        source: Any = numbers.later() if is_async else numbers.plain()
        async with Pipeline.of(int).map(inc).stream(source, limit=8) as results:
            async for result in results:
                got.append(result)
                if len(got) >= 3:
                    results.finish()
        return got

    got = asyncio.run(main())
    assert got == list(range(1, len(got) + 1))
    assert numbers.is_closed
    assert len(got) >= 3


class AlreadyThere:
    """An iterable that has its second item when it is cancelled, as a queue that was asked at the same moment."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()
        self.count = 0

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        self.count += 1
        if self.count == 2:
            self.is_asked.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return self.count


def test_an_item_of_asyncio_that_is_on_its_way_is_not_lost() -> None:
    async def main() -> None:
        items = AlreadyThere()
        async with Pipeline(inc).stream(items) as results:
            assert await anext(results) == 2
            await items.is_asked.wait()
            results.finish()
            assert [result async for result in results] == [3]
        assert items.count == 2
        assert results.network.balance()["source"].discarded == 0

    asyncio.run(main())
