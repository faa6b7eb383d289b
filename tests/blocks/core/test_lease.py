"""The lease of an outbox: a quick receiver takes messages directly, and whatever comes in between ends that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import BoundedBuffer, Call, Network, Source, UnboundedBuffer
from penstock.blocks.base.timing import time_slice
from tests.blocks.tools import contents

Stored = UnboundedBuffer[int] | BoundedBuffer[int]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each receiver comes back at once, however long the machine stands still."""
    monkeypatch.setattr(time_slice, "clock", lambda: 1000.0)


async def lend(buffer: Stored) -> None:
    """Put 20 messages into a buffer and take three, so that there is a lease."""
    for number in range(20):
        buffer.send_nowait(number)
    for _ in range(3):
        await buffer.receive()
    assert lease_of(buffer) > 0


async def leased() -> UnboundedBuffer[int]:
    """Make a buffer with the numbers from 3 to 19 and a lease."""
    buffer = UnboundedBuffer[int]()
    await lend(buffer)
    return buffer


def lease_of(source: Source[int]) -> int:
    lease: int = source._core.outbox.credit
    return lease


async def test_a_quick_receiver_gets_a_lease_and_every_message_once_in_order() -> None:
    buffer = UnboundedBuffer[int]()
    for number in range(1000):
        buffer.send_nowait(number)
    taken: list[int] = []
    largest = 0
    for _ in range(1000):
        taken.append(await buffer.receive())
        largest = max(largest, lease_of(buffer))
    assert taken == list(range(1000))
    assert largest == 64
    assert lease_of(buffer) == 0  # the last message never goes on lease


async def test_receive_nowait_and_a_loop_use_it_too() -> None:
    buffer = await leased()
    assert [buffer.receive_nowait() for _ in range(7)] == list(range(3, 10))
    buffer.complete()
    assert [number async for number in buffer] == list(range(10, 20))


async def test_a_lease_and_credit_are_never_there_together() -> None:
    buffer = await leased()
    await buffer.send(20)
    assert lease_of(buffer) == 0
    assert buffer._core.inbox.credit > 0
    for _ in range(3):
        await buffer.receive()
    assert buffer._core.inbox.credit == 0
    assert lease_of(buffer) > 0


async def test_receives_that_alternate_with_sends_get_none() -> None:
    buffer = await leased()
    for number in range(10):
        await buffer.send(number)
        await buffer.receive()
        assert lease_of(buffer) == 0


async def look_with_filter(buffer: UnboundedBuffer[int]) -> None:
    with pytest.raises(trio.WouldBlock):
        buffer.receive_nowait(lambda number: number < 0)


async def reserve(buffer: UnboundedBuffer[int]) -> None:
    assert buffer.reserve("me")
    buffer.release("me")


async def end_early(buffer: UnboundedBuffer[int]) -> None:
    buffer._core.end_early()


async def govern(buffer: UnboundedBuffer[int]) -> None:
    first = UnboundedBuffer[int]()
    first.link_target(buffer)
    PipelineGovernor(50).govern(first, buffer)


async def link(buffer: UnboundedBuffer[int]) -> None:
    buffer.link_target(Call(abs), lambda _: False)


async def join_a_network(buffer: UnboundedBuffer[int]) -> None:
    async with Network(buffer):
        assert lease_of(buffer) == 0


async def complete(buffer: UnboundedBuffer[int]) -> None:
    buffer.complete()


@pytest.mark.parametrize("disturb", [look_with_filter, reserve, end_early, govern, link, join_a_network, complete])
async def test_what_comes_in_between_ends_it_and_loses_nothing(
    disturb: Callable[[UnboundedBuffer[int]], trio.abc.AsyncResource],
) -> None:
    buffer = await leased()
    held = buffer._core.held()
    await disturb(buffer)  # type: ignore[misc]
    assert lease_of(buffer) == 0
    accounts = buffer._core.accounts()
    assert accounts.difference == 0
    assert accounts.received == 3
    assert accounts.held + accounts.discarded == held


