"""The governor by weight and by bytes: what it bounds, whatever becomes of the items."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Batch,
    Call,
    DeadLetter,
    ErrorInfo,
    MemoryBudget,
    Network,
    Retry,
    Stalled,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
    size_of,
)
from tests.blocks.tools import contents, faults, linked, notes, run

KIB = 1024


def buffer_of(governor: PipelineGovernor) -> UnboundedBuffer[Any]:
    buffer: UnboundedBuffer[Any] = UnboundedBuffer(name="b")
    governor.govern(buffer, buffer)
    return buffer


# By bytes


async def test_a_budget_bounds_the_bytes_in_flight() -> None:
    governor = PipelineGovernor(MemoryBudget("10 KiB"), name="g")
    buffer = buffer_of(governor)
    for size in (4, 5):
        buffer.send_nowait(bytes(size * KIB))
    with pytest.raises(trio.WouldBlock):
        buffer.send_nowait(bytes(KIB))
    assert governor.limit == 10 * KIB
    assert 9 * KIB < governor.in_flight < 10 * KIB
    assert repr(governor) == "<PipelineGovernor 'g' 9.1 of 10.0 KiB in flight>"
    assert governor._core.why_full() == "governor 'g' lets nothing in (9.1 of 10.0 KiB in flight)"


async def test_by_itself_the_budget_takes_what_the_machine_has() -> None:
    governor = PipelineGovernor(MemoryBudget())
    assert governor.limit >= 64 * KIB * KIB
    buffer = buffer_of(governor)
    buffer.send_nowait(b"abc")
    assert governor.in_flight == size_of(b"abc")


async def test_a_budget_takes_another_weight_too() -> None:
    governor = PipelineGovernor(MemoryBudget("1 MB"), weight=lambda image: image * 1000)
    buffer = buffer_of(governor)
    buffer.send_nowait(900)
    assert governor.in_flight == 900_000
    with pytest.raises(TypeError, match="weight must be a function or None, got 0"):
        PipelineGovernor(MemoryBudget("1 MB"), weight=0)  # type: ignore[arg-type]  # that is the point


async def test_an_item_beyond_the_whole_budget_goes_alone() -> None:
    governor = PipelineGovernor(MemoryBudget("1 KiB"))
    buffer = buffer_of(governor)
    buffer.send_nowait(bytes(5 * KIB))
    with pytest.raises(trio.WouldBlock):
        buffer.send_nowait(b"")
    assert len(buffer.receive_nowait()) == 5 * KIB
    buffer.send_nowait(b"")
    with pytest.raises(trio.WouldBlock):
        buffer.send_nowait(bytes(5 * KIB))


async def test_a_standstill_is_told_in_bytes() -> None:
    source: UnboundedBuffer[bytes] = UnboundedBuffer(name="source")
    buffer = buffer_of(governor := PipelineGovernor(MemoryBudget("1 KiB"), name="g"))
    source.link_target(buffer)
    buffer.link_target(UnboundedBuffer(), filter=lambda item: False)
    with faults(Stalled) as found:
        await run(source, [bytes(1000), bytes(1000)])
    assert "governor 'g' lets nothing in (1.0 of 1.0 KiB in flight)" in found[0].report
    assert governor.in_flight == 0  # the network discarded the items


# Weights


@pytest.mark.parametrize("weight", [-1, float("nan"), -0.001, None, "heavy"])
async def test_weights_that_would_undo_the_limit_are_refused(weight: Any) -> None:
    governor = PipelineGovernor(10, weight=lambda item: weight, name="g")
    buffer = buffer_of(governor)
    with pytest.raises(ValueError, match=r"governor 'g': a weight must be a number >= 0, got ") as found:
        buffer.send_nowait("item")
    assert notes(found.value) == ["in the weight of governor 'g' for 'item'"]
    assert len(buffer) == 0


async def test_a_weight_is_taken_when_the_item_comes_in() -> None:
    """Results may be larger or smaller: the item goes on to weigh what it weighed."""
    believed: list[float] = []
    governor = PipelineGovernor(MemoryBudget("10 KiB"), weight=len)
    grow = Transformer[bytes, bytes](lambda data: data * 3, name="grow")
    shrink = Transformer[bytes, bytes](lambda data: data[:1], name="shrink")
    last = Call[bytes](lambda data: believed.append(governor.in_flight))
    grow.link_target(shrink)
    shrink.link_target(last)
    governor.govern(grow, last)
    await run(grow, [bytes(3 * KIB)] * 20)
    assert set(believed) <= {3 * KIB, 6 * KIB, 9 * KIB}
    assert governor.in_flight == 0


# Explicit slots of several


async def test_many_slots_are_taken_and_freed_at_once() -> None:
    governor = PipelineGovernor(10, name="g")
    await governor.wait_for_available_slot(7)
    assert governor.in_flight == 7
    with trio.move_on_after(1) as scope:
        await governor.wait_for_available_slot(4)
    assert scope.cancelled_caught
    assert governor.in_flight == 7
    await governor.wait_for_available_slot(3)
    governor.free_slot(5)
    governor.free_slot(5)
    assert governor.in_flight == 0


async def test_agents_hold_to_a_memory_budget_too() -> None:
    governor = PipelineGovernor(MemoryBudget("10 KiB"), name="g")
    item = bytes(6 * KIB)
    await governor.wait_for_available_slot(size_of(item))
    with trio.move_on_after(1) as scope:
        await governor.wait_for_available_slot(size_of(item))
    assert scope.cancelled_caught
    governor.free_slot(size_of(item))
    await governor.wait_for_available_slot(20 * KIB)  # alone
    assert repr(governor) == "<PipelineGovernor 'g' 20.0 of 10.0 KiB in flight>"
    governor.free_slot(20 * KIB)


async def test_whoever_waits_for_many_is_not_passed_by() -> None:
    governor = PipelineGovernor(4)
    await governor.wait_for_available_slot(3)
    order: list[int] = []

    async def take(weight: int) -> None:
        await governor.wait_for_available_slot(weight)
        order.append(weight)

    async with trio.open_nursery() as nursery:
        for weight in (4, 1):
            nursery.start_soon(take, weight)
            await wait_all_tasks_blocked()
        governor.free_slot(2)
        await wait_all_tasks_blocked()
        assert order == []
        governor.free_slot()
        await wait_all_tasks_blocked()
        assert order == [4]
        governor.free_slot(4)
    assert order == [4, 1]


async def test_more_than_was_taken_cannot_be_freed() -> None:
    governor = PipelineGovernor(10, name="g")
    await governor.wait_for_available_slot(3)
    with pytest.raises(RuntimeError, match=r"governor 'g': free_slot\(4\) gives back more than the 3 that are taken"):
        governor.free_slot(4)
    governor.free_slot(3)
    with pytest.raises(RuntimeError, match=r"governor 'g': free_slot\(\) without a slot that was taken"):
        governor.free_slot(2)


@pytest.mark.parametrize("weight", [0, -1, 1.5, True, "1 KiB"])
async def test_slots_are_whole(weight: Any) -> None:
    governor = PipelineGovernor(10, name="g")
    with pytest.raises(ValueError, match="governor 'g': weight must be an int >= 1, got "):
        await governor.wait_for_available_slot(weight)
    with pytest.raises(ValueError, match="governor 'g': weight must be an int >= 1, got "):
        governor.free_slot(weight)


# Whatever becomes of the items


@attrs.frozen
class Load:
    """An item: what it weighs, and what becomes of it."""

    number: int
    weight: int
    fate: str


class Scales:
    """Knows which of the loads that pass are between the two ends of the region, and how much that is."""

    def __init__(self, governor: PipelineGovernor, heaviest: int) -> None:
        self.governor = governor
        self.most = max(governor.limit, heaviest)
        self.inside = 0

    def enter(self, load: Load) -> Load:
        self.inside += load.weight if load.fate == "passes" else 0
        self.check()
        return load

    def leave(self, load: Load) -> None:
        self.check()
        self.inside -= load.weight

    def check(self) -> None:
        assert self.inside <= self.governor.in_flight  # what is believed is never less than what is
        assert self.governor.in_flight <= self.most


def worked(load: Load) -> Load:
    if load.fate == "fails":
        raise ValueError(load)
    return load


def policy(name: str, dead: UnboundedBuffer[ErrorInfo]) -> Any:
    policies: dict[str, Any] = {"skip": "skip", "dead": DeadLetter(dead), "retry": Retry(2, then="skip")}
    return policies[name]


def check_with_trio(main: Callable[[], Any]) -> None:
    trio.run(main, clock=MockClock(autojump_threshold=0))


loads = st.lists(st.tuples(st.integers(0, 15), st.sampled_from(["passes", "fails", "filtered"])), max_size=30)


@given(
    loads,
    st.integers(1, 12),
    st.sampled_from(["skip", "dead", "retry"]),
    st.integers(1, 4),
    st.none() | st.integers(0, 9),
)
def test_the_sum_of_weights_holds_whatever_becomes_of_the_items(
    given: list[tuple[int, str]], limit: int, on_error: str, concurrency: int, cancel_after: int | None
) -> None:
    async def main() -> None:
        dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer(name="dead")
        governor = PipelineGovernor(limit, weight=lambda load: load.weight)
        scales = Scales(governor, max((weight for weight, _ in given), default=0))

        async def work(load: Load) -> Load:
            await trio.sleep(load.number % 3)
            return worked(load)

        first = Transformer(scales.enter, name="first")
        second: Transformer[Load, Load] = Transformer(
            work, concurrency=concurrency, on_error=policy(on_error, dead), name="second"
        )
        side = Call[Load](lambda load: None, filter=lambda load: load.fate == "filtered", name="side")
        last = Call(scales.leave, name="last")
        first.link_target(side)
        first.link_target(second)
        second.link_target(last)
        governor.govern(first, last)
        async with Network(first) as network:
            for number, (weight, fate) in enumerate(given):
                if number == cancel_after:
                    network.cancel()
                await first.send(Load(number, weight, fate))
        assert governor.in_flight == 0
        assert network.balance().ok

    check_with_trio(main)


def test_the_sum_of_weights_holds_where_workers_do_the_work() -> None:
    governor = PipelineGovernor(20, weight=lambda load: load.weight)
    scales = Scales(governor, 7)
    first = Transformer(scales.enter, name="first")
    last = Call(scales.leave, name="last")
    with Threads(3) as threads:
        second = Transformer(worked, executor=threads, concurrency=3, on_error="skip", name="second")
        first.link_target(second)
        second.link_target(last)
        governor.govern(first, last)
        fates = ["passes", "passes", "fails"]
        trio.run(run, first, [Load(n, n % 8, fates[n % 3]) for n in range(500)])  # by a clock that does not jump
    assert scales.inside == governor.in_flight == 0


async def test_what_one_item_is_turned_into_is_counted_until_all_of_it_has_left() -> None:
    governor = PipelineGovernor(10, weight=lambda item: 4)
    many = TransformMany[int, int](range, name="many")
    governor.govern(many, many)
    collector: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(many):
        await many.send(3)
        await wait_all_tasks_blocked()
        assert governor.in_flight == 4  # three items, of one weight that is known
        for _ in range(2):
            assert await many.receive() in range(3)
            assert governor.in_flight == 4
        await many.receive()
        assert governor.in_flight == 0
    assert contents(collector) == []


async def test_items_merged_into_a_batch_weigh_like_one() -> None:
    governor = PipelineGovernor(10, weight=lambda item: item)
    batch: Batch[int] = Batch(3, name="batch")
    governor.govern(batch, batch)
    collected: list[float] = []
    async with Network(batch):
        for item in (1, 5, 2):
            await batch.send(item)
        await wait_all_tasks_blocked()
        collected.append(governor.in_flight)
        assert await batch.receive() == [1, 5, 2]
    assert collected == [5]  # the heaviest: see docs/how-to/bound-memory.md


async def test_a_cancelled_network_leaves_no_bytes_behind() -> None:
    governor = PipelineGovernor(MemoryBudget("10 KiB"))

    async def hold(item: bytes) -> None:
        await trio.sleep_forever()

    block = Call(hold, concurrency=3)
    governor.govern(block, block)
    async with Network(block) as network:
        for _ in range(3):
            await block.send(bytes(3 * KIB))
        with trio.move_on_after(1):
            await block.send(bytes(3 * KIB))
        assert governor.in_flight > 9 * KIB
        network.cancel()
    assert governor.in_flight == 0
    await governor.wait_for_empty()


async def test_links_are_held_to_the_budget() -> None:
    source: UnboundedBuffer[bytes] = UnboundedBuffer()
    relay = Transformer[bytes, bytes](lambda data: data)
    collector = linked(relay)
    source.link_target(relay)
    governor = PipelineGovernor(MemoryBudget("2 KiB"))
    governor.govern(relay, relay)
    await run(source, [bytes(n * 100) for n in range(40)])
    assert [len(data) for data in contents(collector)] == [n * 100 for n in range(40)]
    assert governor.in_flight == 0
