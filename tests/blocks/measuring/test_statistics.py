"""Every number that a network tells about itself, moved to a known value."""

import threading

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    Batch,
    Block,
    BlockStatistics,
    BoundedBuffer,
    Call,
    DeadLetter,
    IterableSource,
    Network,
    Retry,
    Threads,
    Times,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.timing import time_slice
from tests.blocks.clock import Clock, every
from tests.blocks.tools import Fussy, faults


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time_slice, "clock", clock)
    return clock


def numbers(block: Block) -> BlockStatistics:
    assert block.network is not None
    return block.network.statistics()[block.name]


async def test_items_are_counted_where_they_come_in_and_go_out() -> None:
    source = IterableSource(range(10))
    double, even, end = Transformer[int, int](lambda n: 2 * n), BoundedBuffer[int](5), Call[int](abs)
    source.link_target(double)
    double.link_target(even)
    even.link_target(end)
    async with Network(source):
        pass
    for block in (source, double, even):
        assert (numbers(block).received, numbers(block).emitted) == (10, 10)
    assert (numbers(end).received, numbers(end).emitted, numbers(end).consumed) == (10, 0, 10)


async def test_items_that_became_others_are_counted_as_they_are() -> None:
    twice, pairs, end = TransformMany[int, int](lambda n: [n, n]), Batch[int](4), UnboundedBuffer[list[int]]()
    twice.link_target(pairs)
    pairs.link_target(end)
    async with Network(twice):
        for n in range(4):
            await twice.send(n)
    assert (numbers(twice).received, numbers(twice).consumed, numbers(twice).emitted) == (4, 4, 8)
    assert (numbers(pairs).received, numbers(pairs).emitted) == (8, 2)


async def test_what_the_policies_do_is_counted_by_what_it_was() -> None:
    lost: UnboundedBuffer[object] = UnboundedBuffer(name="lost")
    skips = Call[int](Fussy(1, 3), on_error="skip", name="skips")
    letters = Call[int](Fussy(1), on_error=DeadLetter(lost), name="letters")
    retries = Call[int](Fussy(2, times=1), on_error=Retry(3, backoff=0), name="retries")
    async with Network(skips, letters, retries):
        for n in range(5):
            for block in (skips, letters, retries):
                await block.send(n)
    assert (numbers(skips).failed, numbers(skips).retried, numbers(skips).dropped) == (2, 0, {"skipped": 2})
    assert (numbers(letters).failed, numbers(letters).dead_lettered) == (1, 1)
    assert (numbers(retries).failed, numbers(retries).retried, numbers(retries).consumed) == (0, 1, 5)


async def test_a_fault_has_failed_and_what_was_left_is_discarded() -> None:
    call = Call[int](Fussy(0), name="call")
    with faults(ValueError):
        async with Network(call):
            for n in range(3):
                await call.send(n)
    assert (numbers(call).failed, numbers(call).dropped, numbers(call).discarded) == (1, {"fault": 1}, 2)


@pytest.mark.usefixtures("real_time")
async def test_what_was_handed_to_busy_workers_waits() -> None:
    gate, began = threading.Event(), threading.Semaphore(0)

    def wait(n: int) -> None:
        began.release()
        assert gate.wait(60)

    call = Call[int](wait, executor=Threads(2), concurrency=2, name="call")
    async with Network(call):
        for n in range(20):
            await call.send(n)
        try:
            for _ in range(2):
                assert await trio.to_thread.run_sync(began.acquire, True, 60)
            await wait_all_tasks_blocked()
            assert (numbers(call).queued, numbers(call).in_work, numbers(call).held) == (18, 2, 20)
            assert "18 waiting, 2 in work" in repr(call)
        finally:
            gate.set()
    assert (numbers(call).queued, numbers(call).in_work) == (0, 0)


