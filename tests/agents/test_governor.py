"""The governor: slots that cannot leak."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    DeadLetter,
    ErrorInfo,
    IterableSource,
    Join,
    MessageStatus,
    Network,
    Stalled,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.base.timing import time_slice
from penstock.blocks.core.block_core import BlockCore
from tests.blocks.tools import Fussy, contents, faults, linked, notes, run


class Gauge:
    """An async function that waits until it is let go, and knows how many are in it."""

    def __init__(self) -> None:
        self.inside: list[Any] = []
        self.most = 0

    async def __call__(self, item: Any) -> Any:
        self.inside.append(item)
        self.most = max(self.most, len(self.inside))
        await trio.sleep(1)
        self.inside.remove(item)
        return item


@pytest.mark.parametrize(
    ("limit", "weight", "message"),
    [
        (0, None, "governor 'g': limit must be an int >= 1, got 0"),
        (1.5, None, "governor 'g': limit must be an int >= 1, got 1.5"),
        (True, None, "governor 'g': limit must be an int >= 1, got True"),
        (0, len, "governor 'g': limit must be a number > 0, got 0"),
        (float("nan"), len, "governor 'g': limit must be a number > 0, got nan"),
    ],
)
def test_its_limit_is_checked(limit: Any, weight: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PipelineGovernor(limit, weight=weight, name="g")


def test_it_shows_how_much_is_in_flight() -> None:
    governor = PipelineGovernor(20, name="g")
    assert str(governor) == "governor 'g'"
    assert repr(governor) == "<PipelineGovernor 'g' 0 of 20 in flight>"
    assert PipelineGovernor(1).name.startswith("PipelineGovernor-")


# Explicit slots


async def test_slots_are_taken_and_freed() -> None:
    governor = PipelineGovernor(2)
    await governor.wait_for_available_slot()
    await governor.wait_for_available_slot()
    assert governor.in_flight == 2
    with trio.move_on_after(1) as scope:
        await governor.wait_for_available_slot()
    assert scope.cancelled_caught
    governor.free_slot()
    await governor.wait_for_available_slot()
    assert governor.in_flight == 2


def test_freeing_what_was_not_taken_is_an_error() -> None:
    with pytest.raises(
        RuntimeError, match=re.escape("governor 'g': free_slot() without a slot that was taken; take it")
    ):
        PipelineGovernor(1, name="g").free_slot()


async def test_waiters_are_served_first_come_first_served() -> None:
    governor = PipelineGovernor(1)
    await governor.wait_for_available_slot()
    order: list[int] = []

    async def take(number: int) -> None:
        await governor.wait_for_available_slot()
        order.append(number)

    async with trio.open_nursery() as nursery:
        for n in range(3):
            nursery.start_soon(take, n)
            await wait_all_tasks_blocked()
        for n in range(3):
            governor.free_slot()
            await wait_all_tasks_blocked()
            assert order == list(range(n + 1))


async def test_a_waiter_that_is_cancelled_holds_no_slot() -> None:
    governor = PipelineGovernor(1)
    await governor.wait_for_available_slot()
    with trio.move_on_after(1):
        await governor.wait_for_available_slot()
    with trio.CancelScope() as scope:
        scope.cancel()
        await governor.wait_for_available_slot()
    assert scope.cancelled_caught
    governor.free_slot()
    assert governor.in_flight == 0


async def test_waiting_for_empty_ends_when_nothing_is_in_flight() -> None:
    governor = PipelineGovernor(3)
    await governor.wait_for_empty()
    for _ in range(2):
        await governor.wait_for_available_slot()
    ended: list[bool] = []

    async def wait() -> None:
        await governor.wait_for_empty()
        ended.append(True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        governor.free_slot()
        await wait_all_tasks_blocked()
        assert not ended
        governor.free_slot()
    assert ended == [True]
    with trio.CancelScope() as scope:
        scope.cancel()
        await governor.wait_for_empty()
    assert scope.cancelled_caught


async def test_a_light_wait_goes_on_when_the_heavier_wait_before_it_is_cancelled() -> None:
    governor = PipelineGovernor(3)
    await governor.wait_for_available_slot(2)

    async with trio.open_nursery() as nursery, trio.open_nursery() as impatient:
        impatient.start_soon(governor.wait_for_available_slot, 2)
        await wait_all_tasks_blocked()
        nursery.start_soon(governor.wait_for_available_slot, 1)
        await wait_all_tasks_blocked()
        assert governor.in_flight == 2
        impatient.cancel_scope.cancel()
    assert governor.in_flight == 3


# A governed region


async def test_no_more_than_the_limit_are_between_first_and_last() -> None:
    gauge = Gauge()
    first: Transformer[int, int] = Transformer(gauge, concurrency=5)
    last = Transformer[int, int](lambda n: n)
    first.link_target(last)
    collector = linked(last)
    governor = PipelineGovernor(3)
    governor.govern(first, last)
    await run(first, range(20))
    assert contents(collector) == list(range(20))
    assert gauge.most == 3
    assert governor.in_flight == 0


async def test_items_that_end_on_the_way_give_their_slot_back() -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    first: Transformer[int, int] = Transformer(Fussy(1, 2), on_error="skip", name="first")
    second: Transformer[int, int] = Transformer(Fussy(30, 40), on_error=DeadLetter(dead), name="second")
    drop: BoundedBuffer[int] = BoundedBuffer(1, overflow="drop_newest", name="drop")
    side: UnboundedBuffer[int] = UnboundedBuffer(name="side")
    batch: Batch[int] = Batch(2, max_seconds=5, name="batch")
    gauge = Gauge()
    last = Call(gauge, name="last")
    first.link_target(second)
    second.link_target(side, filter=lambda n: n == 500)
    second.link_target(drop)
    drop.link_target(batch)
    batch.link_target(last)
    governor = PipelineGovernor(4)
    governor.govern(first, last)
    async with Network(first):
        for n in range(40):
            await first.send(n)
        with trio.fail_after(1_000):
            await governor.wait_for_empty()
        assert governor.in_flight == 0
    assert contents(side) == [500]


async def test_senders_and_links_wait_for_a_slot() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    feeder: UnboundedBuffer[int] = UnboundedBuffer()
    feeder.link_target(buffer)
    governor = PipelineGovernor(2, name="g")
    governor.govern(buffer, buffer)
    async with Network(feeder), trio.open_nursery() as nursery:
        for n in range(5):
            await feeder.send(n)
        await wait_all_tasks_blocked()
        assert len(buffer) == 2
        assert buffer.offer(9) is MessageStatus.POSTPONED
        nursery.start_soon(buffer.send, 9)
        await wait_all_tasks_blocked()
        got = [await buffer.receive() for _ in range(6)]
    assert sorted(got) == [0, 1, 2, 3, 4, 9]


async def test_a_quick_sender_is_bounded_too() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    for n in range(20):
        await buffer.send(n)
    governor = PipelineGovernor(30)
    governor.govern(buffer, buffer)
    assert governor.in_flight == 20
    with trio.move_on_after(1):
        while True:
            await buffer.send(0)
    assert len(buffer) == 30


async def test_outside_a_network_slots_are_given_back_at_once() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    governor = PipelineGovernor(1)
    governor.govern(buffer, buffer)
    buffer.send_nowait(1)
    with pytest.raises(trio.WouldBlock):
        buffer.send_nowait(2)
    assert buffer.receive_nowait() == 1
    buffer.send_nowait(2)


async def test_a_region_with_branches_counts_every_copy() -> None:
    broadcast: Broadcast[int] = Broadcast()
    gauge = Gauge()
    last = Call(gauge, concurrency=10)
    for _ in range(2):
        branch = Transformer[int, int](lambda n: n)
        broadcast.link_target(branch)
        branch.link_target(last)
    governor = PipelineGovernor(4)
    governor.govern(broadcast, last)
    await run(broadcast, range(10))
    assert gauge.most <= 8  # each of the four that were let in is two now


async def test_explicit_slots_and_governed_items_share_the_limit() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    governor = PipelineGovernor(2)
    governor.govern(buffer, buffer)
    async with Network(buffer), trio.open_nursery() as nursery:
        await governor.wait_for_available_slot()
        await buffer.send(1)
        with pytest.raises(trio.WouldBlock):
            buffer.send_nowait(2)
        nursery.start_soon(buffer.send, 2)
        await wait_all_tasks_blocked()
        governor.free_slot()
        await wait_all_tasks_blocked()
        assert len(buffer) == 2
        nursery.start_soon(governor.wait_for_available_slot)
        await wait_all_tasks_blocked()
        assert await buffer.receive() == 1
        await wait_all_tasks_blocked()
        assert governor.in_flight == 2
        governor.free_slot()
        assert await buffer.receive() == 2


async def test_a_region_needs_a_path() -> None:
    first: UnboundedBuffer[int] = UnboundedBuffer(name="first")
    last: UnboundedBuffer[int] = UnboundedBuffer(name="last")
    last.link_target(first)
    with pytest.raises(
        ValueError, match=r"governor 'g': no path of links leads from .*'first' to .*'last'; link the bloc"
    ):
        PipelineGovernor(1, name="g").govern(first, last)


async def test_a_first_block_has_one_governor_and_a_governor_one_region() -> None:
    first: UnboundedBuffer[int] = UnboundedBuffer(name="first")
    second: UnboundedBuffer[int] = UnboundedBuffer(name="second")
    governor = PipelineGovernor(1, name="g")
    governor.govern(first, first)
    with pytest.raises(ValueError, match="unbounded buffer 'first' is governed already"):
        PipelineGovernor(1).govern(first, first)
    with pytest.raises(ValueError, match="governor 'g' governs already; make another one"):
        governor.govern(second, second)


async def test_two_regions_can_overlap() -> None:
    gauge = Gauge()
    first = Transformer[int, int](lambda n: n)
    last = Transformer(gauge, concurrency=10)
    first.link_target(last)
    collector = linked(last)
    PipelineGovernor(5).govern(first, last)
    PipelineGovernor(2).govern(last, last)
    await run(first, range(20))
    assert contents(collector) == list(range(20))
    assert gauge.most == 2


async def test_a_region_can_be_governed_while_it_runs() -> None:
    gauge = Gauge()
    block = Transformer(gauge, concurrency=10)
    collector = linked(block)
    async with Network(block):
        PipelineGovernor(2).govern(block, block)
        for n in range(10):
            await block.send(n)
    assert len(collector) == 10
    assert gauge.most == 2


# Weights


async def test_with_weights_the_sum_is_bounded() -> None:
    buffer: UnboundedBuffer[str] = UnboundedBuffer()
    governor = PipelineGovernor(10, weight=len)
    governor.govern(buffer, buffer)
    buffer.send_nowait("xxxx")
    buffer.send_nowait("xxxxx")
    assert governor.in_flight == 9
    with pytest.raises(trio.WouldBlock):
        buffer.send_nowait("xx")
    buffer.send_nowait("x")
    assert governor.in_flight == 10


async def test_one_that_is_heavier_than_the_limit_goes_alone() -> None:
    buffer: UnboundedBuffer[str] = UnboundedBuffer()
    governor = PipelineGovernor(3, weight=len)
    governor.govern(buffer, buffer)
    buffer.send_nowait("xxxxxxxx")
    with pytest.raises(trio.WouldBlock):
        buffer.send_nowait("x")
    assert len(buffer.receive_nowait()) == 8
    buffer.send_nowait("x")
    with pytest.raises(trio.WouldBlock):
        buffer.send_nowait("xxxx")


async def test_what_is_in_flight_is_never_believed_to_be_less_than_it_is() -> None:
    block = Transformer[str, str](lambda word: word)
    collector = linked(block)
    governor = PipelineGovernor(10, weight=len)
    governor.govern(block, block)
    await run(block, ["x" * (n % 7) for n in range(50)])
    assert len(collector) == 50
    assert governor.in_flight == 0


async def test_linked_batches_are_weighed_item_by_item() -> None:
    source: UnboundedBuffer[str] = UnboundedBuffer()
    target: UnboundedBuffer[str] = UnboundedBuffer()
    source.link_target(target)
    governor = PipelineGovernor(3, weight=len)
    governor.govern(target, target)
    async with Network(source):
        for _ in range(4):
            await source.send("xx")
        await wait_all_tasks_blocked()
        assert len(target) == 1
        for _ in range(4):
            assert await target.receive() == "xx"


# Ending


async def test_a_standstill_names_the_governor() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="source")
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    source.link_target(buffer)
    buffer.link_target(UnboundedBuffer(), filter=lambda n: False)
    governor = PipelineGovernor(1, name="g")
    governor.govern(buffer, buffer)
    with faults(Stalled) as found:
        await run(source, range(3))
    assert "governor 'g' lets nothing in (1 of 1 in flight)" in found[0].report


@pytest.mark.parametrize("how", ["cancel", "fault"])
async def test_everybody_who_waits_is_woken_when_the_network_stops(how: str) -> None:
    def fail(item: int) -> None:
        raise ValueError

    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    call: Call[int] = Call(fail)
    governor = PipelineGovernor(1, name="g")
    governor.govern(buffer, buffer)
    woken: list[str] = []

    async def wait(what: str) -> None:
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "slot": governor.wait_for_available_slot,
            "empty": governor.wait_for_empty,
            "send": partial(buffer.send, 1),
        }
        try:
            await calls[what]()
        except trio.BrokenResourceError as error:
            woken.append(f"{what}: {error}")

    async def network() -> None:
        async with Network(buffer, call) as network:
            await buffer.send(1)
            for what in ("slot", "empty", "send"):
                nursery.start_soon(wait, what)
            await wait_all_tasks_blocked()
            if how == "cancel":
                network.cancel()
            else:
                await call.send(1)
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        if how == "cancel":
            await network()
        else:
            with faults(ValueError):
                await network()
    assert len(woken) == 3
    assert any(line.startswith("empty: governor 'g': its network ") for line in woken)


async def test_after_the_network_nobody_waits_in_vain() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    governor = PipelineGovernor(1, name="g")
    governor.govern(buffer, buffer)
    await run(buffer)
    await governor.wait_for_empty()
    await governor.wait_for_available_slot()
    with pytest.raises(trio.BrokenResourceError, match="governor 'g': its network has ended"):
        await governor.wait_for_available_slot()
    with pytest.raises(trio.BrokenResourceError, match="governor 'g': its network has ended"):
        await governor.wait_for_empty()
    governor.free_slot()


async def test_items_that_were_in_flight_when_the_network_stopped_hold_no_slot() -> None:
    block = Transformer(Gauge())
    governor = PipelineGovernor(3)
    governor.govern(block, block)
    async with Network(block) as network:
        for n in range(3):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert governor.in_flight == 3
        network.cancel()
    assert governor.in_flight == 0


async def test_when_a_heavy_waiter_gives_up_those_behind_it_are_asked() -> None:
    block = Transformer[int, int](lambda n: n)
    governor = PipelineGovernor(6, weight=lambda n: n)
    governor.govern(block, block)

    async def heavy() -> None:
        with trio.move_on_after(1):
            await block.send(3)

    async with trio.open_nursery() as nursery, Network(block):
        await block.send(5)
        nursery.start_soon(heavy)
        await wait_all_tasks_blocked()
        await block.send(1)
        block.complete()
        assert [item async for item in block] == [5, 1]


async def test_a_governed_block_that_links_and_senders_wait_for_does_not_spin() -> None:
    block = Transformer[int, int](lambda n: n)
    source: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(block)
    PipelineGovernor(1).govern(block, block)
    got: list[int] = []

    async def give_up() -> None:
        for _ in range(20_000):
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()

    async def receive() -> None:
        while len(got) < 6:
            got.append(await block.receive())
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery, Network(source) as network:
        for n in (100, 101, 102, 103):
            nursery.start_soon(block.send, n)
        await wait_all_tasks_blocked()
        for n in (2, 3):
            await source.send(n)
        await wait_all_tasks_blocked()
        nursery.start_soon(give_up)
        nursery.start_soon(receive)
        await trio.sleep_forever()
    assert sorted(got) == [2, 3, 100, 101, 102, 103]
    assert network.balance().ok


async def test_a_weight_that_raises_loses_nothing() -> None:
    source: UnboundedBuffer[Any] = UnboundedBuffer()
    block: Transformer[Any, Any] = Transformer(repr)
    last: Call[Any] = Call(print)
    source.link_target(block)
    block.link_target(last)
    governor = PipelineGovernor(10, weight=lambda word: len(word.strip("'")) if word != "None" else 1 / 0)
    governor.govern(last, last)
    with faults(ZeroDivisionError) as found:
        async with Network(source) as network:
            for word in ("a", "bb", None, "c"):
                source.send_nowait(word)
            await trio.sleep_forever()
    assert network.balance().ok
    assert not any("please report" in note for note in notes(found[0]))


def test_an_input_of_a_join_or_a_source_cannot_be_the_first_of_a_region() -> None:
    join: Join[Any] = Join(UnboundedBuffer[int](), UnboundedBuffer[int]())
    collector = linked(join)
    with pytest.raises((TypeError, ValueError)):
        PipelineGovernor(1).govern(join.inputs[0], collector)
    source = IterableSource([1])
    rest = linked(source)
    with pytest.raises(TypeError):
        PipelineGovernor(1).govern(source, rest)  # type: ignore[arg-type]  # that is the point


async def test_two_of_one_name_are_told_apart() -> None:
    first, second = UnboundedBuffer[int](name="first"), UnboundedBuffer[int](name="second")
    PipelineGovernor(2, name="few").govern(first, first)
    PipelineGovernor(3, name="few").govern(second, second)
    async with Network(first, second) as network:
        report = network.report()
    assert [governor.name for governor in report.statistics.governors] == ["few", "few-2"]
    assert report.governed == {"few": ("first",), "few-2": ("second",)}


async def test_its_numbers_are_there_without_a_network() -> None:
    governor = PipelineGovernor(2, name="few")
    await governor.wait_for_available_slot()
    numbers = governor.statistics()
    assert (numbers.name, numbers.limit, numbers.in_flight) == ("few", 2, 1)


async def test_its_name_and_its_limit_can_be_changed() -> None:
    governor = PipelineGovernor(1, name="few")
    await governor.wait_for_available_slot()
    governor.name, governor.limit = "more", 2
    await governor.wait_for_available_slot()
    assert repr(governor) == "<PipelineGovernor 'more' 2 of 2 in flight>"


async def test_a_source_is_not_asked_for_items_that_would_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slice, "clock", lambda: 0.0)  # the blocks take turns as on a quick machine
    source = IterableSource(range(1000))
    steps: list[BlockCore] = []
    step = type(source._core).step

    def spy(block: Any) -> None:
        steps.append(block)
        step(block)

    monkeypatch.setattr(type(source._core), "step", spy)
    first, last = Transformer[int, int](int), Call[int](int)
    source.link_target(first)
    first.link_target(last)
    PipelineGovernor(10).govern(first, last)
    async with Network(source):
        pass
    assert 100 <= len(steps) <= 110
