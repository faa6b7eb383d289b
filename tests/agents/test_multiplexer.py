"""The sequence multiplexer."""

import re
from typing import Any, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import SequenceError, SequenceMultiplexer
from penstock.blocks import (
    BoundedBuffer,
    DeadLetter,
    ErrorInfo,
    IterableSource,
    Network,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import Fussy, contents, faults, linked, notes, run


def number(item: int) -> int:
    return item


class IntLike(int):
    """An int of another library, for example of NumPy."""


def buffers(count: int) -> list[UnboundedBuffer[int]]:
    return [UnboundedBuffer(name=f"input {n}") for n in range(count)]


async def test_it_puts_locally_ordered_streams_into_one_sequence() -> None:
    sources = [IterableSource([1, 4, 5]), IterableSource([2, 6]), IterableSource([3])]
    mux = SequenceMultiplexer(*sources, key=number)
    collector = linked(mux)
    async with Network(mux) as network:
        pass
    assert contents(collector) == [1, 2, 3, 4, 5, 6]
    assert mux.next_number == 7
    assert network.balance()[mux.name].delivered == 6


async def test_stages_that_share_the_work_are_put_in_order() -> None:
    async def work(item: int) -> int:
        await trio.sleep((item * 7) % 5)
        return item

    source: UnboundedBuffer[int] = UnboundedBuffer()
    mux = SequenceMultiplexer[int](key=number)
    for _ in range(3):
        stage = Transformer(work, capacity=1)
        source.link_target(stage)
        stage.link_target(mux)
    collector = linked(mux)
    await run(source, range(1, 30))
    assert contents(collector) == list(range(1, 30))


def test_the_key_and_the_start_are_the_users() -> None:
    first, second = UnboundedBuffer[Any](), UnboundedBuffer[Any]()
    mux = SequenceMultiplexer(first, second, key=lambda item: item["n"], start=-1)
    second.send_nowait({"n": 0})
    with pytest.raises(trio.WouldBlock):
        mux.receive_nowait()
    first.send_nowait({"n": -1})
    assert [mux.receive_nowait()["n"] for _ in range(2)] == [-1, 0]


async def test_a_receiver_waits_for_the_next_number() -> None:
    sources = buffers(2)
    mux = SequenceMultiplexer(*sources, key=number)
    got: list[int] = []

    async def receive() -> None:
        got.append(await mux.receive())

    async with Network(mux), trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await sources[0].send(2)
        await wait_all_tasks_blocked()
        assert not got
        await sources[1].send(1)
        await wait_all_tasks_blocked()
        assert got == [1]
        assert await mux.receive() == 2


async def test_it_ends_when_all_sources_are_finished() -> None:
    sources = buffers(2)
    mux = SequenceMultiplexer(*sources, key=number)
    async with Network(mux):
        await sources[0].send(1)
        sources[0].complete()
        assert await mux.receive() == 1
        assert not mux.is_finished
        sources[1].complete()
        with pytest.raises(trio.EndOfChannel):
            await mux.receive()


async def test_a_stage_that_is_ahead_waits_with_its_item() -> None:
    sources = buffers(2)
    mux = SequenceMultiplexer(*sources, key=number)
    mux.link_target(full := BoundedBuffer[int](1))
    async with Network(mux):
        for n in (1, 3):
            await sources[0].send(n)
        await wait_all_tasks_blocked()
        assert (len(sources[0]), len(full)) == (1, 1)
        assert "waits for number 2" in str(mux.network and mux.network.report())
        await sources[1].send(2)
        assert [await full.receive() for _ in range(3)] == [1, 2, 3]


async def test_it_says_which_number_it_waits_for_and_how_many_are_ahead() -> None:
    sources = buffers(2)
    mux = SequenceMultiplexer(*sources, key=number, name="mux")
    mux.link_target(full := BoundedBuffer[int](1))

    async def said() -> tuple[str, int]:
        await wait_all_tasks_blocked()
        numbers = network.statistics()["mux"]
        return numbers.awaits, numbers.ahead

    async with Network(mux) as network:
        assert await said() == ("number 1", 0)
        for n in (2, 3, 5):
            await sources[0].send(n)
        assert await said() == ("number 1", 3)
        await sources[1].send(1)
        assert await said() == ("number 2", 0)  # it is there, but there is no room for it
        assert [await full.receive() for _ in range(3)] == [1, 2, 3]
        assert await said() == ("number 4", 1)
        await sources[1].send(4)
        assert [await full.receive() for _ in range(2)] == [4, 5]
    assert await said() == ("", 0)


# Faults


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2], [4], "number 3 is missing: the least that can still come is 4, from input 1"),
        ([2], [3], "number 1 is missing: the least that can still come is 2, from input 0"),
        ([1, 1], [2], "number 1 came twice from input 0"),
        ([1, 2], [2, 3], "number 2 came from input "),
        ([1, 3, 2], [4], "number 2 is missing"),
        ([2, 1], [3], "number 1 is missing"),
        ([1, 2, 1], [3], "number 1 came after 2 from input 0"),
        ([5], [5], "number 5 came from input 0 and from input 1"),
        ([1, 2, 3], [0], "number 0 came from input 1"),
    ],
)
async def test_a_broken_sequence_is_a_fault_that_names_number_and_input(
    first: list[int], second: list[int], message: str
) -> None:
    mux = SequenceMultiplexer(IterableSource(first, name="a"), IterableSource(second, name="b"), key=number, name="mux")
    linked(mux)
    with faults(SequenceError) as found:
        async with Network(mux):
            pass
    assert str(found[0]).startswith(f"multiplexer 'mux': {message}")
    assert notes(found[0]) == ["in mux"]


