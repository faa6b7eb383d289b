"""The join, greedy and not."""

import re
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    BoundedBuffer,
    Broadcast,
    Declined,
    IterableSource,
    Join,
    MessageStatus,
    Network,
    OverwriteBuffer,
    Stalled,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, faults, is_even, linked, run

both = pytest.mark.parametrize("greedy", [False, True], ids=["non-greedy", "greedy"])


def two() -> tuple[UnboundedBuffer[int], UnboundedBuffer[str]]:
    return UnboundedBuffer(name="numbers"), UnboundedBuffer(name="words")


# Arguments


WRONG_NUMBERS: list[Any] = [
    ((), {}, "join 'j': "),
    ((), {"inputs": 0}, "join 'j': "),
    ((), {"inputs": "2"}, "join 'j': "),
    ((UnboundedBuffer[int](), UnboundedBuffer[int]()), {"inputs": 1}, "join 'j': "),
    ((), {"inputs": 2, "greedy": True, "capacity": 0}, "join 'j': capacity must be an int >= 1"),
]


@pytest.mark.parametrize(("arguments", "options", "message"), WRONG_NUMBERS)
def test_wrong_numbers_of_inputs_are_errors(arguments: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Join(*arguments, name="j", **options)


def test_an_input_must_be_a_source() -> None:
    with pytest.raises(TypeError, match="join 'j': every input must be a source, got 3"):
        Join(3, name="j")  # type: ignore[call-overload]  # that is the point


@both
def test_more_sources_than_inputs_cannot_be_linked(greedy: bool) -> None:
    join: Join[tuple[int, str]] = Join(*two(), greedy=greedy, name="j")
    with pytest.raises(ValueError, match="join 'j' has 2 inputs and all are taken; make it with more, or link to join"):
        UnboundedBuffer[int]().link_target(join)


@both
def test_one_source_cannot_be_two_inputs(greedy: bool) -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="s")
    with pytest.raises(ValueError, match="unbounded buffer 's' is already linked to join 'j'"):
        Join(source, source, greedy=greedy, name="j")


async def test_a_join_itself_cannot_be_sent_to() -> None:
    join: Join[Any] = Join(inputs=2, name="j")
    with pytest.raises(TypeError, match=re.escape("join 'j' has several inputs; use one of j.inputs[i]")):
        await join.send(1)
    with pytest.raises(TypeError, match="several inputs"):
        join.send_nowait(1)
    with pytest.raises(TypeError, match="several inputs"):
        join.offer(1)
    with pytest.raises(TypeError, match="several inputs"):
        join.producer()


def test_it_and_its_inputs_show_what_they_are() -> None:
    join: Join[Any] = Join(inputs=2, name="j")
    assert repr(join) == "<Join 'j' open, 0 held>"
    assert repr(join.inputs[1]) == "<Input 1 of join 'j'>"


# Joining


@both
async def test_the_nth_tuple_is_made_of_the_nth_messages(greedy: bool) -> None:
    numbers, words = two()
    join = Join(numbers, words, greedy=greedy, name="j")
    collector = linked(join)
    async with Network(join) as network:
        for n in range(3):
            await numbers.send(n)
        for word in ("a", "b", "c"):
            await words.send(word)
    assert contents(collector) == [(0, "a"), (1, "b"), (2, "c")]
    balance = network.balance()["j"]
    assert (balance.merged, balance.produced, balance.delivered) == (6, 3, 3)


@both
async def test_sources_can_be_linked_later_in_the_order_of_the_tuple(greedy: bool) -> None:
    numbers, words = two()
    join: Join[Any] = Join(inputs=3, greedy=greedy)
    words.link_target(join)
    numbers.link_target(join.inputs[2])
    words_2: UnboundedBuffer[str] = UnboundedBuffer()
    words_2.link_target(join)
    numbers.send_nowait(1)
    words.send_nowait("a")
    words_2.send_nowait("b")
    assert join.receive_nowait() == ("a", "b", 1)


