"""The probes: a test gives items one by one, takes results one by one, and sees who waits for whom."""

import re
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import Batch, BoundedBuffer, Network, Stalled, Take, Transformer
from penstock.blocks.testing import Collector, ProbeSink, ProbeSource
from tests.blocks.tools import faults, notes


def tenfold(item: int) -> int:
    return item * 10


class Pipeline:
    """A probe source, a block of one item at a time, and a probe sink."""

    def __init__(self, block: Any = None) -> None:
        self.source: ProbeSource[int] = ProbeSource("feed")
        self.block = block or Transformer(tenfold_later, capacity=1, window=1, name="work")
        self.sink: ProbeSink[int] = ProbeSink("out")
        self.source.link_target(self.block)
        self.block.link_target(self.sink)
        self.network = Network(self.source)


async def tenfold_later(item: int) -> int:
    await trio.sleep(1)
    return item * 10


# The sink


async def test_results_come_one_by_one_when_the_test_asks() -> None:
    at = Pipeline()
    async with at.network:
        await at.source.expect_taken(1)
        await at.sink.expect(10)
        await at.source.expect_taken(2)
        assert await at.sink.receive() == 20
        at.source.complete()
        await at.sink.expect_end()
    assert at.sink.received == [10, 20]
    assert at.network.balance().ok


async def test_a_pipeline_fills_up_while_the_test_asks_for_nothing() -> None:
    at = Pipeline()
    async with at.network:
        await at.source.expect_taken(1)
        await trio.sleep(5)
        await at.source.expect_taken(2)
        await trio.sleep(5)
        await at.source.expect_blocked(3)
        await at.sink.expect(10)
        await at.sink.expect(20, 30)
    assert at.sink.is_finished


async def test_nothing_comes_that_was_not_asked_for() -> None:
    sink: ProbeSink[int] = ProbeSink("out")
    buffer: BoundedBuffer[int] = BoundedBuffer(5)
    buffer.link_target(sink)
    async with Network(buffer):
        for item in range(5):
            await buffer.send(item)
        await wait_all_tasks_blocked()
        assert len(buffer) == 5
        await sink.expect(0, 1)
        await wait_all_tasks_blocked()
        assert len(buffer) == 3
        await sink.expect(2, 3, 4)


async def test_a_sender_waits_until_the_test_asks() -> None:
    sink: ProbeSink[int] = ProbeSink("out")
    sent: list[int] = []

    async def send() -> None:
        for item in range(3):
            await sink.send(item)
            sent.append(item)
        sink.complete()

    async with Network(sink), trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert sent == []
        await sink.expect(0)
        await wait_all_tasks_blocked()
        assert sent == [0]
        await sink.expect(1, 2)
        await sink.expect_end()


@pytest.mark.parametrize(
    ("items", "expected", "message"),
    [
        ([1], [2], "probe sink 'out': expected 2, got 1 (received nothing before)"),
        ([1, 3], [1, 2], "probe sink 'out': expected 2, got 3 (received before: [1])"),
        ([1], [1, 2], "probe sink 'out': expected 2, got the end (received before: [1])"),
        ([], [1], "probe sink 'out': expected 1, got the end (received nothing before)"),
    ],
)
async def test_what_does_not_come_as_expected_is_told(items: list[int], expected: list[int], message: str) -> None:
    sink: ProbeSink[int] = ProbeSink("out")
    buffer: BoundedBuffer[int] = BoundedBuffer(5)
    buffer.link_target(sink)
    with faults(AssertionError) as found:
        async with Network(buffer):
            for item in items:
                await buffer.send(item)
            buffer.complete()
            await sink.expect(*expected)
    assert str(found[0]) == message


async def test_what_does_not_come_in_time_is_told() -> None:
    at = Pipeline()
    start = trio.current_time()
    with faults(AssertionError) as found:
        async with at.network, trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 1000)  # so that it might still come
            await at.sink.expect(10)
    message = "probe sink 'out': expected 10, and nothing came within 5 s (received nothing before)"
    assert str(found[0]) == message
    assert trio.current_time() - start == 5


async def test_a_report_says_where_the_items_are_that_do_not_come() -> None:
    source: ProbeSource[int] = ProbeSource("feed")
    batch: Batch[int] = Batch(3, name="b")
    sink: ProbeSink[list[int]] = ProbeSink("out")
    source.link_target(batch)
    batch.link_target(sink)
    with faults(AssertionError) as found:
        async with Network(source):
            await source.expect_taken(1)
            await sink.expect([1])
    assert "<Batch 'b' open, 1 held>" in notes(found[0])[0]


