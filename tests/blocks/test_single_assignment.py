"""The single assignment: the first message, for ever."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Declined, Network, SingleAssignment
from tests.blocks.tools import contents, is_even, linked


def test_the_first_value_wins_and_later_ones_are_declined() -> None:
    once: SingleAssignment[None] = SingleAssignment(name="once")
    once.send_nowait(None)
    with pytest.raises(Declined, match="single assignment 'once' is complete and takes no more; it was sent None"):
        once.send_nowait(None)
    assert once.value is None
    assert once.is_finished


async def test_whoever_waits_gets_the_value() -> None:
    once: SingleAssignment[int] = SingleAssignment()
    got: list[int] = []

    async def receive() -> None:
        got.append(await once.receive())

    async def watch() -> None:
        got.append(await once.wait_changed())

    async with Network(once), trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        await once.send(1)
    assert got == [1, 1]
    assert [value async for value in once] == [1]


async def test_it_ends_without_a_value_after_its_last_producer() -> None:
    once: SingleAssignment[int] = SingleAssignment()
    async with Network(once):
        pass
    with pytest.raises(trio.EndOfChannel):
        await once.receive()


async def test_every_target_gets_the_value_also_one_that_is_linked_to_the_finished_block() -> None:
    once: SingleAssignment[int] = SingleAssignment()
    before = linked(once)
    once.send_nowait(1)
    after = linked(once)
    assert (contents(before), contents(after)) == ([1], [1])
    assert before.is_finished
    assert after.is_finished


def test_what_its_filter_declines_does_not_count() -> None:
    once: SingleAssignment[int] = SingleAssignment(filter=is_even)
    with pytest.raises(Declined, match="the filter of single assignment"):
        once.send_nowait(1)
    once.send_nowait(2)
    assert once.value == 2


async def test_one_that_was_set_before_its_network_can_be_read_in_it() -> None:
    once: SingleAssignment[int] = SingleAssignment()
    once.send_nowait(1)
    collector = linked(once)
    async with Network(once):
        assert await once.receive() == 1
        assert await collector.receive() == 1