async def test_a_sender_that_waits_for_room_comes_in_with_the_next_receive() -> None:
    buffer = BoundedBuffer[int](20)
    await lend(buffer)
    for number in (20, 21, 22):
        buffer.send_nowait(number)
    await buffer.receive()
    buffer.send_nowait(23)
    for _ in range(2):
        await buffer.receive()
    assert lease_of(buffer) > 0
    for number in (24, 25):
        buffer.send_nowait(number)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(buffer.send, 26)
        await wait_all_tasks_blocked()
        assert lease_of(buffer) == 0
        assert await buffer.receive() == 6
        await wait_all_tasks_blocked()
        assert contents(buffer) == list(range(7, 27))


async def test_a_link_that_waits_for_room_brings_its_message_with_the_next_receive() -> None:
    first, buffer = UnboundedBuffer[int](), BoundedBuffer[int](20)
    first.link_target(buffer)
    await lend(buffer)
    for number in (20, 21, 22, 23):
        first.send_nowait(number)
    assert lease_of(buffer) == 0
    assert [buffer.receive_nowait() for _ in range(21)] == list(range(3, 24))


async def test_what_was_taken_on_lease_is_counted_for_its_receiver() -> None:
    buffer = UnboundedBuffer[int](name="buffer")
    async with Network(buffer) as network:
        for number in range(1000):
            buffer.send_nowait(number)
        for number in range(1000):
            await buffer.receive()
            statistics = network.statistics()
            assert statistics.body.received == number + 1
            assert statistics["buffer"].emitted == number + 1
            assert network.balance()["buffer"].held == 999 - number
    assert network.statistics().body.received == 1000


async def test_a_task_outside_the_network_gets_none_so_that_the_network_knows_it() -> None:
    buffer = UnboundedBuffer[int]()

    async def receive() -> None:
        for _ in range(10):
            await buffer.receive()
            assert lease_of(buffer) == 0

    async with trio.open_nursery() as nursery, Network(buffer):
        for number in range(20):
            buffer.send_nowait(number)
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
    assert contents(buffer) == list(range(10, 20))


async def test_two_agents_that_read_the_same_buffer_share_it_without_leases() -> None:
    buffer = UnboundedBuffer[int]()
    taken: list[int] = []

    class Reader(Agent):
        async def run(self) -> None:
            async for number in buffer:
                taken.append(number)
                assert lease_of(buffer) == 0

    readers = [Reader(inputs=[buffer], name=name) for name in ("one", "two")]
    async with Network(*readers) as network:
        for number in range(100):
            buffer.send_nowait(number)
        buffer.complete()
    assert sorted(taken) == list(range(100))
    assert sum(network.statistics().agent(name).received for name in ("one", "two")) == 100


async def test_a_cancelled_network_discards_what_was_left_of_a_lease() -> None:
    buffer = UnboundedBuffer[int](name="buffer")
    async with Network(buffer) as network:
        for number in range(20):
            buffer.send_nowait(number)
        for _ in range(3):
            await buffer.receive()
        assert lease_of(buffer) > 0
        network.cancel()
    balance = network.balance()["buffer"]
    assert (balance.received, balance.discarded, balance.held) == (3, 17, 0)
    with pytest.raises(trio.BrokenResourceError):
        await buffer.receive()


async def test_the_deepest_queue_is_seen_although_sends_and_receives_go_directly() -> None:
    buffer = UnboundedBuffer[int](name="buffer")
    depth = deepest = 0
    async with Network(buffer) as network:
        for sends, receives in ((40, 30), (100, 20), (7, 90), (64, 1), (3, 70)):
            for number in range(sends):
                await buffer.send(number)
            depth += sends
            deepest = max(deepest, depth)
            for _ in range(receives):
                await buffer.receive()
            depth -= receives
            assert network.statistics()["buffer"].most_queued == deepest
