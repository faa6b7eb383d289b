"""Streams in trio: an asynchronous program iterates over the results."""

import threading
from collections.abc import AsyncIterator

import pytest
import trio

from penstock.agents import Pipeline
from penstock.blocks import DeadLetter, Threads
from tests.agents.pipelines.recipes import invert, same


async def numbers(closed: list[str] | None = None) -> AsyncIterator[int]:
    try:
        n = 0
        while True:
            yield n
            n += 1
            await trio.sleep(1)
    finally:
        if closed is not None:
            closed.append("closed")


async def test_results_come_as_they_are_made() -> None:
    async with Pipeline(same).batch(2).stream(numbers()) as results:
        assert await anext(results) == [0, 1]
        assert trio.current_time() % 1 == 0
        async for batch in results:
            assert batch == [2, 3]
            break
        assert results.network.statistics().blocks


async def test_leaving_the_block_stops_everything() -> None:
    closed: list[str] = []
    async with Pipeline(same).stream(numbers(closed)) as results:
        async for _ in results:
            break
    assert closed == ["closed"]
    assert results.network.cancel_called


async def test_a_stream_that_was_read_to_its_end_is_not_cancelled() -> None:
    letters: list[object] = []

    async def slowly(letter: object) -> None:
        await trio.sleep(10)
        letters.append(letter)

    pipeline = Pipeline(invert, on_error=DeadLetter(slowly))
    async with pipeline.stream([1, 0]) as results:
        assert [n async for n in results] == [1]
    assert len(letters) == 1
    assert not results.network.cancel_called


async def test_the_exception_of_the_body_comes_out_as_it_is() -> None:
    error = KeyError("body")
    with pytest.raises(KeyError) as caught:
        async with Pipeline(same).stream(numbers()):
            raise error
    assert caught.value is error


async def test_a_fault_cancels_the_body_and_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        async with Pipeline(invert).stream([1, 0]):
            await trio.sleep_forever()


async def test_a_cancelled_stream_ends() -> None:
    closed: list[str] = []
    with trio.move_on_after(5) as scope:
        async with Pipeline(same).stream(numbers(closed)) as results:
            async for _ in results:
                pass
    assert scope.cancelled_caught
    assert closed == ["closed"]


async def test_a_channel_of_trio_is_a_source() -> None:
    send, receive = trio.open_memory_channel[int](0)

    async def feed() -> None:
        async with send:
            for n in range(3):
                await send.send(n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        assert await Pipeline(same).collect(receive) == [0, 1, 2]


async def test_a_stream_is_entered_once() -> None:
    stream = Pipeline(same).stream([1])
    async with stream as results:
        assert [n async for n in results] == [1]
    with pytest.raises(RuntimeError, match=r"entered already; call stream\(\) again"):
        async with stream:
            pass


def test_it_needs_a_loop() -> None:
    coroutine = Pipeline(same).collect([1])
    with pytest.raises(RuntimeError, match=r"need trio or asyncio; in plain Python, use `pipeline.run\(items\)`"):
        coroutine.send(None)


async def test_many_streams_run_at_once() -> None:
    pipeline = Pipeline(same).batch(2)
    got: list[list[list[int]]] = []

    async def one(n: int) -> None:
        got.append(await pipeline.collect([n, n, n]))

    async with trio.open_nursery() as nursery:
        for n in range(50):
            nursery.start_soon(one, n)
    assert sorted(got) == [[[n, n], [n]] for n in range(50)]


@pytest.mark.usefixtures("real_time")
async def test_threads_of_a_stream_end_with_it() -> None:
    async with Pipeline(same, executor=Threads(2), concurrency=2).stream(iter(int, 1)) as results:
        async for _ in results:
            break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("same worker")]
