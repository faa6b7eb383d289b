"""The limit of a governor, changed while something waits for it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import BoundedBuffer, Call, Network, Transformer, UnboundedBuffer
from tests.blocks.tools import contents, linked


async def wait_long(item: Any) -> Any:
    await trio.sleep(10)
    return item


def governed(limit: float, **options: Any) -> tuple[PipelineGovernor, Transformer[Any, Any], UnboundedBuffer[Any]]:
    block = Transformer(wait_long, concurrency=8, name="first")
    results = linked(block)
    governor = PipelineGovernor(limit, name="g", **options)
    governor.govern(block, block)
    return governor, block, results


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None, float("nan")])
async def test_a_wrong_limit_changes_nothing(limit: Any) -> None:
    governor = PipelineGovernor(3, name="g")
    with pytest.raises(ValueError, match=r"governor 'g': limit must be an int >= 1, got "):
        governor.limit = limit
    assert governor.limit == 3


async def test_with_a_weight_the_limit_may_be_any_number_above_0() -> None:
    governor = PipelineGovernor(3, weight=len, name="g")
    governor.limit = 0.5
    with pytest.raises(ValueError, match=r"governor 'g': limit must be a number > 0, got 0"):
        governor.limit = 0
    assert governor.limit == 0.5


async def test_a_higher_limit_lets_waiting_senders_in_at_once() -> None:
    governor, block, results = governed(1)
    async with Network(block), trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(block.send, number)
        await wait_all_tasks_blocked()
        assert governor.in_flight == 1
        governor.limit = 3
        await wait_all_tasks_blocked()
        assert governor.in_flight == 3
        assert trio.current_time() == 0
    assert sorted(contents(results)) == [0, 1, 2, 3]
    assert governor.statistics().limit == 3
    assert governor.statistics().most_in_flight == 3


async def test_a_higher_limit_lets_a_waiting_link_in() -> None:
    governor, block, results = governed(1)
    buffer = BoundedBuffer[int](8)
    buffer.link_target(block)
    async with Network(buffer):
        for number in range(5):
            await buffer.send(number)
        await wait_all_tasks_blocked()
        assert (governor.in_flight, len(buffer)) == (1, 4)
        governor.limit = 4
        await wait_all_tasks_blocked()
        assert (governor.in_flight, len(buffer)) == (4, 1)
    assert contents(results) == [0, 1, 2, 3, 4]


async def test_a_higher_weight_lets_heavier_items_in() -> None:
    governor, block, _ = governed(4, weight=len)
    async with Network(block):
        await block.send("xxx")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(block.send, "xxxx")
            await wait_all_tasks_blocked()
            assert governor.in_flight == 3
            governor.limit = 7
            await wait_all_tasks_blocked()
            assert governor.in_flight == 7


async def test_a_lower_limit_lets_nothing_in_until_less_is_in_flight() -> None:
    governor, block, _ = governed(3)
    came: list[tuple[float, int]] = []

    async def feed() -> None:
        for number in range(6):
            await block.send(number)
            came.append((trio.current_time(), number))

    async with Network(block), trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        await trio.sleep(5)
        assert governor.in_flight == 3
        governor.limit = 1
        await trio.sleep(1)
        assert governor.in_flight == 3  # nothing is stopped
    assert came == [(0, 0), (0, 1), (0, 2), (10, 3), (20, 4), (30, 5)]


async def test_a_higher_limit_wakes_tasks_that_wait_for_slots_in_turn() -> None:
    governor = PipelineGovernor(1, name="g")
    await governor.wait_for_available_slot()
    got: list[int] = []

    async def take(number: int, slots: int) -> None:
        await governor.wait_for_available_slot(slots)
        got.append(number)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take, 1, 2)
        await wait_all_tasks_blocked()
        nursery.start_soon(take, 2, 1)
        await wait_all_tasks_blocked()
        governor.limit = 2
        await wait_all_tasks_blocked()
        assert got == []  # the first needs two more
        governor.limit = 3
        await wait_all_tasks_blocked()
        assert got == [1]
        governor.limit = 4
        await wait_all_tasks_blocked()
        assert got == [1, 2]


async def test_a_change_wakes_no_sender_that_was_cancelled() -> None:
    governor, block, results = governed(1)
    async with Network(block) as network:
        await block.send(1)
        with trio.move_on_after(1):
            await block.send(2)
        governor.limit = 2
        await block.send(3)
    assert contents(results) == [1, 3]
    assert network.balance().discarded == 0


async def test_it_can_be_changed_after_the_network_was_cancelled() -> None:
    governor, block, _ = governed(1)
    async with Network(block) as network:
        await block.send(1)
        network.cancel()
    governor.limit = 2
    assert governor.in_flight == 0
    assert network.balance().discarded == 1


async def test_it_is_refused_in_another_thread_than_that_of_the_network() -> None:
    seen = Call(print)
    governor = PipelineGovernor(1, name="g")
    governor.govern(seen, seen)

    async with Network(seen):
        with ThreadPoolExecutor(1) as pool:
            change = pool.submit(setattr, governor, "limit", 2)
        with pytest.raises(RuntimeError, match="change the limit of governor 'g': called in thread"):
            change.result()
    assert governor.limit == 1


async def test_it_is_refused_in_another_thread_than_that_of_a_waiting_task() -> None:
    governor = PipelineGovernor(1, name="g")
    await governor.wait_for_available_slot()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(governor.wait_for_available_slot)
        await wait_all_tasks_blocked()
        with ThreadPoolExecutor(1) as pool:
            change = pool.submit(setattr, governor, "limit", 2)
        with pytest.raises(RuntimeError, match="change the limit of governor 'g': called in thread"):
            change.result()
        governor.limit = 2
