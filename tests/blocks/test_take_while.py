"""Taking while a condition holds: with or without the message that ends it; the rest is discarded and counted."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import trio

from penstock.agents import Pipeline
from penstock.blocks import (
    Call,
    Declined,
    IterableSource,
    Network,
    TakeWhile,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks import (
    take_while as module,
)
from tests.blocks.tools import contents, faults, linked, notes


def is_small(item: int) -> bool:
    return item < 5


@pytest.mark.parametrize(("inclusive", "last"), [(False, 4), (True, 5)])
async def test_an_endless_source_ends_with_the_condition(inclusive: bool, last: int) -> None:
    source, got = IterableSource(itertools.count()), list[int]()
    first = TakeWhile(is_small, inclusive=inclusive, name="first")
    source.link_target(first)
    first.link_target(Call(got.append))
    async with Network(source) as network:
        pass
    assert got == list(range(last + 1))
    accounts = network.balance()["first"]
    assert accounts.accepted == accounts.delivered + accounts.discarded
    assert network.balance().ok


async def test_what_is_in_work_at_the_end_is_finished_and_counted_as_discarded(
    autojump_clock: trio.testing.MockClock,
) -> None:
    done: list[int] = []

    async def slowly(item: int) -> int:
        await trio.sleep(1)
        done.append(item)
        return item

    source, work = IterableSource(range(100)), Transformer(slowly, concurrency=10)
    first, got = TakeWhile(is_small), list[int]()
    source.link_target(work)
    work.link_target(first)
    first.link_target(Call(got.append))
    async with Network(source) as network:
        pass
    assert got == [0, 1, 2, 3, 4]
    assert len(done) % 10 == 0
    assert len(done) < 100
    assert network.balance()[first.name].discarded >= 5


async def test_a_later_message_for_which_it_is_true_again_is_not_wanted() -> None:
    block = TakeWhile(is_small)
    collector = linked(block)
    async with Network(block):
        for item in (1, 9, 2):
            try:
                await block.send(item)
                await trio.testing.wait_all_tasks_blocked()
            except Declined:
                assert item == 2
    assert contents(collector) == [1]


async def test_if_it_never_ends_everything_is_handed_on() -> None:
    block = TakeWhile[int](lambda item: [item])
    collector = linked(block)
    async with Network(block):
        for item in range(3):
            await block.send(item)
    assert contents(collector) == [0, 1, 2]


async def test_an_error_of_the_predicate_comes_after_what_was_before_it() -> None:
    burst, block = TransformMany[int, int](range), TakeWhile[int](lambda item: 1 / (item - 3) < 1, name="first")
    burst.link_target(block)
    got: list[int] = []
    block.link_target(Call(got.append))
    with faults(ZeroDivisionError) as found:
        async with Network(burst):
            await burst.send(7)
    assert "raised by the predicate of take-while 'first' for 3" in notes(found[0])
    assert got == [0, 1, 2]


async def test_a_predicate_that_has_not_run_is_an_error() -> None:
    async def later(item: int) -> bool:
        return item > 0

    block = TakeWhile[int](lambda item: later(item), name="first")
    linked(block)
    with faults(TypeError) as found:
        async with Network(block):
            await block.send(1)
    assert "take-while 'first': the predicate returned" in str(found[0])
    with pytest.raises(TypeError, match="predicate must be a plain function"):
        TakeWhile(later)


async def test_a_slow_predicate_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG", -1.0)
    burst, block = TransformMany[int, int](range), TakeWhile[int](lambda item: True)
    burst.link_target(block)
    collector = linked(block)
    async with Network(burst):
        await burst.send(20)
    assert contents(collector) == list(range(20))


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(TypeError, match="take-while 'first': predicate must be a function"):
        TakeWhile[Any](None, name="first")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="capacity must be"):
        TakeWhile(is_small, capacity=0)


def test_a_pipeline_stops_by_a_condition() -> None:
    closed: list[bool] = []

    def numbers() -> Any:
        try:
            yield from itertools.count()
        finally:
            closed.append(True)

    pipeline = Pipeline.of(int).map(lambda n: n + 1, executor=Threads(2), concurrency=2).take_while(is_small)
    assert str(pipeline).endswith("take while is_small")
    with pipeline.run(numbers()) as results:
        assert list(results) == [1, 2, 3, 4]
        assert results.network.balance().ok
    assert closed == [True]
    assert list(Pipeline.of(int).take_while(is_small, inclusive=True).run(range(9))) == [0, 1, 2, 3, 4, 5]


async def test_outside_a_network_it_hands_on_too() -> None:
    block, collector = TakeWhile(is_small), UnboundedBuffer[int]()
    block.link_target(collector)
    for item in (1, 2, 7):
        await block.send(item)
    assert contents(collector) == [1, 2]
