"""A block that lets in a waiting sender waits for what the sender sends next, if there is room for more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import trio
import trio.testing

from penstock.blocks import Call, Network, Transformer
from penstock.blocks.base.timing import time_slice
from penstock.blocks.core.inbox import Inbox
from penstock.blocks.core.scheduler import detached

COUNT = 10_000


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes, so that no time slice ends, however long the machine stands still."""
    monkeypatch.setattr(time_slice, "clock", lambda: 0.0)


def watch_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which each step of a block adds how many items it takes."""
    sizes: list[int] = []
    take = Inbox[Any].take

    def spy(self: Inbox[Any], count: int) -> Sequence[Any]:
        items = take(self, count)
        sizes.append(len(items))
        return items

    monkeypatch.setattr(Inbox, "take", spy)
    return sizes


async def sizes_of_batches(monkeypatch: pytest.MonkeyPatch, capacity: int) -> list[int]:
    """Send many numbers through two blocks; return how many each step has taken."""
    sizes = watch_sizes(monkeypatch)
    got: list[int] = []
    first = Transformer[int, int](int, capacity=capacity)
    first.link_target(Call(got.append))
    async with Network(first):
        for number in range(COUNT):
            await first.send(number)
    assert got == list(range(COUNT))
    return sizes


async def test_its_first_message_does_not_travel_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = await sizes_of_batches(monkeypatch, 1024)
    assert sizes.count(1) < 10


async def test_where_there_is_little_room_the_block_goes_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = await sizes_of_batches(monkeypatch, 16)
    assert max(sizes) <= 16


async def test_a_sender_that_sends_no_more_does_not_hold_up_its_message() -> None:
    got: list[int] = []
    block = Call[int](got.append, capacity=100)
    async with Network(block), trio.open_nursery() as nursery:
        for number in range(100):
            block.send_nowait(number)
        nursery.start_soon(block.send, 100)
    assert got == list(range(101))


async def test_the_step_comes_after_the_sender_has_sent_more(monkeypatch: pytest.MonkeyPatch, quick: None) -> None:
    sizes = watch_sizes(monkeypatch)
    block = Call[int](int, capacity=100)
    block._core.runner.size.items = 1024  # type: ignore[attr-defined]  # as after many quick items
    async with Network(block):
        for number in range(100):
            block.send_nowait(number)
        for number in range(100, 150):
            await block.send(number)
    assert sizes == [100, 50]


def test_outside_a_network_later_is_now() -> None:
    steps: list[str] = []

    class Block:
        name = "block"
        queued = True

        def step(self) -> None:
            steps.append("step")

    detached.add_later(Block())
    assert steps == ["step"]


async def test_a_network_that_stops_meanwhile_counts_it() -> None:
    block = Call[int](int, capacity=100, name="call")
    async with Network(block) as network:
        for number in range(100):
            block.send_nowait(number)
        await block.send(100)
        network.cancel()
    balance = network.balance()["call"]
    assert balance.accepted == 101
    assert balance.consumed + balance.discarded == 101


async def test_a_block_that_is_put_off_in_a_step_takes_its_step_later() -> None:
    got: list[int] = []
    later = Call[int](got.append, name="later")

    def put_off(_: int) -> None:
        later._core.awaits_sender()
        assert later._core.queued

    first = Call[int](put_off, name="first")
    async with Network(first, later):
        await first.send(1)
        await trio.testing.wait_all_tasks_blocked()
        assert not later._core.queued
        await later.send(2)
    assert got == [2]