@both
async def test_inputs_can_be_sent_to_by_hand(greedy: bool) -> None:
    join: Join[tuple[int, str]] = Join(inputs=2, greedy=greedy)
    async with Network(join):
        await join.inputs[0].send(1)
        await join.inputs[1].send("a")
        assert await join.receive() == (1, "a")


async def test_an_input_of_a_non_greedy_join_keeps_one_message_that_was_sent_by_hand() -> None:
    join: Join[Any] = Join(inputs=2, name="j")
    join.inputs[0].send_nowait(1)
    with pytest.raises(trio.WouldBlock, match="join 'j' input 0 has no room now"):
        join.inputs[0].send_nowait(2)
    assert "1 held" in repr(join)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(join.inputs[0].send, 2)
        await wait_all_tasks_blocked()
        join.inputs[1].send_nowait("a")
        assert await join.receive() == (1, "a")
    assert "1 held" in repr(join)


def test_an_input_of_a_greedy_join_is_bounded() -> None:
    join: Join[Any] = Join(inputs=2, greedy=True, capacity=2)
    assert [join.inputs[0].offer(n) for n in range(3)] == [
        MessageStatus.ACCEPTED,
        MessageStatus.ACCEPTED,
        MessageStatus.POSTPONED,
    ]
    assert "2 held" in repr(join)


async def test_a_greedy_one_takes_messages_and_a_non_greedy_one_leaves_them() -> None:
    for greedy, left in ((False, 3), (True, 0)):
        numbers, words = two()
        join = Join(numbers, words, greedy=greedy)
        async with Network(join) as network:
            for n in range(3):
                await numbers.send(n)
            await wait_all_tasks_blocked()
            assert len(numbers) == left
            network.cancel()


async def test_what_a_non_greedy_one_leaves_others_may_take() -> None:
    numbers, words = two()
    join = Join(numbers, words)
    others: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(join):
        await numbers.send(1)
        await numbers.send(2)
        await wait_all_tasks_blocked()
        assert await numbers.receive() == 1
        await words.send("a")
        assert await join.receive() == (2, "a")
        numbers.link_target(others)
        await numbers.send(3)
        await wait_all_tasks_blocked()
        assert len(others) == 1


async def test_two_joins_that_share_sources_in_opposite_order_never_deadlock() -> None:
    left: UnboundedBuffer[int] = UnboundedBuffer()
    right: UnboundedBuffer[int] = UnboundedBuffer()
    first = linked(Join(left, right))
    second = linked(Join(right, left))
    async with Network(left):
        for n in range(10):
            await left.send(n)
            await wait_all_tasks_blocked()
            await right.send(n)
            await wait_all_tasks_blocked()
    pairs = contents(first) + contents(second)
    assert sorted(pairs) == [(n, n) for n in range(10)]


async def test_filters_on_the_links_decide_what_a_join_sees() -> None:
    numbers, words = two()
    join: Join[Any] = Join(inputs=2)
    numbers.link_target(join, filter=is_even)
    words.link_target(join)
    odds: UnboundedBuffer[int] = UnboundedBuffer()
    numbers.link_target(odds, filter=lambda n: n % 2 == 1)
    collector = linked(join)
    async with Network(join):
        for n in range(4):
            await numbers.send(n)
        await words.send("a")
        await words.send("b")
    assert contents(collector) == [(0, "a"), (2, "b")]
    assert contents(odds) == [1, 3]


async def test_max_messages_on_a_link_to_a_join() -> None:
    numbers, words = two()
    join: Join[Any] = Join(inputs=2)
    link = numbers.link_target(join, max_messages=1)
    words.link_target(join)
    for n in range(2):
        numbers.send_nowait(n)
        words.send_nowait("w")
    assert join.receive_nowait() == (0, "w")
    assert not link.is_linked
    with pytest.raises(trio.WouldBlock):
        join.receive_nowait()