async def test_a_number_that_comes_after_its_turn_is_a_fault() -> None:
    sources = buffers(2)
    mux = SequenceMultiplexer(*sources, key=number, name="mux")
    with faults(SequenceError) as found:
        async with Network(mux):
            for n in (1, 2):
                await sources[0].send(n)
            assert [await mux.receive(), await mux.receive()] == [1, 2]
            await sources[1].send(1)
            await mux.receive()
    assert str(found[0]) == (
        "multiplexer 'mux': number 1 came from input 1 (input 1 → mux), but it has gone out already; the next is 3"
    )


async def test_a_key_that_raises_is_a_fault_of_the_block() -> None:
    source: UnboundedBuffer[dict[str, int]] = UnboundedBuffer()
    mux = SequenceMultiplexer(source, key=lambda item: item["n"], name="mux")
    linked(mux)
    nothing: list[dict[str, int]] = [{}]
    with faults(KeyError) as found:
        await run(source, nothing)
    assert notes(found[0]) == ["in mux"]


def test_a_source_cannot_be_linked_twice() -> None:
    (source,) = buffers(1)
    with pytest.raises(ValueError, match="unbounded buffer 'input 0' is already linked to multiplexer 'mux'"):
        SequenceMultiplexer(source, source, key=number, name="mux")


# Tombstones


def test_a_tombstone_lets_the_sequence_go_on() -> None:
    (source,) = buffers(1)
    mux = SequenceMultiplexer(source, key=number)
    mux.tombstone(1)
    mux.tombstone(3)
    assert mux.next_number == 2
    for n in (2, 4):
        source.send_nowait(n)
    assert [mux.receive_nowait(), mux.receive_nowait()] == [2, 4]
    assert mux.next_number == 5


def test_a_tombstone_for_what_has_gone_out_is_an_error() -> None:
    (source,) = buffers(1)
    mux = SequenceMultiplexer(source, key=number, name="mux")
    source.send_nowait(1)
    mux.receive_nowait()
    with pytest.raises(
        SequenceError, match=re.escape("multiplexer 'mux': number 1 has gone out already; the next is 2")
    ):
        mux.tombstone(1)


def test_numbers_have_to_be_ints() -> None:
    buffer: UnboundedBuffer[Any] = UnboundedBuffer()
    start: Any = "1"
    with pytest.raises(TypeError, match=re.escape("multiplexer 'mux': start must be an int, got '1'")):
        SequenceMultiplexer(buffer, key=number, start=start, name="mux")
    mux = SequenceMultiplexer[Any](key=number, name="mux")
    lost: Any = 1.5
    with pytest.raises(TypeError, match=re.escape("'mux': the number of a tombstone must be an int, got 1.5")):
        mux.tombstone(lost)