async def test_results_that_the_test_never_asks_for_are_reported() -> None:
    at = Pipeline(Transformer(tenfold, name="work"))
    with faults(Stalled) as found:
        async with at.network:
            await at.source.expect_taken(1)
    assert "it is offered to probe sink 'out', but the test has asked for no more" in found[0].report


async def test_that_nothing_comes_can_be_expected() -> None:
    at = Pipeline()
    async with at.network:
        await at.sink.expect_nothing()
        await at.source.expect_taken(1)
        await at.sink.expect_nothing()
        await at.sink.expect_nothing(seconds=0.5)
        with pytest.raises(AssertionError, match=re.escape("expected nothing, got 10 (received nothing before)")):
            await at.sink.expect_nothing(seconds=9)
        await at.source.expect_taken(2)
        await trio.sleep(2)
        with pytest.raises(AssertionError, match=re.escape("expected nothing, got 20 (received before: [10])")):
            await at.sink.expect_nothing()
        at.source.complete()
        await at.sink.expect_end()
        await at.sink.expect_nothing()


async def test_that_no_end_comes_is_told() -> None:
    at = Pipeline()
    async with at.network:
        await at.source.expect_taken(1)
        with pytest.raises(AssertionError, match=re.escape("expected the end, got 10 (received nothing before)")):
            await at.sink.expect_end()


async def test_a_receive_that_was_cancelled_has_asked_for_nothing() -> None:
    at = Pipeline()
    async with at.network:
        with trio.move_on_after(1):
            await at.sink.receive()
        await at.source.expect_taken(1)
        await trio.sleep(5)
        await at.source.expect_taken(2)
        await trio.sleep(5)
        await at.source.expect_blocked(3)
        await at.sink.expect(10, 20, 30)


async def test_a_network_that_stops_wakes_the_test() -> None:
    at = Pipeline()
    async with trio.open_nursery() as nursery, at.network:
        nursery.start_soon(wait_for_break, at.sink)
        await wait_all_tasks_blocked()
        at.network.cancel()


async def wait_for_break(sink: ProbeSink[int]) -> None:
    with pytest.raises(trio.BrokenResourceError):
        await sink.receive()


def test_the_time_of_a_sink_is_checked() -> None:
    with pytest.raises(ValueError, match="probe sink 'out': seconds must be a number > 0, got 0"):
        ProbeSink("out", seconds=0)


async def test_a_governor_sees_the_probes() -> None:
    at = Pipeline(Transformer(tenfold, name="work"))
    PipelineGovernor(2).govern(at.block, at.block)
    async with at.network:
        await at.source.expect_taken(1, 2)
        await at.source.expect_blocked(3)
        await at.sink.expect(10)  # now 3 comes in
        await at.source.expect_blocked(4)
        await at.sink.expect(20, 30, 40)


# The source


async def test_an_item_that_is_not_taken_is_told() -> None:
    at = Pipeline()
    async with at.network as network:
        await at.source.expect_taken(1)
        with pytest.raises(AssertionError, match="probe source 'feed': 2 was not taken: probe source 'feed' has"):
            await at.source.expect_taken(2)
        with pytest.raises(AssertionError, match="probe source 'feed': the item before 3 is not taken yet"):
            await at.source.expect_taken(3)
        network.cancel()


async def test_an_item_that_is_taken_is_told_if_the_test_expects_that_it_waits() -> None:
    at = Pipeline()
    async with at.network as network:
        with pytest.raises(AssertionError, match="probe source 'feed': 1 was taken; the pipeline has room for more"):
            await at.source.expect_blocked(1)
        network.cancel()


async def test_a_source_sees_that_nothing_more_is_needed() -> None:
    source: ProbeSource[int] = ProbeSource("feed")
    few: Take[int] = Take(2)
    collector: Collector[int] = Collector("all")
    source.link_target(few)
    few.link_target(collector)
    async with Network(source):
        await source.expect_taken(1)
        with pytest.raises(AssertionError, match="probe source 'feed': the pipeline still takes items"):
            await source.expect_not_needed()
        await source.expect_taken(2)
        await source.expect_not_needed()
    assert collector.items == [1, 2]


async def test_a_collector_keeps_everything() -> None:
    collector: Collector[int] = Collector()
    assert collector.name.startswith("Collector-")
    async with Network(collector):
        for item in range(3):
            await collector.send(item)
    assert collector.items == [0, 1, 2]