@pytest.mark.usefixtures("clock")  # which stands still, so that nobody's time slice ends between two sends
async def test_the_queue_is_known_now_and_at_its_longest() -> None:
    gate = trio.Event()

    async def wait(n: int) -> None:
        await gate.wait()

    buffer, call = BoundedBuffer[int](10, name="buffer"), Call[int](wait, concurrency=2, capacity=5, name="call")
    buffer.link_target(call)
    async with Network(buffer):
        for n in range(9):
            await buffer.send(n)
        await wait_all_tasks_blocked()
        assert (numbers(call).queued, numbers(call).in_work, numbers(call).held) == (3, 2, 5)
        assert (numbers(buffer).queued, numbers(buffer).most_queued) == (4, 9)
        gate.set()
    assert (numbers(call).queued, numbers(call).most_queued, numbers(call).in_work) == (0, 5, 0)
    assert (numbers(buffer).queued, numbers(buffer).most_queued) == (0, 9)


async def test_a_peak_between_two_looks_is_not_missed() -> None:
    buffer = UnboundedBuffer[int](name="buffer")
    async with Network(buffer):
        for _ in range(3):
            for n in range(7):
                await buffer.send(n)
            for _ in range(7):
                buffer.receive_nowait()
    assert numbers(buffer).most_queued == 7


async def test_service_times_are_those_of_the_calls(clock: Clock) -> None:
    def work(n: int) -> int:
        clock.now += n
        return n

    async def work_in_tasks(n: int) -> None:
        clock.now += 2 * n

    def expand(n: int) -> list[int]:
        clock.now += 0.5
        return [n]

    first, many, last = Transformer[int, int](work), TransformMany[int, int](expand), Call[int](work_in_tasks)
    first.link_target(many)
    many.link_target(last)
    async with Network(first):
        for _ in range(4):
            await first.send(1)
    assert numbers(first).service == every(1.0, 4)
    assert numbers(many).service == every(0.5, 4)
    assert numbers(last).service == every(2.0, 4)
    assert [(numbers(block).place, numbers(block).at_once) for block in (first, last)] == [("loop", 1), ("tasks", 1)]


async def test_a_call_that_fails_takes_time_too(clock: Clock) -> None:
    def fail(n: int) -> None:
        clock.now += 1
        raise ValueError(n)

    async def fail_in_tasks(n: int) -> None:
        fail(n)

    inline = Call[int](fail, on_error=Retry(2, backoff=0, then="skip"), name="inline")
    tasks = Call[int](fail_in_tasks, on_error=Retry(2, backoff=0, then="skip"), name="tasks")
    async with Network(inline, tasks):
        await inline.send(1)
        await tasks.send(1)
    assert numbers(inline).service == every(1.0, 3)
    assert numbers(tasks).service == every(1.0, 3)


async def test_a_reader_is_measured_as_well(clock: Clock) -> None:
    def read() -> object:
        for n in range(3):
            clock.now += 2
            yield n

    async def read_in_tasks() -> object:
        for n in range(3):
            clock.now += 3
            yield n

    plain: IterableSource[int] = IterableSource(read(), name="plain")  # type: ignore[arg-type]
    tasks: IterableSource[int] = IterableSource(read_in_tasks(), name="tasks")  # type: ignore[arg-type]
    plain.link_target(Call[int](abs))
    tasks.link_target(Call[int](abs))
    async with Network(plain, tasks):
        pass
    assert numbers(plain).service == every(2.0, 3)
    assert numbers(tasks).service == every(3.0, 3)


async def test_a_block_that_has_nothing_to_do_waits_for_input(clock: Clock) -> None:
    call = Call[int](abs, name="call")
    async with Network(call):
        await clock.passes(5)
        await call.send(1)
        await clock.passes(5)
        assert numbers(call).wait_for_input == every(5.0, 2)
        await call.send(1)
        assert numbers(call).wait_for_input == every(5.0, 2)
    assert numbers(call).wait_for_output == Times()


async def test_a_block_whose_results_nobody_takes_waits_for_output(clock: Clock) -> None:
    first, full = Transformer[int, int](abs, name="first"), BoundedBuffer[int](1, name="full")
    source = IterableSource(range(9), name="source")
    source.link_target(first)
    first.link_target(full)
    async with Network(source):
        await clock.passes(4)
        assert numbers(first).wait_for_output == every(4.0, 1)
        assert full.receive_nowait() == 0
        await clock.passes(4)
        assert numbers(first).wait_for_output == every(4.0, 2)
        async for _ in full:
            pass
    assert numbers(first).wait_for_output.total == 8.0  # and the moments in which the rest went out one by one
    assert numbers(first).wait_for_input.total == 0.0


