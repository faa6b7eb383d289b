"""The broadcast: every message for every target."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import BoundedBuffer, Broadcast, Network, Stalled, UnboundedBuffer
from tests.blocks.tools import contents, faults, is_even, linked, never, run


def test_a_capacity_below_1_is_an_error() -> None:
    with pytest.raises(ValueError, match="broadcast 'b': capacity must be an int >= 1, or None for no bound, got 0"):
        Broadcast[int](capacity=0, name="b")
    with pytest.raises(ValueError, match=r"^a broadcast: capacity must be"):
        Broadcast[int](capacity=-1)


async def test_every_target_gets_the_same_object() -> None:
    broadcast: Broadcast[list[int]] = Broadcast(name="b")
    collectors = [linked(broadcast) for _ in range(3)]
    item = [1]
    network = await run(broadcast, [item])
    assert all(contents(collector)[0] is item for collector in collectors)
    balance = network.balance()["b"]
    assert (balance.accepted, balance.produced, balance.delivered) == (1, 2, 3)


async def test_a_slow_target_makes_all_wait_and_nothing_is_lost() -> None:
    broadcast: Broadcast[int] = Broadcast(capacity=2)
    quick = linked(broadcast)
    slow: BoundedBuffer[int] = BoundedBuffer(1)
    broadcast.link_target(slow)

    async def send() -> None:
        for n in range(10):
            await broadcast.send(n)
        broadcast.complete()

    async with Network(broadcast), trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert len(quick) == 2  # one that the slow one has, and one that it has not taken yet
        assert [item async for item in slow] == list(range(10))
    assert contents(quick) == list(range(10))


async def test_targets_whose_filter_declines_are_passed_over() -> None:
    broadcast: Broadcast[int] = Broadcast()
    evens: UnboundedBuffer[int] = UnboundedBuffer(filter=is_even)
    broadcast.link_target(evens)
    rest = linked(broadcast)
    await run(broadcast, range(4))
    assert (contents(evens), contents(rest)) == ([0, 2], [0, 1, 2, 3])


async def test_a_complete_target_is_passed_over() -> None:
    broadcast: Broadcast[int] = Broadcast()
    first = linked(broadcast)
    rest = linked(broadcast)
    async with Network(broadcast):
        await broadcast.send(1)
        await wait_all_tasks_blocked()
        first.complete()
        await broadcast.send(2)
    assert (contents(first), contents(rest)) == ([1], [1, 2])


async def test_what_a_target_had_not_taken_when_it_was_completed_is_dropped_and_counted() -> None:
    broadcast: Broadcast[int] = Broadcast(name="b")
    broadcast.link_target(full := BoundedBuffer[int](1))
    rest = linked(broadcast)
    async with Network(broadcast) as network:
        for n in range(3):
            await broadcast.send(n)
        await wait_all_tasks_blocked()
        full.complete()
    assert (contents(full), contents(rest)) == ([0], [0, 1, 2])
    assert network.balance()["b"].dropped == {"declined": 1}


async def test_max_messages_takes_a_target_away() -> None:
    broadcast: Broadcast[int] = Broadcast(name="b")
    one: UnboundedBuffer[int] = UnboundedBuffer()
    link = broadcast.link_target(one, max_messages=2)
    rest = linked(broadcast)
    network = await run(broadcast, range(4))
    assert (contents(one), contents(rest)) == ([0, 1], [0, 1, 2, 3])
    assert (link.passed, link.is_linked) == (2, False)
    assert network.balance()["b"].dropped == {}


async def test_a_message_that_nobody_wants_stays_and_is_reported() -> None:
    broadcast: Broadcast[int] = Broadcast(name="b")
    broadcast.link_target(UnboundedBuffer(name="target"), filter=never)
    with faults(Stalled) as found:
        await run(broadcast, [1])
    assert "<Broadcast 'b' open, 1 held>: a filter on the way to unbounded buffer 'target' declines" in found[0].report


async def test_it_is_offered_again_when_a_link_comes() -> None:
    broadcast: Broadcast[int] = Broadcast()
    broadcast.link_target(UnboundedBuffer(), filter=never)
    async with Network(broadcast):
        await broadcast.send(1)
        await wait_all_tasks_blocked()
        collector = linked(broadcast)
    assert contents(collector) == [1]


async def test_copies_that_wait_are_reported() -> None:
    broadcast: Broadcast[int] = Broadcast(name="b")
    broadcast.link_target(full := BoundedBuffer[int](1, name="full"))
    full.link_target(UnboundedBuffer(), filter=never)
    with faults(Stalled) as found:
        await run(broadcast, range(3))
    assert "<Broadcast 'b' open, 2 held>: it is offered to bounded buffer 'full', but" in found[0].report


async def test_without_targets_it_is_a_buffer_to_receive_from() -> None:
    broadcast: Broadcast[int] = Broadcast()
    async with Network(broadcast):
        await broadcast.send(1)
        assert await broadcast.receive() == 1
        await broadcast.send(2)
        broadcast.complete()
        assert [item async for item in broadcast] == [2]


async def test_with_targets_nobody_can_receive_from_it() -> None:
    broadcast: Broadcast[int] = Broadcast(name="b")
    linked(broadcast)
    with pytest.raises(RuntimeError, match="broadcast 'b' gives every message to its targets; link a buffer and rece"):
        broadcast.receive_nowait()
    with pytest.raises(RuntimeError, match="link a buffer and receive from that"):
        await broadcast.receive()


async def test_a_receiver_that_waited_before_the_link_came_is_told_of_the_end() -> None:
    broadcast: Broadcast[int] = Broadcast()

    async def receive() -> None:
        with pytest.raises(trio.EndOfChannel):
            await broadcast.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        collector = linked(broadcast)
        await run(broadcast, [1])
    assert contents(collector) == [1]


async def test_while_its_head_is_reserved_nobody_gets_it() -> None:
    broadcast: Broadcast[int] = Broadcast()
    async with Network(broadcast):
        await broadcast.send(1)
        await wait_all_tasks_blocked()
        assert broadcast.reserve("me")
        collector = linked(broadcast)
        await wait_all_tasks_blocked()
        assert len(collector) == 0
        broadcast.release("me")
    assert contents(collector) == [1]


async def test_unlinking_a_slow_target_frees_the_others() -> None:
    broadcast: Broadcast[int] = Broadcast(name="b")
    link = broadcast.link_target(full := BoundedBuffer[int](1))
    rest = linked(broadcast)
    async with Network(broadcast) as network:
        for n in range(5):
            await broadcast.send(n)
        await wait_all_tasks_blocked()
        assert len(rest) == 2
        link.unlink()
    assert (contents(full), contents(rest)) == ([0], [0, 1, 2, 3, 4])
    assert network.balance()["b"].dropped == {"unlinked": 1}


async def test_what_waits_is_discarded_when_the_network_stops() -> None:
    broadcast: Broadcast[int] = Broadcast(name="b")
    broadcast.link_target(BoundedBuffer[int](1))
    async with Network(broadcast) as network:
        for n in range(5):
            await broadcast.send(n)
        await wait_all_tasks_blocked()
        network.cancel()
    assert network.balance()["b"].discarded == 4


def test_outside_a_network_it_hands_out_at_once_and_keeps_what_does_not_fit() -> None:
    broadcast: Broadcast[int] = Broadcast()
    quick = linked(broadcast)
    broadcast.link_target(full := BoundedBuffer[int](1))
    for n in range(3):
        broadcast.send_nowait(n)
    broadcast.complete()
    assert contents(quick) == [0, 1]
    assert [full.receive_nowait() for _ in range(3)] == [0, 1, 2]
    assert contents(quick) == [2]
    assert quick.is_finished
    assert full.is_finished


async def test_a_link_filter_that_raises_loses_nothing() -> None:
    calls = 0

    def fails_at_the_fourth_look(item: int) -> bool:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise ZeroDivisionError
        return True

    broadcast: Broadcast[int] = Broadcast(name="b")
    broadcast.link_target(UnboundedBuffer(), filter=fails_at_the_fourth_look)
    linked(broadcast)
    with faults(ZeroDivisionError) as found:
        async with Network(broadcast) as network:
            for n in range(5):
                await broadcast.send(n)
            await trio.sleep_forever()
    assert network.balance().ok
    assert found[0].__notes__ == ["in b"]
