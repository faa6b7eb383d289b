"""Blocks with several inputs take many heads at once, with the same results as one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.agents import SequenceError, SequenceMultiplexer
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    IterableSource,
    Join,
    Network,
    Source,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.core.outbox import Outbox
from tests.blocks.tools import contents, faults, is_even, leaves

Build = Callable[[Sequence[Source[Any]]], Any]


def joined(sources: Sequence[Source[Any]]) -> Any:
    return Join[tuple[Any, ...]](*sources)


def chosen(sources: Sequence[Source[Any]]) -> Any:
    return Choice(*sources)


def numbered(sources: Sequence[Source[Any]]) -> Any:
    return SequenceMultiplexer(*sources, key=int, start=0)


def single(*_: object) -> int:
    return 1


async def outcome(build: Build, parts: list[list[int]], capacity: int | None, others: bool) -> tuple[Any, ...]:
    """Run a block with sources of numbers; return what came out, the accounts, and what is left in the sources."""
    buffers = [UnboundedBuffer[int](name=f"source {index}", left_over="keep") for index in range(len(parts))]
    for buffer, numbers in zip(buffers, parts, strict=True):
        for number in numbers:
            buffer.send_nowait(number)
    aside = UnboundedBuffer[int](name="aside")
    if others:
        buffers[0].link_target(aside, is_even)
    target = UnboundedBuffer[Any](name="target") if capacity is None else BoundedBuffer[Any](capacity, name="target")
    got: list[Any] = []
    target.link_target(Call(got.append, name="call"))
    try:
        block = build(buffers)
        block.name = "block"
        block.link_target(target)
    except SequenceError as error:  # the links already show that a number is missing
        return (str(error).partition(":")[2].partition(" (source")[0],)
    network = Network(*buffers)
    errors: list[str] = []
    try:
        async with network:
            pass
    except ExceptionGroup as group:
        errors = [str(error) for error in leaves(group)]
    balance = network.balance()
    lost = [balance[name].discarded for name in ("block", "target", "source 0")] if errors else []
    left = [] if errors else [contents(buffer) for buffer in (*buffers, aside)]
    return got, errors, lost, left, balance["block"]


def shared_out(owners: list[int], count: int) -> list[list[int]]:
    parts: list[list[int]] = [[] for _ in range(count)]
    for number, owner in enumerate(owners):
        parts[owner].append(number)
    return parts


@pytest.mark.parametrize("build", [joined, chosen, numbered])
@given(
    owners=st.lists(st.integers(0, 2), max_size=50),
    capacity=st.sampled_from([None, 1, 3, 20]),
    others=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_results_are_the_same_as_one_by_one(
    build: Build, owners: list[int], capacity: int | None, others: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = shared_out(owners, 3)
    together = await outcome(build, parts, capacity, others)
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "ahead", single)
        alone = await outcome(build, parts, capacity, others)
    assert together == alone


async def test_many_heads_go_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    take = Outbox[Any].take_many

    def spy(self: Outbox[Any], link: Any, count: int) -> Sequence[Any]:
        counts.append(count)
        return take(self, link, count)

    monkeypatch.setattr(Outbox, "take_many", spy)
    got, *_ = await outcome(joined, [list(range(100)), list(range(90))], None, others=False)
    assert got == [(number, number) for number in range(90)]
    assert max(counts) > 30


async def test_a_number_that_comes_twice_is_found_behind_a_run() -> None:
    got: list[int] = []
    sources = [IterableSource([0, 1, 2, 5]), IterableSource([3, 4, 2])]
    mux = SequenceMultiplexer(*sources, key=int, start=0)
    mux.link_target(Call(got.append))
    with faults(SequenceError) as found:
        async with Network(mux):
            pass
    assert "number 2 came after 4 from input 1" in str(found[0])
    assert got == [0, 1, 2, 3, 4, 5][: len(got)]  # 5 may go out before the second 2 comes


async def test_copies_of_a_broadcast_are_paired_in_runs_and_stay_in_step() -> None:
    source, broadcast = IterableSource(range(200)), Broadcast[int]()
    one, other = Transformer[int, int](int, name="one"), Transformer[int, int](int, name="other")
    source.link_target(broadcast)
    broadcast.link_target(one)
    broadcast.link_target(other, is_even)
    join = Join(one, other)
    got: list[tuple[int, int]] = []
    join.link_target(Call(got.append))
    async with Network(source) as network:
        pass
    assert got == [(number, number) for number in range(0, 200, 2)]
    assert network.balance()[join.name].dropped == {"no partner": 100}


@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize("capacity", [1, 4, None])
async def test_many_lists_go_at_once_and_no_more_than_fit(size: int, capacity: int | None) -> None:
    source, batch = IterableSource(range(95)), Batch[int](size)
    target = UnboundedBuffer[list[int]]() if capacity is None else BoundedBuffer[list[int]](capacity)
    got: list[list[int]] = []
    source.link_target(batch)
    batch.link_target(target)
    target.link_target(Call(got.append))
    async with Network(source) as network:
        pass
    assert got == [list(range(95))[start : start + size] for start in range(0, 95, size)]
    assert capacity is None or network.statistics()[target.name].most_queued <= capacity


async def test_a_message_that_was_sent_by_hand_is_merged_with_those_of_sources() -> None:
    source, got = IterableSource([0, 2]), list[int]()
    mux = SequenceMultiplexer(source, key=int, start=0)
    late = UnboundedBuffer[int]()
    late.link_target(mux)
    mux.link_target(Call(got.append))
    async with Network(mux):
        await mux.inputs[1].send(1)
        late.complete()
    assert got == [0, 1, 2]


def test_a_number_that_waits_at_another_input_when_it_passes_in_a_run_is_found() -> None:
    sources = [UnboundedBuffer[int](), UnboundedBuffer[int]()]
    for source, numbers in zip(sources, ([1, 2], [2, 3]), strict=True):
        for number in numbers:
            source.send_nowait(number)
    mux, target = SequenceMultiplexer(*sources, key=int), UnboundedBuffer[int]()
    with pytest.raises(SequenceError, match=r"number 2 came from input 1 .* gone out already; the next is 3"):
        mux.link_target(target)
    assert contents(target) == [1, 2]