async def test_a_key_has_to_give_ints() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    linked(SequenceMultiplexer(source, key=cast("Any", str), name="mux"))
    with faults(TypeError) as found:
        await run(source, [1])
    assert str(found[0]) == "multiplexer 'mux': the number that key gives for 1 must be an int, got '1'"


async def test_numbers_may_be_of_another_library() -> None:
    first, lost = cast("Any", IntLike(1)), cast("Any", IntLike(2))
    mux = SequenceMultiplexer(IterableSource([1, 3]), key=IntLike, start=first)
    mux.tombstone(lost)
    collector = linked(mux)
    await run(mux)
    assert contents(collector) == [1, 3]
    assert mux.next_number == 4


@pytest.mark.parametrize("late", [False, True], ids=["linked before", "linked while running"])
@pytest.mark.parametrize("policy", ["skip", "dead letter"])
async def test_what_a_block_upstream_drops_leaves_a_tombstone(policy: str, late: bool) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    on_error: Any = "skip" if policy == "skip" else DeadLetter(dead)

    def keep(item: int) -> int:
        if item in (2, 3, 7):
            raise ValueError(item)
        return item

    before: UnboundedBuffer[int] = UnboundedBuffer()
    mux = SequenceMultiplexer[int](key=number)
    collector = linked(mux)

    def build() -> None:
        stages: list[Transformer[int, int]] = [Transformer(keep, on_error=on_error) for _ in range(2)]
        for index, stage in enumerate(stages):
            before.link_target(stage, filter=lambda n, index=index: n % 2 == index)  # type: ignore[misc]
            after = Transformer[int, int](lambda n: n)
            stage.link_target(after)
            after.link_target(mux)

    if not late:
        build()
    async with Network(before, mux):
        if late:
            build()
        for n in range(1, 10):
            await before.send(n)
    assert contents(collector) == [1, 4, 5, 6, 8, 9]


async def test_what_an_overflowing_buffer_drops_leaves_a_tombstone() -> None:
    full: BoundedBuffer[int] = BoundedBuffer(2, overflow="drop_oldest")
    mux = SequenceMultiplexer(full, key=number)
    for n in range(1, 6):
        full.send_nowait(n)
    assert [mux.receive_nowait(), mux.receive_nowait()] == [4, 5]


def fussy_number(item: int) -> int:
    return item + 0


@pytest.mark.parametrize("key", [number, fussy_number])
async def test_what_was_dropped_before_it_had_a_number_leaves_none(key: Any) -> None:
    words: Transformer[str, int] = Transformer(int, on_error="skip")
    mux = SequenceMultiplexer(words, key=key)
    collector = linked(mux)
    await run(words, ["1", "two", "2"])
    assert contents(collector) == [1, 2]


async def test_a_number_that_has_gone_out_and_is_dropped_as_well_is_ignored() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    fussy: Transformer[int, int] = Transformer(Fussy(0), on_error="skip")
    tens = Transformer[int, int](lambda n: n // 10)
    source.link_target(fussy)
    fussy.link_target(tens)
    mux = SequenceMultiplexer(tens, key=number)
    collector = linked(mux)
    await run(source, [1, 0, 2])
    assert contents(collector) == [1, 2]


async def test_a_lost_number_is_passed_while_the_body_waits_for_what_is_behind_it() -> None:
    left = Transformer[int, int](lambda number: number // (number != 2), on_error="skip")
    right = UnboundedBuffer[int]()
    order = SequenceMultiplexer[int](left, right, key=lambda number: number)
    out = UnboundedBuffer[int]()
    order.link_target(out)
    async with Network(order):
        with left.producer():
            await left.send(1)
            await left.send(2)
            await wait_all_tasks_blocked()
            await right.send(3)
            assert [await out.receive() for _ in range(2)] == [1, 3]
            await left.send(4)
            assert await out.receive() == 4


async def test_a_head_that_another_taker_has_taken_is_forgotten() -> None:
    (ahead, behind), items = buffers(2), UnboundedBuffer[int]()
    order = SequenceMultiplexer(ahead, behind, key=number)
    order.link_target(items)
    async with Network(order):
        for item in (3, 1):
            await ahead.send(item)
        await wait_all_tasks_blocked()
        assert ahead.receive_nowait() == 3
        await wait_all_tasks_blocked()
        assert contents(items) == [1]
        await ahead.send(2)
        await behind.send(3)
    assert contents(items) == [2, 3]