async def test_a_tuple_goes_to_the_first_target_that_accepts_it_and_is_not_taken_before() -> None:
    numbers, words = two()
    join = Join(numbers, words)
    full: BoundedBuffer[tuple[int, str]] = BoundedBuffer(1)
    join.link_target(full)
    async with Network(join):
        for n in range(3):
            await numbers.send(n)
            await words.send("w")
        await wait_all_tasks_blocked()
        assert (len(full), len(numbers), len(words)) == (1, 2, 2)
        assert [(await full.receive())[0] for _ in range(3)] == [0, 1, 2]


async def test_joins_of_broadcasts_and_overwrite_buffers() -> None:
    numbers: Broadcast[int] = Broadcast()
    value: OverwriteBuffer[str] = OverwriteBuffer()
    join = Join(numbers, value)
    others = linked(numbers)
    collector = linked(join)
    async with Network(join):
        for n in range(3):
            await numbers.send(n)
            await value.send("ab"[n % 2])
    assert contents(collector) == [(0, "a"), (1, "b"), (2, "a")]
    assert contents(others) == [0, 1, 2]


async def test_a_filter_looks_at_the_tuple_without_taking_it() -> None:
    numbers: Broadcast[int] = Broadcast()
    words: UnboundedBuffer[str] = UnboundedBuffer()
    join = Join(numbers, words)
    async with Network(join) as network:
        await numbers.send(1)
        await words.send("a")
        await wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock):
            join.receive_nowait(lambda pair: pair[0] == 2)
        assert len(words) == 1
        assert join.receive_nowait(lambda pair: pair == (1, "a")) == (1, "a")
        network.cancel()


# Reserving


async def test_a_reserved_tuple_is_taken_from_the_sources_and_released_to_be_first() -> None:
    numbers, words = two()
    join = Join(numbers, words, name="j")
    for n in range(2):
        numbers.send_nowait(n)
        words.send_nowait("w")
    assert join.reserve("me")
    assert not join.reserve("you")
    assert len(numbers) == 1
    assert "1 held" in repr(join)
    join.release("me")
    assert join.receive_nowait() == (0, "w")
    assert join.reserve("me")
    assert join.consume("me") == (1, "w")
    assert not join.reserve("me")
    numbers.send_nowait(2)
    words.send_nowait("w")
    assert join.receive_nowait() == (2, "w")


async def test_a_released_tuple_goes_to_a_target() -> None:
    numbers, words = two()
    join = Join(numbers, words)
    collector = linked(join)
    async with Network(join):
        join.unlink_targets()
        for n in range(2):
            await numbers.send(n)
            await words.send("w")
        assert join.reserve("me")
        join.link_target(collector)
        await wait_all_tasks_blocked()
        assert len(collector) == 0
        join.release("me")
    assert contents(collector) == [(0, "w"), (1, "w")]


async def test_a_reserved_tuple_is_discarded_when_the_network_stops() -> None:
    numbers, words = two()
    join = Join(numbers, words, name="j")
    async with Network(join) as network:
        await numbers.send(1)
        await words.send("w")
        assert join.reserve("me")
        network.cancel()
    assert network.balance()["j"].discarded == 1


# Ending


@both
async def test_it_ends_with_the_first_input_that_is_exhausted(greedy: bool) -> None:
    numbers, words = two()
    join = Join(numbers, words, greedy=greedy, name="j")
    collector = linked(join)
    async with Network(join):
        await numbers.send(1)
        await words.send("a")
        numbers.complete()
        await wait_all_tasks_blocked()
        assert join.is_finished
        assert await collector.receive() == (1, "a")


@both
async def test_what_has_no_partner_is_reported(greedy: bool) -> None:
    numbers, words = two()
    linked(Join(numbers, words, greedy=greedy, name="j"))
    with faults(Stalled) as found:
        async with Network(numbers):
            await numbers.send(1)
            await numbers.send(2)
            await words.send("a")
    assert ("join 'j'" if not greedy else "<Join 'j' finished, 1 held>") in found[0].report


