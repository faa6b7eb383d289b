"""The batch, by number and by time."""

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Batch, BoundedBuffer, Network, UnboundedBuffer
from tests.blocks.tools import contents, is_even, linked, run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_items": 0}, "batch 'b': max_items must be an int >= 1, got 0"),
        ({"max_items": True}, "batch 'b': max_items must be an int >= 1, got True"),
        ({"max_items": 2.0}, "batch 'b': max_items must be an int >= 1, got 2.0"),
        ({"max_items": 2, "max_seconds": 0}, "batch 'b': max_seconds must be a number > 0, got 0"),
        ({"max_items": 2, "capacity": 0}, "batch 'b': capacity must be an int >= 1"),
    ],
)
def test_wrong_numbers_are_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Batch(name="b", **arguments)


async def test_it_makes_lists_and_a_short_last_one() -> None:
    batch: Batch[Any] = Batch(3, name="b")
    collector = linked(batch)
    network = await run(batch, [1, None, 3, 4, 5, 6, 7])
    assert contents(collector) == [[1, None, 3], [4, 5, 6], [7]]
    balance = network.balance()["b"]
    assert (balance.accepted, balance.merged, balance.produced, balance.delivered) == (7, 7, 3, 3)
    assert repr(batch) == "<Batch 'b' finished, 0 held>"


async def test_nothing_makes_no_list() -> None:
    batch: Batch[int] = Batch(3)
    collector = linked(batch)
    await run(batch)
    assert contents(collector) == []


async def test_a_list_goes_out_when_its_first_message_has_waited_so_long() -> None:
    batch: Batch[int] = Batch(3, max_seconds=5)
    start = trio.current_time()
    async with Network(batch):
        await trio.sleep(100)
        await batch.send(1)
        await trio.sleep(4)
        await batch.send(2)
        assert await batch.receive() == [1, 2]
        assert trio.current_time() - start == 105


async def test_the_time_of_each_list_counts_from_its_own_first_message() -> None:
    batch: Batch[int] = Batch(2, max_seconds=5)
    start = trio.current_time()
    async with Network(batch):
        await batch.send(1)
        await batch.send(2)
        assert await batch.receive() == [1, 2]
        await trio.sleep(4)
        await batch.send(3)  # the alarm of the first list rings in a second, and means nothing for this one
        assert await batch.receive() == [3]
        assert trio.current_time() - start == 9


async def test_when_a_list_was_not_taken_the_next_is_due_at_once() -> None:
    batch: Batch[int] = Batch(10, max_seconds=5)
    async with Network(batch):
        await batch.send(1)
        await trio.sleep(6)
        await batch.send(2)
        await trio.sleep(6)
        start = trio.current_time()
        assert await batch.receive() == [1]
        assert await batch.receive() == [2]
        assert trio.current_time() == start


async def test_while_a_list_is_not_taken_senders_wait() -> None:
    batch: Batch[int] = Batch(2, capacity=3)
    full: BoundedBuffer[list[int]] = BoundedBuffer(1)
    batch.link_target(full)
    sent: list[int] = []

    async def send() -> None:
        for n in range(10):
            await batch.send(n)
            sent.append(n)
        batch.complete()

    async with Network(batch), trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert len(sent) == 7  # 2 there, 2 ready, 3 waiting
        assert [item async for item in full] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


async def test_its_capacity_is_never_less_than_a_list() -> None:
    batch: Batch[int] = Batch(5, capacity=1)
    collector = linked(batch)
    async with Network(batch):
        for n in range(5):
            await batch.send(n)
        await wait_all_tasks_blocked()
        assert contents(collector) == [[0, 1, 2, 3, 4]]


async def test_outside_a_network_it_makes_full_lists_at_once() -> None:
    batch: Batch[int] = Batch(2, max_seconds=5)
    for n in range(3):
        batch.send_nowait(n)
    assert batch.receive_nowait() == [0, 1]
    with pytest.raises(trio.WouldBlock):
        batch.receive_nowait()
    batch.complete()
    assert batch.receive_nowait() == [2]
    assert batch.is_finished


async def test_its_filter_decides_what_it_takes() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    batch: Batch[int] = Batch(2, filter=is_even)
    source.link_target(batch)
    rest = linked(source)
    collector = linked(batch)
    await run(source, range(5))
    assert (contents(collector), contents(rest)) == ([[0, 2], [4]], [1, 3])


async def test_what_it_holds_is_discarded_when_the_network_stops() -> None:
    batch: Batch[int] = Batch(2, name="b", max_seconds=5)
    async with Network(batch) as network:
        for n in range(5):
            await batch.send(n)
        await wait_all_tasks_blocked()
        network.cancel()
    balance = network.balance()["b"]
    assert (balance.merged, balance.discarded) == (2, 4)


async def test_a_network_does_not_wait_for_an_alarm_that_means_nothing() -> None:
    batch: Batch[int] = Batch(2, max_seconds=1_000)
    collector = linked(batch)
    start = trio.current_time()
    await run(batch, range(3))
    assert contents(collector) == [[0, 1], [2]]
    assert trio.current_time() == start


async def test_an_alarm_that_nobody_needs_any_more_keeps_no_network_from_ending() -> None:
    batch: Batch[int] = Batch(2, max_seconds=3_600)
    start = trio.current_time()
    async with Network(batch):
        await batch.send(1)
        await trio.sleep(1)
        await batch.send(2)
        assert await batch.receive() == [1, 2]
    assert trio.current_time() - start < 3_600
