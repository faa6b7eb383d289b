"""The choice."""

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Choice, Chosen, Network, UnboundedBuffer
from tests.blocks.tools import contents, is_even, linked


def two() -> tuple[UnboundedBuffer[Any], UnboundedBuffer[Any]]:
    return UnboundedBuffer(name="a"), UnboundedBuffer(name="b")


def test_the_first_in_argument_order_wins_and_the_others_keep_theirs() -> None:
    first, second = two()
    choice = Choice(first, second)
    second.send_nowait(2)
    first.send_nowait(None)
    assert choice.receive_nowait() == Chosen(0, None)
    assert len(second) == 1
    assert choice.receive_nowait() == Chosen(1, 2)
    with pytest.raises(trio.WouldBlock):
        choice.receive_nowait()


async def test_a_receiver_waits_for_whichever_comes_first() -> None:
    first, second = two()
    choice = Choice(first, second)
    got: list[Any] = []

    async def receive() -> None:
        got.append(await choice.receive())

    async with Network(choice), trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        await second.send("b")
    assert got == [Chosen(1, "b")]


async def test_a_cancelled_choice_has_taken_nothing() -> None:
    first, second = two()
    choice = Choice(first, second)
    with trio.move_on_after(1):
        await choice.receive()
    first.send_nowait(1)
    assert len(first) == 1


async def test_it_ends_when_all_sources_are_finished() -> None:
    first, second = two()
    choice = Choice(first, second)
    collector = linked(choice)
    async with Network(choice):
        await first.send(1)
        first.complete()
        await wait_all_tasks_blocked()
        assert not choice.is_finished
        await second.send(2)
    assert contents(collector) == [Chosen(0, 1), Chosen(1, 2)]
    assert choice.is_finished


async def test_sources_can_be_linked_later_and_are_numbered_in_turn() -> None:
    first, second = two()
    choice: Choice[Any] = Choice(first)
    async with Network(choice):
        second.link_target(choice, filter=is_even)
        await second.send(3)
        await second.send(2)
        await first.send(1)
        assert await choice.receive() == Chosen(0, 1)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock):
            choice.receive_nowait()
        assert await second.receive() == 3
        assert await choice.receive() == Chosen(1, 2)


def test_one_source_twice_is_an_error() -> None:
    first, _ = two()
    with pytest.raises(ValueError, match="unbounded buffer 'a' is already linked to choice 'c'"):
        Choice(first, first, name="c")


def test_what_is_no_source_is_an_error() -> None:
    with pytest.raises(TypeError, match="choice 'c': every input must be a source, got 'a'"):
        Choice("a", name="c")  # type: ignore[arg-type]  # that is the point


async def test_an_unlinked_input_ends_with_the_body() -> None:
    first, second = two()
    choice = Choice(first, second)
    collector = linked(choice)
    async with Network(choice):
        await first.send(1)
        second.unlink_targets()
    assert contents(collector) == [Chosen(0, 1)]


async def test_a_reserved_choice_is_taken_from_its_source() -> None:
    first, second = two()
    choice = Choice(first, second)
    first.send_nowait(1)
    second.send_nowait(2)
    assert choice.reserve("me")
    assert (len(first), len(second)) == (0, 1)
    assert choice.consume("me") == Chosen(0, 1)
    assert choice.receive_nowait() == Chosen(1, 2)


async def test_messages_that_wait_are_offered_again_and_taken_in_the_order_of_the_arguments() -> None:
    first, second = UnboundedBuffer[int](), UnboundedBuffer[int]()
    choice = Choice(first, second)
    async with Network(first, second):
        for number in range(3):
            await second.send(number)
            await wait_all_tasks_blocked()
        await first.send(9)
        assert [await choice.receive() for _ in range(4)] == [Chosen(0, 9), *(Chosen(1, n) for n in range(3))]
        first.complete()
        await wait_all_tasks_blocked()
        await second.send(3)
        assert choice.receive_nowait() == Chosen(1, 3)
