"""A distribute gives its messages to its targets in turn, and passes over those that have ended."""

from __future__ import annotations

import contextvars
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    BoundedBuffer,
    Broadcast,
    Call,
    Collect,
    Distribute,
    IterableSource,
    Join,
    Network,
    Stalled,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, faults


def deal_to(*targets: Any, **options: Any) -> Distribute[Any]:
    block = Distribute[Any](name="deal", **options)
    for target in targets:
        block.link_target(target)
    return block


def buffers(count: int) -> list[UnboundedBuffer[Any]]:
    return [UnboundedBuffer[Any](name=f"buffer {n}") for n in range(count)]


@pytest.mark.parametrize("count", [1, 2, 7])
async def test_with_n_targets_each_gets_every_nth_message(count: int) -> None:
    targets = buffers(count)
    source = IterableSource(range(100))
    source.link_target(deal_to(*targets))
    async with Network(source) as network:
        pass
    assert [contents(target) for target in targets] == [list(range(n, 100, count)) for n in range(count)]
    assert network.balance()["deal"].delivered == 100


async def test_a_target_without_room_makes_the_others_wait() -> None:
    narrow, wide = BoundedBuffer[int](1, name="narrow"), UnboundedBuffer[int]()
    block = deal_to(narrow, wide, capacity=2)
    async with Network(block):
        for number in range(4):
            await block.send(number)
        await wait_all_tasks_blocked()
        assert (len(narrow), len(wide), len(block)) == (1, 1, 1)  # number 2 waits for its turn to be taken
        assert await narrow.receive() == 0
        await wait_all_tasks_blocked()
        assert contents(wide) == [1, 3]
        assert await narrow.receive() == 2


async def test_what_waits_for_a_target_that_completes_goes_to_the_next() -> None:
    narrow, wide = BoundedBuffer[int](1, name="narrow"), UnboundedBuffer[int]()
    block = deal_to(narrow, wide)
    async with Network(block) as network:
        for number in range(6):
            await block.send(number)
        await wait_all_tasks_blocked()
        narrow.complete()
    assert contents(wide) == [1, 2, 3, 4, 5]
    assert contents(narrow) == [0]
    assert network.balance().ok


async def test_what_waits_for_a_target_that_is_unlinked_goes_to_the_next() -> None:
    first, narrow, last = UnboundedBuffer[int](), BoundedBuffer[int](1), UnboundedBuffer[int]()
    block = deal_to(first)
    link = block.link_target(narrow)
    block.link_target(last)
    async with Network(block) as network:
        for number in range(8):
            await block.send(number)
        await wait_all_tasks_blocked()
        link.unlink()
        narrow.complete()
    assert contents(narrow) == [1]
    assert contents(first) == [0, 3, 5, 7]
    assert contents(last) == [2, 4, 6]
    assert network.balance().ok


async def test_the_last_link_may_be_removed_when_it_is_its_turn() -> None:
    first, second = buffers(2)
    block = Distribute[int]()
    block.link_target(first)
    link = block.link_target(second)
    async with Network(block):
        await block.send(1)
        await wait_all_tasks_blocked()
        link.unlink()
        await block.send(2)
        await wait_all_tasks_blocked()
        block.unlink_targets()
        await block.send(3)
        assert await block.receive() == 3  # without a target, it is a buffer
    assert contents(first) == [1, 2]


async def test_a_link_with_max_messages_has_that_many_turns() -> None:
    first, second = buffers(2)
    block = Distribute[int](name="deal")
    block.link_target(first, max_messages=2)
    block.link_target(second)
    async with Network(block):
        for number in range(6):
            await block.send(number)
    assert contents(first) == [0, 2]
    assert contents(second) == [1, 3, 4, 5]


async def test_nobody_can_receive_what_is_a_targets_turn() -> None:
    block = deal_to(*buffers(2))
    with pytest.raises(
        RuntimeError, match=r"distribute 'deal' gives its messages to its targets in turn; link a buffer"
    ):
        await block.receive()


async def test_a_message_that_its_target_declines_stays_and_is_reported() -> None:
    block = deal_to(UnboundedBuffer[int](filter=bool, name="no zero"), UnboundedBuffer[int]())
    with faults(Stalled) as found:
        async with Network(block):
            await block.send(0)
            await block.send(1)
    assert "a filter on the way to unbounded buffer 'no zero' declines the head" in str(found[0])


