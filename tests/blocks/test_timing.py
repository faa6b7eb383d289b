"""Time slices, batch sizes and the schedulers, without a loop where that is possible."""

from typing import Any

import pytest
import trio

from penstock.blocks import Call, Network, Transformer
from penstock.blocks.base.timing import BATCH_SECONDS, LARGEST_BATCH, BatchSize, TimeSlice, time_slice, turns_of
from penstock.blocks.core.scheduler import Detached
from tests.blocks.tools import contents, linked, run


def test_batches_of_quick_items_grow_to_a_limit_and_those_of_slow_ones_shrink() -> None:
    size = BatchSize()
    assert size.items == 1
    size.learn(1, 0.0)
    assert size.items == 8
    size.learn(7, 0.0)  # was not full, so it tells nothing
    assert size.items == 8
    for _ in range(5):
        size.learn(size.items, 1e-9)
    assert size.items == LARGEST_BATCH
    size.learn(LARGEST_BATCH, BATCH_SECONDS)
    assert size.items == LARGEST_BATCH
    size.learn(LARGEST_BATCH, 4 * BATCH_SECONDS)
    assert size.items == LARGEST_BATCH // 4
    size.learn(1, 100.0)
    assert size.items == 1


async def test_a_pause_begins_a_new_slice() -> None:
    slice = TimeSlice()
    slice.clock = lambda: 100.0
    await slice.pause()
    assert slice.until > 100.0


async def test_turns_are_counted_as_far_as_trio_does() -> None:
    task = trio.lowlevel.current_task()
    before = turns_of(task)
    await trio.lowlevel.checkpoint()
    assert turns_of(task) >= before
    assert turns_of(object()) == 0  # type: ignore[arg-type]  # a task of another trio


async def test_slow_inline_functions_are_called_one_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def slow(item: int) -> int:
        nonlocal now
        now += 0.01
        return item

    monkeypatch.setattr(time_slice, "clock", lambda: now)
    block = Transformer(slow)
    collector = linked(block)
    turns: list[int] = []

    async def watch() -> None:
        while not collector.is_finished:
            turns.append(len(collector))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery, Network(block):
        nursery.start_soon(watch)
        for n in range(10):
            block.send_nowait(n)
    assert contents(collector) == list(range(10))
    assert len(set(turns)) >= 5


class Step:
    """A block that does what it is told."""

    name = "step"

    def __init__(self, act: Any) -> None:
        self.queued = True
        self.step = act


def test_outside_a_network_steps_run_one_after_the_other_and_all_get_theirs() -> None:
    scheduler = Detached()
    order: list[str] = []

    def first() -> None:
        scheduler.add(second)
        order.append("first")
        raise ValueError("first")

    def act() -> None:
        order.append("second")
        raise KeyError("second")

    second = Step(act)
    with pytest.raises(ValueError, match="first"):
        scheduler.add(Step(first))
    assert order == ["first", "second"]
    assert not second.queued
    scheduler.parked()


async def test_ten_thousand_quick_items_go_through_in_few_steps() -> None:
    seen: list[int] = []
    call: Call[int] = Call(seen.append, capacity=None)
    await run(call, range(10_000))
    assert seen == list(range(10_000))
