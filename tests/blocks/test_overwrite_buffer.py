"""The overwrite buffer: the latest value, and every value for the links."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import BoundedBuffer, Declined, MessageStatus, Network, OverwriteBuffer, UnboundedBuffer
from tests.blocks.tools import contents, is_even, linked, run


def test_before_the_first_value_there_is_none() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(name="status")
    assert not buffer.has_value
    with pytest.raises(trio.WouldBlock, match=r"overwrite buffer 'status' has no value yet; wait for one with receive"):
        _ = buffer.value


def test_a_new_value_takes_the_place_of_the_last() -> None:
    buffer: OverwriteBuffer[int | None] = OverwriteBuffer()
    buffer.send_nowait(1)
    buffer.send_nowait(None)
    assert buffer.has_value
    assert buffer.value is None
    assert [buffer.receive_nowait(), buffer.receive_nowait()] == [None, None]


async def test_receive_waits_for_the_first_value() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    got: list[int] = []

    async def receive() -> None:
        got.append(await buffer.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        buffer.send_nowait(1)
    assert got == [1, 1]


async def test_receive_with_a_filter_waits_for_a_value_that_it_accepts() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    buffer.send_nowait(1)
    got: list[int] = []

    async def receive() -> None:
        got.append(await buffer.receive(is_even))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        buffer.send_nowait(3)
        await wait_all_tasks_blocked()
        assert not got
        buffer.send_nowait(4)
    assert got == [4]


async def test_a_filter_of_a_receiver_that_raises_raises_there_and_not_at_the_sender() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()

    def broken(item: int) -> bool:
        raise ZeroDivisionError

    async def receive() -> None:
        with pytest.raises(ZeroDivisionError):
            await buffer.receive(broken)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        buffer.send_nowait(1)
    assert buffer.value == 1


async def test_wait_changed_waits_for_the_next_value_also_if_it_is_the_same() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    buffer.send_nowait(1)
    got: list[int] = []

    async def watch() -> None:
        got.append(await buffer.wait_changed())

    async with Network(buffer), trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        assert not got
        buffer.send_nowait(1)
        buffer.send_nowait(2)
    assert got == [1]


async def test_wait_changed_can_be_cancelled() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    with trio.move_on_after(1) as scope:
        await buffer.wait_changed()
    assert scope.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        await buffer.wait_changed()
    assert scope.cancelled_caught


async def test_wait_changed_ends_when_the_buffer_is_complete() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(name="status")

    async def watch() -> None:
        with pytest.raises(trio.EndOfChannel, match="overwrite buffer 'status' is finished"):
            await buffer.wait_changed()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        buffer.complete()
    with pytest.raises(trio.EndOfChannel, match="overwrite buffer 'status' is finished and will not change"):
        await buffer.wait_changed()


async def test_wait_changed_ends_when_the_network_stops() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(name="status")

    async def watch() -> None:
        with pytest.raises(trio.BrokenResourceError, match="'status' will not change: its network was stopped"):
            await buffer.wait_changed()

    async with trio.open_nursery() as nursery, Network(buffer) as network:
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        buffer_value_before_the_stop = 7
        network.cancel()
    with pytest.raises(trio.BrokenResourceError, match="'status' will not change: its network was stopped"):
        await buffer.wait_changed()
    assert buffer_value_before_the_stop


async def test_the_value_can_be_read_after_the_network_was_stopped() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    async with Network(buffer) as network:
        buffer.send_nowait(7)
        network.cancel()
    assert [buffer.value, buffer.receive_nowait(), await buffer.receive()] == [7, 7, 7]


async def test_async_for_gives_each_change_once_and_ends() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    got: list[int] = []

    async def watch() -> None:
        async for value in buffer:
            got.append(value)  # noqa: PERF401  # shows what came before an error

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        for n in (1, 1, 2):
            buffer.send_nowait(n)
            await wait_all_tasks_blocked()
        buffer.send_nowait(3)
        buffer.send_nowait(4)
        await wait_all_tasks_blocked()
        buffer.complete()
    assert got == [1, 1, 2, 4]


async def test_a_loop_over_it_can_be_left() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    buffer.send_nowait(1)
    async for value in buffer:
        assert value == 1
        break


async def test_links_get_every_value_and_a_slow_one_misses_nothing() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(name="status")
    quick = linked(buffer)
    slow: BoundedBuffer[int] = BoundedBuffer(1)
    buffer.link_target(slow)
    async with Network(buffer) as network:
        for n in range(4):
            await buffer.send(n)
        await wait_all_tasks_blocked()
        assert len(quick) == 4
        assert [await slow.receive() for _ in range(4)] == [0, 1, 2, 3]
    balance = network.balance()["status"]
    assert (balance.dropped, balance.produced, balance.delivered, balance.held) == ({"overwritten": 3}, 8, 8, 1)


async def test_a_new_link_gets_the_present_value_at_once() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    async with Network(buffer):
        buffer.send_nowait(1)
        buffer.send_nowait(2)
        late = linked(buffer)
        picky: UnboundedBuffer[int] = UnboundedBuffer()
        buffer.link_target(picky, filter=lambda n: n > 2)
        await wait_all_tasks_blocked()
        assert (contents(late), contents(picky)) == ([2], [])


async def test_what_an_unlinked_target_had_not_taken_is_dropped_and_counted() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(name="status")
    link = buffer.link_target(full := BoundedBuffer[int](1))
    async with Network(buffer) as network:
        for n in range(4):
            await buffer.send(n)
        await wait_all_tasks_blocked()
        link.unlink()
    assert contents(full) == [0]
    assert network.balance()["status"].dropped == {"overwritten": 3, "unlinked": 3}


async def test_what_a_target_does_not_want_any_more_is_dropped_and_counted() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(name="status")
    buffer.link_target(full := BoundedBuffer[int](1))
    async with Network(buffer) as network:
        for n in range(4):
            await buffer.send(n)
        await wait_all_tasks_blocked()
        full.filter = is_even
        assert await full.receive() == 0
        await wait_all_tasks_blocked()
    assert contents(full) == [2]
    assert network.balance()["status"].dropped == {"overwritten": 3, "declined": 2}


async def test_it_is_finished_only_when_every_target_has_every_value() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    buffer.link_target(full := BoundedBuffer[int](1))
    async with Network(buffer):
        for n in range(3):
            await buffer.send(n)
        buffer.complete()
        await wait_all_tasks_blocked()
        assert not buffer.is_finished
        assert [item async for item in full] == [0, 1, 2]
        assert buffer.is_finished


async def test_its_filter_decides_what_it_takes() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(filter=is_even)
    buffer.send_nowait(2)
    with pytest.raises(Declined):
        buffer.send_nowait(3)
    assert buffer.value == 2


async def test_a_reserved_value_is_shown_by_consume_and_stays() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    buffer.send_nowait(1)
    assert buffer.reserve("me")
    with pytest.raises(RuntimeError, match="cannot consume for 'you'"):
        buffer.consume("you")
    assert buffer.consume("me") == 1
    assert buffer.value == 1


async def test_copies_that_wait_are_discarded_when_the_network_stops_and_the_value_stays() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer(name="status")
    buffer.link_target(BoundedBuffer[int](1))
    async with Network(buffer) as network:
        for n in range(3):
            await buffer.send(n)
        await wait_all_tasks_blocked()
        network.cancel()
    assert buffer.value == 2
    balance = network.balance()["status"]
    assert (balance.discarded, balance.held) == (2, 1)


async def test_it_feeds_a_network() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    collector = linked(buffer)
    await run(buffer, [1, 2, 3])
    assert contents(collector) == [1, 2, 3]


def test_outside_a_network_a_full_target_completes_when_it_has_taken_the_last() -> None:
    buffer: OverwriteBuffer[int] = OverwriteBuffer()
    buffer.link_target(full := BoundedBuffer[int](1))
    for n in range(3):
        buffer.send_nowait(n)
    buffer.complete()
    assert full.receive_nowait() == 0
    assert full.offer(9) is MessageStatus.POSTPONED
    assert [full.receive_nowait() for _ in range(2)] == [1, 2]
    assert full.offer(9) is MessageStatus.DECLINED
