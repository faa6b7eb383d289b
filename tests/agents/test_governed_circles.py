"""Links that a governor refuses do not keep the room for themselves: other links go on, such as those of a circle."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import PipelineGovernor
from penstock.blocks import Batch, BoundedBuffer, Call, IterableSource, Network, Transformer

Item = tuple[int, int]
"""A number, and how many rounds are left."""


def heavy(weight: int, item: Item) -> int:
    """The weight of an item."""
    del item
    return weight


def goes(way: int, ways: int, item: Item) -> bool:
    """Whether an item goes back this way."""
    number, left = item
    return left > 0 and number % ways == way


@given(
    sources=st.lists(st.integers(0, 6), min_size=0, max_size=3),
    sent=st.integers(0, 6),
    rounds=st.integers(1, 4),
    room=st.integers(1, 3),
    capacities=st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=3),
    backs=st.integers(1, 3),
    slots=st.integers(1, 12),
    weight=st.sampled_from([None, 1, 2]),
)
def test_all_items_go_round_and_come_out(
    sources: list[int],
    sent: int,
    rounds: int,
    room: int,
    capacities: list[tuple[int, bool]],
    backs: int,
    slots: int,
    weight: int | None,
) -> None:
    places = room + sum(capacity for capacity, _ in capacities)  # with more items the circle itself would be full
    numbers = iter(range(1000))
    made: list[int] = []

    def new() -> Item:
        made.append(next(numbers))
        return made[-1], rounds

    def once(item: Item) -> Item:
        return item

    async def later(item: Item) -> Item:
        await trio.lowlevel.checkpoint()
        return item

    def less(item: Item) -> Item:
        number, left = item
        return number, left - 1

    got: list[Item] = []

    async def main() -> None:
        entry = BoundedBuffer[Item](room, name="entry")
        last: Transformer[Item, Item] | BoundedBuffer[Item] = entry
        for number, (capacity, is_async) in enumerate(capacities):
            is_last = number == len(capacities) - 1
            function = less if is_last else later if is_async else once
            stage = Transformer[Item, Item](function, capacity=capacity, name=f"stage {number}")
            last.link_target(stage)
            last = stage
        for back in range(backs):  # one link back, directly, and the others through a stage of their own
            chosen = partial(goes, back, backs)
            if back:
                way = Transformer[Item, Item](once, capacity=1, name=f"way {back}")
                last.link_target(way, chosen)
                way.link_target(entry)
            else:
                last.link_target(entry, chosen)
        out = Call[Item](got.append, name="out")
        last.link_target(out, lambda item: item[1] == 0)
        feeding = [IterableSource([new() for _ in range(count)], name=f"source {n}") for n, count in enumerate(sources)]
        for source in feeding:
            source.link_target(entry)
        limit = min(slots, places) * (weight or 1)
        weigh = None if weight is None else partial(heavy, weight)
        PipelineGovernor(limit, weight=weigh).govern(entry, last)
        with trio.fail_after(60):
            async with Network(entry, *feeding):
                for _ in range(sent):
                    await entry.send(new())

    trio.run(main)
    assert Counter(got) == Counter((number, 0) for number in made)


@pytest.mark.parametrize("limit", [1, 2])
async def test_a_source_that_waits_for_a_slot_does_not_keep_the_room(limit: int) -> None:
    def less(number: int) -> int:
        return number - 1

    got: list[int] = []
    source, buffer, work = IterableSource([3] * 9), BoundedBuffer[int](1), Transformer(less, capacity=1)
    source.link_target(buffer)
    buffer.link_target(work)
    work.link_target(buffer, lambda number: number > 0)
    work.link_target(Call(got.append), lambda number: number == 0)
    PipelineGovernor(limit).govern(buffer, work)
    async with Network(source):
        pass
    assert got == [0] * 9


async def test_a_light_message_does_not_wait_for_the_turn_of_a_heavy_one() -> None:
    got: list[list[int]] = []
    sources = [IterableSource([weight]) for weight in (1, 10, 1)]
    entry, pairs = BoundedBuffer[int](1), Batch[int](2)
    for source in sources:
        source.link_target(entry)
    entry.link_target(pairs)
    pairs.link_target(Call(got.append))
    PipelineGovernor(10, weight=int).govern(entry, pairs)
    async with Network(*sources):
        pass
    assert got == [[1, 1], [10]]
