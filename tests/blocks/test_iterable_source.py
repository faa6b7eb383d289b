"""The source that reads an iterable."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import BoundedBuffer, IterableSource, Network, Take, Transformer, UnboundedBuffer
from tests.blocks.tools import contents, faults, is_even, linked, notes


async def ticks(n: int) -> AsyncIterator[int]:
    for k in range(n):
        await trio.sleep(1)
        yield k


class Ticks:
    """An asynchronous iterator that is no generator."""

    def __init__(self) -> None:
        self.left = 3

    def __aiter__(self) -> "Ticks":
        return self

    async def __anext__(self) -> int:
        await trio.lowlevel.checkpoint()
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


def test_what_cannot_be_iterated_is_an_error() -> None:
    with pytest.raises(TypeError, match="source 's': items must be an iterable or asynchronous iterable, got 3"):
        IterableSource(3, name="s")  # type: ignore[arg-type]  # that is the point


SERIES: list[Any] = [range(5_000), [], iter("abc"), (n for n in range(10))]


@pytest.mark.parametrize("items", SERIES, ids=["range", "empty list", "iterator", "generator"])
async def test_it_gives_all_items_in_order_and_ends(items: Any) -> None:
    expected: list[Any] | None = None if hasattr(items, "__next__") else list(items)
    source: IterableSource[Any] = IterableSource(items, name="s")
    collector = linked(source)
    async with Network(source) as network:
        pass
    got = contents(collector)
    assert got == expected or expected is None
    assert source.is_finished
    assert network.balance()["s"].produced == len(got)
    assert repr(source) == "<IterableSource 's' finished, 0 held>"


async def test_an_asynchronous_iterable_is_read_in_a_task() -> None:
    for items, expected in ((ticks(3), [0, 1, 2]), (Ticks(), [2, 1, 0])):
        source: IterableSource[int] = IterableSource(items)
        collector = linked(source)
        async with Network(source):
            pass
        assert contents(collector) == expected


async def test_items_are_handed_on_as_they_come() -> None:
    source = IterableSource(ticks(3))
    collector = linked(source)
    async with Network(source):
        await trio.sleep(1.5)
        assert contents(collector) == [0]


async def test_an_endless_one_is_read_no_further_than_it_is_taken() -> None:
    numbers = count()
    source = IterableSource(numbers)
    source.link_target(full := BoundedBuffer[int](1))
    async with Network(source) as network:
        assert [await full.receive() for _ in range(5)] == [0, 1, 2, 3, 4]
        await wait_all_tasks_blocked()
        assert next(numbers) < 1_100
        network.cancel()


async def test_an_endless_async_one_is_read_one_ahead() -> None:
    read = 0

    async def endless() -> AsyncIterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    source = IterableSource(endless(), name="s")
    async with Network(source) as network:
        assert [await source.receive() for _ in range(5)] == [1, 2, 3, 4, 5]
        await wait_all_tasks_blocked()
        assert read == 6
        network.cancel()
    assert network.balance()["s"].discarded == 1


async def test_an_async_one_that_never_waits_lets_others_run() -> None:
    async def quick() -> AsyncIterator[int]:
        for n in range(5_000):
            yield n

    source = IterableSource(quick())
    collector = linked(source)
    async with Network(source):
        pass
    assert len(collector) == 5_000


async def test_the_body_can_receive_from_it() -> None:
    source = IterableSource([1, 2, 3])
    async with Network(source):
        assert [item async for item in source] == [1, 2, 3]


async def test_items_go_to_the_first_target_that_accepts_them() -> None:
    source = IterableSource(range(5))
    evens: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(evens, filter=is_even)
    odds = linked(source)
    async with Network(source):
        pass
    assert (contents(evens), contents(odds)) == ([0, 2, 4], [1, 3])


async def test_an_exception_of_the_iterable_is_a_fault_and_what_was_read_is_counted() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("no more")

    source = IterableSource(broken(), name="s")
    linked(source)
    with faults(ValueError) as found:
        async with Network(source) as network:
            await trio.sleep_forever()
    assert notes(found[0]) == ["in s"]
    assert network.balance().ok


async def test_an_exception_of_an_asynchronous_iterable_is_a_fault() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no more")

    source = IterableSource(broken(), name="s")
    collector = linked(source)
    with faults(ValueError) as found:
        async with Network(source) as network:
            await trio.sleep_forever()
    assert notes(found[0]) == ["in s"]
    assert network.balance()["s"].delivered == 1
    assert len(collector) == 0


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_a_generator_is_closed_when_the_network_stops(kind: str) -> None:
    closed: list[str] = []

    def plain() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed.append("plain")

    async def asynchronous() -> AsyncIterator[int]:
        try:
            for n in count():
                await trio.sleep(1)
                yield n
        finally:
            closed.append("async")

    source: IterableSource[int] = IterableSource(plain() if kind == "plain" else asynchronous())
    source.link_target(full := BoundedBuffer[int](1))
    async with Network(source) as network:
        await full.receive()
        network.cancel()
    assert closed == [kind]


async def test_a_slow_iterable_is_read_item_by_item(monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock.blocks.base.timing import time_slice

    now = 0.0

    def slow() -> Iterator[int]:
        nonlocal now
        for n in range(50):
            now += 0.001 if n > 20 else 0.0
            yield n

    monkeypatch.setattr(time_slice, "clock", lambda: now)
    source = IterableSource(slow())
    collector = linked(source)
    async with Network(source):
        pass
    assert contents(collector) == list(range(50))


async def test_one_that_is_linked_into_a_running_network_starts() -> None:
    entry: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(entry):
        source = IterableSource([1, 2])
        late = IterableSource(ticks(2))
        source.link_target(entry)
        late.link_target(entry)
    assert sorted(contents(entry)) == [0, 1, 1, 2]


async def test_it_feeds_as_much_as_its_target_has_room_for() -> None:
    source = IterableSource(range(100))
    block = Transformer[int, int](lambda n: n, capacity=3)
    source.link_target(block)
    collector = linked(block)
    async with Network(source):
        pass
    assert contents(collector) == list(range(100))


async def test_closing_it_reads_no_further_and_what_was_read_can_be_taken() -> None:
    closed: list[str] = []

    def plain() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed.append("plain")

    source = IterableSource(plain())
    source.link_target(full := BoundedBuffer[int](1))
    async with Network(source):
        assert [await full.receive() for _ in range(3)] == [0, 1, 2]
        await source.aclose()
        rest = [item async for item in full]
    assert closed == ["plain"]
    assert rest == list(range(3, 3 + len(rest)))
    assert source.is_finished


async def test_closing_an_asynchronous_one_cancels_what_it_waits_for() -> None:
    closed: list[str] = []

    async def slow() -> AsyncIterator[int]:
        try:
            yield 1
            await trio.sleep_forever()
        finally:
            closed.append("async")

    source = IterableSource(slow())
    async with Network(source):
        assert await source.receive() == 1
        await source.aclose()
        with pytest.raises(trio.EndOfChannel):
            await source.receive()
    assert closed == ["async"]


class OnItsWay:
    """An item that cannot be held up: it comes, although the source is closed before."""

    def __init__(self) -> None:
        self.is_asked = trio.Event()

    async def items(self) -> AsyncIterator[int]:
        yield 0
        self.is_asked.set()
        with trio.CancelScope(shield=True):  # as an iterable in another thread, which has the item already
            await trio.sleep(1)
        yield 1


async def test_an_item_that_is_on_its_way_when_it_is_closed_can_still_be_taken() -> None:
    slow = OnItsWay()
    source = IterableSource(slow.items())
    async with Network(source):
        assert await source.receive() == 0
        await slow.is_asked.wait()
        await source.aclose()
        assert [item async for item in source] == [1]
    assert source.is_finished


async def test_an_item_that_a_paused_one_has_when_it_is_closed_can_still_be_taken() -> None:
    slow = OnItsWay()
    source = IterableSource(slow.items(), name="s")
    async with Network(source) as network:
        assert await source.receive() == 0
        await slow.is_asked.wait()
        await source.pause()
        await trio.sleep(2)
        await source.aclose()
        source.resume()
        assert [item async for item in source] == [1]
    assert network.balance()["s"].discarded == 0


async def test_one_that_is_closed_before_it_begins_to_read_takes_nothing() -> None:
    send, receive = trio.open_memory_channel[int](1)
    send.send_nowait(1)
    source = IterableSource(receive)
    async with Network(source):
        await source.aclose()
    assert receive.receive_nowait() == 1


async def test_one_that_was_closed_before_its_network_gives_nothing() -> None:
    for items in (range(3), (n for n in range(3)), ticks(3)):
        source: IterableSource[int] = IterableSource(items)
        collector = linked(source)
        await source.aclose()
        async with Network(source):
            pass
        assert contents(collector) == []
        assert source.is_finished


class Endless:
    """Has a length that raises, as data loaders have."""

    def __len__(self) -> int:
        raise TypeError

    def __iter__(self) -> Iterator[int]:
        return iter([1, 2])


async def test_a_length_that_cannot_be_told_is_not_known() -> None:
    source = IterableSource(Endless(), name="s")
    collector = linked(source)
    async with Network(source):
        pass
    assert (source.total, contents(collector)) == (None, [1, 2])
    assert IterableSource(range(10**30)).total is None


async def test_an_item_that_comes_after_an_early_end_is_discarded() -> None:
    slow = OnItsWay()

    async def once_the_next_is_asked_for(number: int) -> int:
        await slow.is_asked.wait()
        return number

    source, take, results = IterableSource(slow.items(), name="s"), Take[int](1), UnboundedBuffer[int]()
    waiting = Transformer(once_the_next_is_asked_for)
    source.link_target(waiting)
    waiting.link_target(take)
    take.link_target(results)
    async with Network(source) as network:
        pass
    assert contents(results) == [0]
    accounts = network.balance()["s"]
    assert (accounts.produced, accounts.discarded, accounts.held) == (2, 1, 0)
