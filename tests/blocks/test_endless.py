"""Iterables and generators without an end: they are closed when nothing needs their elements any more."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import trio

from penstock.blocks import (
    Flatten,
    IterableSource,
    Network,
    Regroup,
    Take,
    Threads,
    Transformer,
    TransformMany,
)
from penstock.blocks.core.block import inside
from penstock.blocks.functions.job_size import JobSize
from tests.blocks.tools import faults

closed: list[int] = []


@pytest.fixture(autouse=True)
def _forgotten() -> None:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    closed.clear()


def count_up(start: int) -> Iterator[int]:
    try:
        yield from itertools.count(start)
    finally:
        closed.append(start)


async def count_up_later(start: int) -> AsyncIterator[int]:
    try:
        for number in itertools.count(start):
            await trio.lowlevel.checkpoint()
            yield number
    finally:
        closed.append(start)


async def some_and_then_wait(start: int) -> AsyncIterator[int]:
    try:
        for number in range(start, start + 5):
            yield number
        await trio.sleep_forever()
    finally:
        closed.append(start)


async def first_of(items: Any, *blocks: Any, count: int = 5) -> list[Any]:
    """Send items through blocks, and take the first results; every item must be accounted for."""
    source: Any = IterableSource(items)
    first = source
    for block in (*blocks, take := Take[Any](count)):
        source.link_target(block)
        source = block
    async with Network(first) as network:
        results = [result async for result in take]
    assert network.balance().ok
    return results


def few(start: int) -> Iterator[int]:
    yield from itertools.islice(count_up(start), 9)


WAYS: dict[str, Callable[[], Any]] = {
    "loop": lambda: TransformMany(count_up),
    "loop, collected": lambda: TransformMany(few, on_error="skip"),
    "threads": lambda: TransformMany(count_up, executor=Threads(1)),
    "threads, collected": lambda: TransformMany(few, executor=Threads(1), on_error="skip"),
    "two threads": lambda: TransformMany(count_up, executor=Threads(2), concurrency=2),
    "tasks": lambda: TransformMany(count_up_later),
    "two tasks": lambda: TransformMany(count_up_later, concurrency=2, ordered=False),
    "a task that waits": lambda: TransformMany(some_and_then_wait),
    "keys": lambda: TransformMany(count_up_later, concurrency=2, key=lambda n: n, ordered=False),
}


@pytest.mark.usefixtures("real_time")  # some wait for threads
@pytest.mark.parametrize("way", WAYS)
async def test_a_take_closes_generators(way: str) -> None:
    results = await first_of([1, 1, 1], WAYS[way](), count=4)
    assert set(results) <= {1, 2, 3, 4}
    assert set(closed) == {1}


async def test_iterables_are_left() -> None:
    endless = Transformer[int, Iterator[int]](itertools.count, name="endless")
    assert await first_of([7, 8], endless, Flatten[int](), Transformer(abs)) == [7, 8, 9, 10, 11]


async def test_quick_items_that_are_read_together_are_left() -> None:
    assert await first_of(itertools.count(), TransformMany(lambda n: [n, n]), count=3000) == [
        n // 2 for n in range(3000)
    ]


class Three(JobSize):
    """Each hand-over has three items."""

    def share(self, queued: int, jobs: int) -> int:
        del queued, jobs
        return 3

    def learn(self, done: int, seconds: float, aim: float = 0.0) -> None:
        pass


@pytest.mark.usefixtures("real_time")
async def test_items_that_a_worker_has_not_begun_are_discarded() -> None:
    block = TransformMany(count_up, executor=Threads(1), name="count")
    size = Three()
    size.items = 3
    inside(block).runner.size = size
    take = Take[int](5)
    block.link_target(take)
    async with Network(block) as network:
        await block.pause()
        for item in (1, 2, 3):
            await block.send(item)
        block.resume()
        assert [result async for result in take] == [1, 2, 3, 4, 5]
    assert closed == [1]
    balance = network.balance()
    assert balance.ok
    assert (balance["count"].consumed, balance["count"].discarded) == (1, 2)


async def test_what_was_in_work_before_is_discarded_when_it_comes(autojump_clock: trio.testing.MockClock) -> None:
    async def slowly(item: int) -> int:
        await trio.sleep(item)
        return item

    for block in (TransformMany(count_up), TransformMany(count_up_later)):
        before = Transformer(slowly, concurrency=3)
        assert await first_of([1, 2, 3], before, block) == [1, 2, 3, 4, 5]
    assert closed == [1, 1]


async def test_the_last_call_is_left_too() -> None:
    for at_end in (lambda: count_up(5), lambda: [5, 6, 7, 8]):
        block: TransformMany[int, int] = TransformMany(lambda n: [n], at_end=at_end)
        assert await first_of([1, 2], block, count=4) == [1, 2, 5, 6]
        accounts = inside(block).accounts()
        assert (accounts.accepted, accounts.consumed, accounts.discarded) == (2, 2, 0)
    assert closed == [5]


@pytest.mark.usefixtures("real_time")
async def test_what_closing_a_generator_raises_is_a_fault() -> None:
    def fail(start: int) -> Iterator[int]:
        try:
            yield from itertools.count(start)
        finally:
            raise OSError("cannot close")

    for executor in (None, Threads(1)):
        with faults(OSError) as found:
            await first_of([1], TransformMany(fail, executor=executor))
        assert str(found[0]) == "cannot close"


async def test_what_came_of_an_endless_item_is_a_group() -> None:
    split, take = Flatten[int](), Take[int](3)
    groups = Regroup[int, list[int]](split)
    source = IterableSource([itertools.count(1), itertools.count(7)])
    source.link_target(split)
    split.link_target(take)
    take.link_target(groups)
    async with Network(source):
        assert [group async for group in groups] == [[1, 2, 3]]