@both
async def test_completing_it_completes_its_inputs(greedy: bool) -> None:
    join: Join[Any] = Join(inputs=2, greedy=greedy, name="j")
    join.complete()
    with pytest.raises(Declined, match="join 'j' input 0 is complete"):
        join.inputs[0].send_nowait(1)
    with pytest.raises(trio.EndOfChannel):
        await join.receive()
    await join.aclose()


async def test_a_link_to_a_complete_input_is_declined() -> None:
    join: Join[Any] = Join(inputs=2)
    source: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(join)
    join.complete()
    source.send_nowait(1)
    assert len(source) == 1


@both
async def test_a_receiver_that_waits_gets_the_tuple(greedy: bool) -> None:
    numbers, words = two()
    join = Join(numbers, words, greedy=greedy)
    got: list[Any] = []

    async def receive() -> None:
        got.append(await join.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        numbers.send_nowait(1)
        words.send_nowait("a")
    assert got == [(1, "a")]


@both
async def test_who_waits_at_its_inputs_is_woken_when_the_network_stops(greedy: bool) -> None:
    join: Join[Any] = Join(inputs=2, greedy=greedy, capacity=1 if greedy else None)
    woken: list[BaseException] = []

    async def send() -> None:
        try:
            await join.inputs[0].send(1)
            await join.inputs[0].send(2)
        except trio.BrokenResourceError as error:
            woken.append(error)

    async with trio.open_nursery() as nursery, Network(join) as network:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        network.cancel()
    assert len(woken) == 1
    assert network.balance().discarded == 1


async def test_unlinking_an_input_frees_its_place() -> None:
    numbers, words = two()
    join: Join[Any] = Join(inputs=2)
    link = numbers.link_target(join)
    words.link_target(join)
    link.unlink()
    IterableSource([7]).link_target(join)
    words.send_nowait("a")
    async with Network(join):
        assert await join.receive() == (7, "a")


async def test_it_feeds_itself_by_a_chain() -> None:
    first, second, third = (UnboundedBuffer[int](name=str(n)) for n in range(3))
    inner = Join(first, second)
    outer = Join(inner, third)
    collector = linked(outer)
    async with Network(outer):
        for buffer in (first, second, third):
            for n in range(3):
                await buffer.send(n)
    assert contents(collector) == [((n, n), n) for n in range(3)]


async def test_run_of_a_single_input() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    collector = linked(Join(source))
    await run(source, range(3))
    assert contents(collector) == [(0,), (1,), (2,)]


@both
async def test_reserving_a_tuple_for_nobody_is_an_error(greedy: bool) -> None:
    numbers, words = two()
    join = Join(numbers, words, greedy=greedy)
    numbers.send_nowait(1)
    words.send_nowait("a")
    with pytest.raises(TypeError, match="reserve needs the taker, got None"):
        join.reserve(None)
    assert join.receive_nowait() == (1, "a")


async def test_two_sources_of_one_small_input_are_both_let_in() -> None:
    first, second, other = (UnboundedBuffer[int](name=name) for name in ("first", "second", "other"))
    join: Join[Any] = Join(inputs=2, greedy=True, capacity=1)
    first.link_target(join.inputs[0])
    second.link_target(join.inputs[0])
    other.link_target(join.inputs[1])
    pairs = UnboundedBuffer[Any]()
    join.link_target(pairs)
    async with Network(join):
        for number in range(20):
            first.send_nowait(number)
            second.send_nowait(100 + number)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(join.inputs[0].send, 1000)
            for number in range(41):
                await other.send(number)
    assert join.is_greedy
    assert sorted(left for left, _ in contents(pairs)) == [*range(20), *range(100, 120), 1000]
