"""What the check of the graph says before the start comes true: what it finds stalls, and what it passes ends."""

from __future__ import annotations

from typing import Any

import attrs
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    IterableSource,
    Join,
    Network,
    Stalled,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import Grouping, Ungrouping
from tests.networks.harness import SCHEDULES, Schedule, Watch, leaves


async def work(item: int) -> int:
    await trio.sleep(0.01)
    return item


def run(schedule: Schedule, first: Any, items: int) -> tuple[tuple[str, ...], bool]:
    """Feed a network by hand; give what the check has found, and whether it has stalled."""
    watch = Watch()
    found: list[str] = []

    async def main() -> None:
        network = Network(first, name="checked")
        found.extend(network.check())
        async with network:
            watch.network = network
            for number in range(items):
                await first.send(number)

    raised = list(leaves(watch.run(schedule, main)))
    assert all(isinstance(error, Stalled) for error in raised), raised
    return tuple(found), bool(raised)


@attrs.frozen
class Rejoin:
    """A broadcast with a batch on one way, and some room on the other.

    Attributes:
        size: Of the batch.
        rooms: The capacities of the blocks on the other way; negative ones are of tasks instead of buffers.
        greedy: The capacity of the join, if it is greedy.
    """

    size: int
    rooms: tuple[int, ...]
    greedy: int | None

    def build(self) -> Broadcast[int]:
        """Make it."""
        fork: Broadcast[int] = Broadcast(name="fork")
        batch, unpack = Grouping(self.size), Ungrouping()
        join: Join[Any] = Join(inputs=2, greedy=self.greedy is not None, capacity=self.greedy)
        last: Any = fork
        for room in self.rooms:
            block: Any = BoundedBuffer[int](room) if room > 0 else Transformer(work, capacity=-room, window=1)
            last.link_target(block)
            last = block
        last.link_target(join.inputs[0])
        fork.link_target(batch)
        batch.link_target(unpack)
        unpack.link_target(join.inputs[1])
        join.link_target(Call(work))
        return fork


ROOMS = st.integers(-3, 4).filter(bool)
REJOINS = st.builds(
    Rejoin,
    st.integers(1, 9),
    st.lists(ROOMS, min_size=1, max_size=3).map(tuple),
    st.one_of(st.none(), st.integers(1, 4)),
)


@given(REJOINS, SCHEDULES)
def test_ways_that_are_found_too_narrow_stall(rejoin: Rejoin, schedule: Schedule) -> None:
    found, has_stalled = run(schedule, rejoin.build(), 4 * rejoin.size)
    if found:
        assert has_stalled, found


@given(REJOINS, SCHEDULES)
def test_buffers_that_are_not_found_too_narrow_are_wide_enough(rejoin: Rejoin, schedule: Schedule) -> None:
    rejoin = attrs.evolve(rejoin, rooms=tuple(map(abs, rejoin.rooms)))
    found, has_stalled = run(schedule, rejoin.build(), 4 * rejoin.size)
    assert bool(found) is has_stalled, found


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 20), st.booleans(), SCHEDULES)
def test_a_batch_inside_a_governor_fills_or_is_found(
    limit: int, size: int, items: int, has_task: bool, schedule: Schedule
) -> None:
    entry, batch = UnboundedBuffer[int](name="entry"), Batch[int](size)
    last: Any = entry
    if has_task:
        last = Transformer(work)
        entry.link_target(last)
    last.link_target(batch)
    batch.link_target(Call[Any](work))
    PipelineGovernor(limit).govern(entry, batch)
    found, has_stalled = run(schedule, entry, items)
    assert has_stalled is (bool(found) and items > limit)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 20), SCHEDULES)
def test_what_is_refused_would_have_stalled_and_what_is_not_ends(
    limit: int, size: int, items: int, schedule: Schedule
) -> None:
    refused: list[str] = []

    async def main() -> None:
        feed, entry, batch = IterableSource(range(items)), BoundedBuffer[int](3), Batch[int](size)
        feed.link_target(entry)
        entry.link_target(batch)
        batch.link_target(Call[Any](work))
        PipelineGovernor(limit).govern(entry, batch)
        try:
            async with Network(feed):
                pass
        except ValueError as error:
            refused.append(str(error))

    assert Watch().run(schedule, main) is None
    assert bool(refused) is (size > limit and items > limit)
