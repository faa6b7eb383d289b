"""Producer handles."""

import gc

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import BoundedBuffer, Declined, Network, Producer, Stalled, UnboundedBuffer
from tests.blocks.tools import contents, faults, never


def test_it_is_named_after_its_target_and_shows_its_state() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    with buffer.producer() as producer:
        assert repr(producer) == "<Producer 'producer of b' open>"
    assert repr(producer) == "<Producer 'producer of b' closed>"
    with buffer.producer("reader 1") as producer:
        assert producer.name == "reader 1"


async def test_it_sends_and_the_target_completes_after_the_last() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(buffer):
        first, second = buffer.producer(), buffer.producer()
        await first.send(1)
        first.send_nowait(2)
        first.close()
        first.close()
        await second.send(3)
        second.close()
        with pytest.raises(Declined):
            await buffer.send(4)
    assert contents(buffer) == [1, 2, 3]


async def test_a_closed_one_cannot_send() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    with buffer.producer() as producer:
        pass
    with pytest.raises(trio.ClosedResourceError, match="producer of b was closed and cannot send any more"):
        await producer.send(1)
    with pytest.raises(trio.ClosedResourceError):
        producer.send_nowait(1)


async def test_it_waits_as_the_target_does() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    with buffer.producer() as producer:
        producer.send_nowait(1)
        with pytest.raises(trio.WouldBlock):
            producer.send_nowait(2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(producer.send, 2)
            await wait_all_tasks_blocked()
            assert buffer.receive_nowait() == 1


def test_one_that_is_forgotten_warns_and_counts_as_closed() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    producer = buffer.producer()
    with pytest.warns(
        ResourceWarning, match="<Producer 'producer of b' open> was never closed; use it in a with block"
    ):
        producer.__del__()
    del producer
    gc.collect()  # says it once only
    with pytest.raises(Declined):
        buffer.send_nowait(1)


def test_one_whose_making_failed_says_nothing_more() -> None:
    class Failing(Producer[int]):
        def __init__(self) -> None:
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # our own, two lines above
        Failing()
    gc.collect()


async def test_an_open_one_keeps_the_network_open_until_somebody_closes_it() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    start = trio.current_time()

    async def produce(producer: "Producer[int]") -> None:
        with producer:
            for n in range(3):
                await trio.sleep(1)
                await producer.send(n)

    async with trio.open_nursery() as nursery:
        async with Network(buffer):
            nursery.start_soon(produce, buffer.producer())
        assert trio.current_time() - start == 3
    assert contents(buffer) == [0, 1, 2]


@pytest.mark.parametrize("where", ["body", "child of the body", "outside"])
async def test_one_whose_user_waits_in_vain_does_not_hide_a_standstill(where: str) -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    buffer.link_target(UnboundedBuffer(), filter=never)

    async def send() -> None:
        with buffer.producer() as producer:
            await producer.send(1)
            try:
                await producer.send(2)
            except trio.BrokenResourceError:
                assert where == "outside"

    with faults(Stalled) as found:
        async with trio.open_nursery() as nursery, Network(buffer):
            if where == "body":
                await send()
            elif where == "outside":
                nursery.start_soon(send)
                await wait_all_tasks_blocked()
            else:
                async with trio.open_nursery() as inner:
                    inner.start_soon(send)
    assert "waits to send 2" in found[0].report or "waits to send" in found[0].report


async def test_one_that_dies_with_its_task_completes_the_target() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()

    async def produce() -> None:
        with buffer.producer() as producer:
            await producer.send(1)
            raise ValueError

    async with Network(buffer):
        with pytest.RaisesGroup(ValueError):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(produce)
        assert [item async for item in buffer] == [1]


async def test_one_that_is_handed_on_by_a_task_that_ends_stays_open() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    producer = buffer.producer()

    async def second() -> None:
        await trio.sleep(1)
        with producer:
            await producer.send(2)

    async with trio.open_nursery() as outside, Network(buffer):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(producer.send, 1)
        outside.start_soon(second)
    assert contents(buffer) == [1, 2]