async def test_a_declined_message_goes_on_when_the_filter_is_changed(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    picky = UnboundedBuffer[int](filter=bool, name="no zero")
    block = deal_to(picky)
    async with Network(block):
        await block.send(0)
        await trio.sleep(3)
        assert "distribute 'deal' has kept 0, and all messages behind it: a filter on the way to" in caplog.text
        picky.filter = None
        assert await picky.receive() == 0


async def test_messages_without_an_open_target_are_reported() -> None:
    target = UnboundedBuffer[int](name="done")
    block = deal_to(target)
    with faults(Stalled) as found:
        async with Network(block):
            target.complete()
            await block.send(1)
            await wait_all_tasks_blocked()
            assert "has kept 1" in block._core.outbox.describe_head()
    assert "unbounded buffer 'done' is complete and takes no more" in str(found[0])


async def test_a_governor_of_a_lane_lets_in_as_many_as_it_wants() -> None:
    lanes = [Transformer[int, int](lambda n: n) for _ in range(2)]
    got: list[int] = []
    sink = Call(got.append)
    together = Collect(*lanes)
    together.link_target(sink)
    source = IterableSource(range(40))
    source.link_target(block := deal_to(*lanes))
    PipelineGovernor(3).govern(block, sink)
    PipelineGovernor(1).govern(lanes[1], lanes[1])
    async with Network(source):
        pass
    assert got == list(range(40))


VARIABLE = contextvars.ContextVar("VARIABLE", default="")


async def test_context_variables_go_along_and_come_back_with_a_message() -> None:
    seen: list[tuple[int, str]] = []
    narrow = BoundedBuffer[int](1, name="narrow")
    wide = UnboundedBuffer[int]()
    block = deal_to(narrow, wide)
    for target in (narrow, wide):
        target.link_target(Call[int](lambda n: seen.append((n, VARIABLE.get())), context=True))
    async with Network(block):
        for number in range(6):
            VARIABLE.set(f"of {number}")
            await block.send(number)
    assert sorted(seen) == [(n, f"of {n}") for n in range(6)]


async def test_a_context_stays_with_a_message_that_goes_to_the_next_target() -> None:
    seen: list[tuple[int, str]] = []
    closed, wide = BoundedBuffer[int](1), UnboundedBuffer[int]()
    block = deal_to(closed, wide)
    wide.link_target(Call[int](lambda n: seen.append((n, VARIABLE.get())), context=True))
    async with Network(block):
        for number in range(4):
            VARIABLE.set(f"of {number}")
            await block.send(number)
        await wait_all_tasks_blocked()
        closed.complete()
    assert seen == [(n, f"of {n}") for n in (1, 2, 3)]


async def test_a_join_stays_in_step_behind_lanes() -> None:
    fork, source = Broadcast[int](name="fork"), IterableSource(range(20))
    source.link_target(fork)
    aside = Call[int](lambda n: None)
    straight, lane = UnboundedBuffer[int](), Transformer[int, int](lambda n: n)
    fork.link_target(straight)
    fork.link_target(block := deal_to(lane, aside))
    got: list[Any] = []
    join = Join(straight, lane)
    join.link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [(n, n) for n in range(0, 20, 2)]
    assert block.is_finished


async def test_a_join_cannot_know_who_gets_what_when_a_lane_ends() -> None:
    fork = Broadcast[int](name="fork")
    straight, lane, narrow = UnboundedBuffer[int](), Transformer[int, int](lambda n: n), BoundedBuffer[int](1)
    fork.link_target(straight)
    fork.link_target(deal_to(narrow, lane))
    join = Join(straight, lane)
    join.link_target(Call(lambda _: None))
    with faults(ValueError) as found:
        async with Network(fork):
            for number in range(4):
                await fork.send(number)
            await wait_all_tasks_blocked()
            narrow.complete()
            await trio.sleep_forever()
    assert "distribute 'deal' has given a message to the target after bounded buffer" in str(found[0])


def test_a_capacity_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="a distribute: capacity must be"):
        Distribute[int](capacity=0)
    with pytest.raises(ValueError, match="distribute 'deal': capacity must be"):
        Distribute[int](capacity=0, name="deal")


async def test_a_burst_waits_for_a_full_target() -> None:
    narrow, wide, block = BoundedBuffer[int](1), UnboundedBuffer[int](), Distribute[int]()
    await narrow.send(-1)
    async with Network(block):
        for number in range(8):
            await block.send(number)
        block.link_target(narrow)
        block.link_target(wide)
        await wait_all_tasks_blocked()
        assert not len(wide)
        block.complete()
        got = [item async for item in narrow]
    assert got == [-1, 0, 2, 4, 6]
    assert contents(wide) == [1, 3, 5, 7]