async def test_a_source_whose_items_nobody_takes_waits_for_output(clock: Clock) -> None:
    source, full = IterableSource(range(3), name="source"), BoundedBuffer[int](1)
    source.link_target(full)
    async with Network(source):
        await clock.passes(4)
        assert numbers(source).wait_for_output == every(4.0, 1)
        async for _ in full:
            pass


async def test_of_a_buffer_it_is_known_how_long_tasks_waited_at_it(clock: Clock) -> None:
    buffer = BoundedBuffer[int](1, name="buffer")

    async def send() -> None:
        await clock.passes(3)
        await buffer.send(1)
        await buffer.send(2)
        await buffer.send(3)

    async with Network(buffer), trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await buffer.receive()
        await clock.passes(2)
        await buffer.receive()
        await buffer.receive()
    assert numbers(buffer).wait_for_input == every(3.0, 1)
    assert numbers(buffer).wait_for_output == every(2.0, 1)


async def test_throughput_is_told_with_and_without_filling_and_draining(clock: Clock) -> None:
    def work(n: int) -> None:
        clock.now += 1

    call = Call[int](work, name="call")
    async with Network(call) as network:
        await clock.passes(4)
        for n in range(3):
            await call.send(n)
        await clock.passes(9)
    assert network.statistics().seconds == 16
    assert numbers(call).throughput == 3 / 16
    assert numbers(call).steady_throughput == 1.0


async def test_the_body_is_measured_like_an_agent(clock: Clock) -> None:
    slow = BoundedBuffer[int](2, name="slow")
    async with Network(slow) as network:
        assert network.statistics().body.status == "running"
        await slow.send(1)
        await slow.send(2)

        async def take() -> None:
            await clock.passes(7)
            slow.receive_nowait()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take)
            await slow.send(3)
        assert await slow.receive() == 2
        assert slow.receive_nowait() == 3
    body = network.statistics().body
    assert (body.status, body.received, body.emitted, body.seconds) == ("done", 2, 3, 7.0)
    assert body.wait_for_output == every(7.0, 1)


async def test_a_wait_that_goes_on_is_in_the_numbers(clock: Clock) -> None:
    buffer = BoundedBuffer[int](1, name="buffer")
    async with Network(buffer) as network, trio.open_nursery() as nursery:

        async def look() -> None:
            await clock.passes(6)
            assert network.statistics().body.wait_for_input == every(6.0, 1)
            await buffer.send(1)

        nursery.start_soon(look)
        await buffer.receive()


async def test_what_the_task_of_the_body_does_after_it_does_not_count(clock: Clock) -> None:
    call, other = Call[int](abs, name="call"), UnboundedBuffer[int](name="other")
    async with Network(call) as network:
        await call.send(1)

    async def look() -> None:
        await clock.passes(6)
        assert network.statistics().body.wait_for_input.count == 0
        await other.send(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        await other.receive()


async def test_what_was_sent_on_credit_is_counted_for_its_sender() -> None:
    call = Call[int](abs, name="call")
    async with Network(call) as network:
        for n in range(1000):
            await call.send(n)
            if n % 7 == 0:
                assert network.statistics().body.emitted == n + 1
    assert network.statistics().body.emitted == 1000


async def test_before_and_after_a_run_there_are_numbers_too() -> None:
    call = Call[int](abs, name="call")
    network = Network(call, name="n")
    before = network.statistics()
    assert (before.seconds, before.is_running, before.blocks, before.body.seconds) == (0.0, False, (), 0.0)
    async with network:
        assert network.statistics().is_running
    assert not network.statistics().is_running


async def test_names_that_are_not_there_are_explained() -> None:
    call = Call[int](abs, name="call")
    async with Network(call) as network:
        pass
    statistics = network.statistics()
    assert statistics["call"].name == "call"
    with pytest.raises(KeyError, match="no block 'cal'; there are 'call'"):
        statistics["cal"]
    with pytest.raises(KeyError, match="no agent 'a'; there are none"):
        statistics.agent("a")
    with pytest.raises(KeyError, match="no governor 'g'; there are none"):
        statistics.governor("g")
