"""The block that turns one message into any number."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import BoundedBuffer, Network, Skip, TransformMany, UnboundedBuffer
from tests.blocks.tools import contents, faults, linked, notes, run


def count(item: int) -> Iterator[int]:
    yield from range(item)


def count_list(item: int) -> list[int]:
    return list(range(item))


async def async_list(item: int) -> list[int]:
    await trio.sleep(1)
    return list(range(item))


async def async_count(item: int) -> AsyncIterator[int]:
    for n in range(item):
        await trio.sleep(1)
        yield n


class Counter:
    """An asynchronous generator function that is an object."""

    async def __call__(self, item: int) -> AsyncIterator[int]:
        for n in range(item):
            yield n


FUNCTIONS: dict[str, Any] = {
    "generator": count,
    "list": count_list,
    "async list": async_list,
    "async generator": async_count,
    "async generator object": Counter(),
}
ASYNC = ["async list", "async generator", "async generator object"]


@pytest.mark.parametrize("on_error", ["fail", "skip"])
@pytest.mark.parametrize("kind", FUNCTIONS)
async def test_outputs_come_in_the_order_of_the_messages(kind: str, on_error: Any) -> None:
    block: TransformMany[int, int] = TransformMany(FUNCTIONS[kind], on_error=on_error, name="many")
    collector = linked(block)
    network = await run(block, [3, 0, 1, 2])
    assert contents(collector) == [0, 1, 2, 0, 0, 1]
    balance = network.balance()["many"]
    assert (balance.accepted, balance.consumed, balance.produced, balance.delivered) == (4, 4, 6, 6)


@pytest.mark.parametrize("on_error", ["fail", "skip"])
@pytest.mark.parametrize("kind", ASYNC)
async def test_so_they_do_with_several_at_once(kind: str, on_error: Any) -> None:
    block: TransformMany[int, int] = TransformMany(FUNCTIONS[kind], concurrency=3, on_error=on_error)
    collector = linked(block)
    await run(block, [3, 0, 1, 2])
    assert contents(collector) == [0, 1, 2, 0, 0, 1]


@pytest.mark.parametrize("kind", ASYNC)
async def test_unordered_outputs_keep_the_order_within_a_message(kind: str) -> None:
    block: TransformMany[int, int] = TransformMany(FUNCTIONS[kind], concurrency=3, ordered=False)
    collector = linked(block)
    await run(block, [3, 2, 1])
    assert sorted(contents(collector)) == [0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 2}, "transform-many 'count': concurrency=2 needs an executor or an async function"),
        ({"window": "1"}, "transform-many 'count': window must be an int >= 1, got '1'"),
        ({"capacity": 0}, "transform-many 'count': capacity must be an int >= 1"),
    ],
)
def test_wrong_arguments_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        TransformMany(count, **options)


async def test_an_endless_generator_is_read_no_further_than_it_is_taken() -> None:
    read = 0

    def endless(item: int) -> Iterator[int]:
        nonlocal read
        try:
            while True:
                read += 1
                yield read
        finally:
            read = -1

    block = TransformMany(endless)
    block.link_target(full := BoundedBuffer[int](1))
    async with Network(block) as network:
        await block.send(0)
        assert [await full.receive() for _ in range(5)] == [1, 2, 3, 4, 5]
        await wait_all_tasks_blocked()
        assert 5 <= read < 20
        network.cancel()
    assert read == -1  # the generator was closed


async def test_an_endless_async_generator_is_read_no_further_than_it_is_taken() -> None:
    read = 0

    async def endless(item: int) -> AsyncIterator[int]:
        nonlocal read
        try:
            while True:
                read += 1
                yield read
        finally:
            read = -1

    block = TransformMany(endless, window=2)
    async with Network(block) as network:
        await block.send(0)
        await wait_all_tasks_blocked()
        assert read == 2
        assert [await block.receive() for _ in range(5)] == [1, 2, 3, 4, 5]
        await wait_all_tasks_blocked()
        assert read == 7
        network.cancel()
    assert read == -1
    assert network.balance().ok


@pytest.mark.parametrize("kind", ["generator", "async generator object"])
async def test_outputs_are_handed_on_as_they_come(kind: str) -> None:
    go = trio.Event()
    block: TransformMany[int, int] = TransformMany(FUNCTIONS[kind])
    async with Network(block):
        await block.send(3)
        assert [await block.receive() for _ in range(3)] == [0, 1, 2]
        go.set()


async def test_a_slow_async_generator_streams() -> None:
    block = TransformMany(async_count)
    collector = linked(block)
    async with Network(block):
        await block.send(3)
        await trio.sleep(1.5)
        assert contents(collector) == [0]
        await trio.sleep(1)
        assert contents(collector) == [1]


def broken_generator(item: int) -> Iterator[int]:
    yield item
    if item == 2:
        raise ValueError(item)
    yield item


def broken_list(item: int) -> list[int]:
    return list(broken_generator(item))


async def broken_async_list(item: int) -> list[int]:
    return broken_list(item)


async def broken_async_generator(item: int) -> AsyncIterator[int]:
    yield item
    if item == 2:
        raise ValueError(item)
    yield item


BROKEN: dict[str, Any] = {
    "generator": broken_generator,
    "list": broken_list,
    "async list": broken_async_list,
    "async generator": broken_async_generator,
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_fault_names_the_item(kind: str) -> None:
    block: TransformMany[int, int] = TransformMany(BROKEN[kind], name="many")
    linked(block)
    with faults(ValueError) as found:
        async with Network(block) as network:
            for n in (1, 2, 3):
                await block.send(n)
    assert notes(found[0]) == ["in many, item 2: 2"]
    assert network.balance()["many"].dropped == {"fault": 1}


@pytest.mark.parametrize("kind", BROKEN)
async def test_an_item_that_is_skipped_gives_no_output_at_all(kind: str) -> None:
    block: TransformMany[int, int] = TransformMany(BROKEN[kind], on_error=Skip(), name="many")
    collector = linked(block)
    network = await run(block, [1, 2, 3])
    assert contents(collector) == [1, 1, 3, 3]
    balance = network.balance()["many"]
    assert (balance.dropped, balance.consumed, balance.produced) == ({"skipped": 1}, 2, 4)


async def test_a_function_that_returns_nothing_to_iterate_is_a_fault() -> None:
    def nothing(item: int) -> Any:
        return None

    async def async_nothing(item: int) -> Any:
        return None

    for function in (nothing, async_nothing):
        block: TransformMany[int, int] = TransformMany(function, name="many")
        linked(block)
        with faults(TypeError) as found:
            await run(block, [1])
        assert notes(found[0]) == ["in many, item 1: 1"]


async def test_stop_iteration_out_of_the_function_is_a_fault() -> None:
    def stop(item: int) -> Any:
        raise StopIteration

    block: TransformMany[int, int] = TransformMany(stop, name="many")
    linked(block)
    with faults(RuntimeError) as found:
        await run(block, [1])
    assert str(found[0]) == "the function of transform-many 'many' raised StopIteration"
    assert notes(found[0]) == ["in many, item 1: 1"]


async def test_a_function_that_returns_a_coroutine_is_a_fault() -> None:
    block = TransformMany[int, int](lambda item: async_list(item), name="many")
    linked(block)
    with faults(TypeError) as found:
        await run(block, [1])
    assert "returned a coroutine" in str(found[0])


async def test_cancelling_discards_the_item_whose_outputs_are_not_all_out() -> None:
    block = TransformMany(async_count, name="many")
    linked(block)
    async with Network(block) as network:
        await block.send(3)
        await block.send(3)
        await trio.sleep(1.5)
        network.cancel()
    balance = network.balance()["many"]
    assert (balance.produced, balance.delivered, balance.discarded) == (1, 1, 2)


async def test_outputs_can_feed_the_block_itself() -> None:
    block = TransformMany[int, int](lambda n: [n // 2, n - n // 2])
    results: UnboundedBuffer[int] = UnboundedBuffer()
    block.link_target(block, filter=lambda n: n > 1)
    block.link_target(results)
    await run(block, [5])
    assert contents(results) == [1] * 5


async def test_an_async_generator_that_never_waits_lets_others_run() -> None:
    async def many(item: int) -> AsyncIterator[int]:
        for n in range(5_000):
            yield n

    block = TransformMany(many)
    collector = linked(block)
    await run(block, [1])
    assert len(collector) == 5_000


async def test_a_slow_generator_holds_the_loop_for_one_output_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock.blocks.base.timing import time_slice

    now = 0.0

    def slow(item: int) -> Iterator[int]:
        nonlocal now
        for n in range(item):
            now += 0.01
            yield n

    monkeypatch.setattr(time_slice, "clock", lambda: now)
    block = TransformMany(slow)
    collector = linked(block)
    await run(block, [0, 20, 1])
    assert contents(collector) == [*range(20), 0]
