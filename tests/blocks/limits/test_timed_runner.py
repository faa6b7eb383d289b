"""Time limits of an item whose function runs in an executor."""

import math
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.blocks import (
    Call,
    Cluster,
    DeadLetter,
    ErrorInfo,
    Network,
    Processes,
    Retry,
    Threads,
    TimeLimitExceeded,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.executors.lane import Job
from penstock.blocks.executors.work import Outcome, Task
from penstock.blocks.functions.timed_runner import Beginnings, TimedRunner
from tests.blocks.executors import fake_dask
from tests.blocks.executors.kinds import ByHand, Gauge, OnLoop, turns
from tests.blocks.tools import contents, faults, linked, notes, run


def jump(seconds: float) -> None:
    """Let time pass, on the clock of a test that waits for threads."""
    cast("MockClock", trio.lowlevel.current_clock()).jump(seconds)


def runner_of(block: Any) -> TimedRunner:
    return cast("TimedRunner", block._core.runner)


def tenfold(item: int) -> int:
    return 10 * item


def limited(executor: Any, **options: Any) -> "Transformer[Any, Any]":
    function: Callable[[Any], Any] = options.pop("function", tenfold)
    return Transformer(function, executor=executor, time_limit=10, name="t", **options)


# Futures, by hand, on a clock that jumps


@pytest.mark.parametrize("kind", [Call, Transformer, TransformMany])
async def test_what_is_done_in_time_is_as_without_a_limit_and_travels_by_itself(kind: Any) -> None:
    executor = OnLoop()
    got: list[int] = []

    def note(item: int) -> list[int]:
        got.append(item)
        return [item]

    block = kind(note, executor=executor, time_limit=10)
    if kind is not Call:
        linked(block)
    network = await run(block, range(20))
    assert got == list(range(20))
    assert len(executor.all) == 20
    assert network.balance().ok
    assert trio.current_time() == 0


async def test_an_item_that_takes_longer_fails_and_the_exception_says_which() -> None:
    executor = OnLoop(seconds=20)
    block = limited(executor)
    linked(block)
    with faults(TimeLimitExceeded) as found:
        await run(block, [7])
    assert str(found[0]) == "transformer 't': item 1, 7, was not done within its time limit of 10 s"
    why, where = notes(found[0])
    assert why == "its call cannot be ended, and keeps its place in the executor until it returns"
    assert where == "in t, item 1: 7"
    assert trio.current_time() == 20  # what runs is waited for


async def test_the_item_fails_at_once_and_its_place_is_taken_until_the_call_returns() -> None:
    executor = ByHand()
    block = limited(executor, on_error="skip")
    collector = linked(block)
    async with Network(block) as network:
        for item in range(3):
            await block.send(item)
        await wait_all_tasks_blocked()
        (stuck,) = executor.all
        assert stuck.begin()
        await trio.sleep(11)
        assert network.balance()["t"].dropped == {"skipped": 1}
        assert executor.all == [stuck]
        await trio.sleep(100)  # the time of the others has not begun
        stuck.end()
        for number in (1, 2):
            await wait_all_tasks_blocked()
            executor.all[number].run()
    assert contents(collector) == [10, 20]
    assert network.balance()["t"].dropped == {"skipped": 1}


async def test_a_call_that_waits_for_a_block_until_after_the_end_is_not_counted_again() -> None:
    executor = ByHand()
    block = limited(executor, on_error="skip")
    linked(block)
    async with Network(block) as network:
        await block.send(1)
        await wait_all_tasks_blocked()
        assert executor.all[0].begin()
        runner_of(block)._call_waits(True)
        await trio.sleep(11)  # it is given up
        block.complete()
        await wait_all_tasks_blocked()
        assert block.is_finished
        runner_of(block)._call_waits(False)
        assert network._run.busy_count == 0
        executor.all[0].end()


async def test_what_has_not_begun_is_cancelled_and_frees_its_place() -> None:
    executor = ByHand()
    block = limited(executor, on_error="skip")
    collector = linked(block)
    async with Network(block):
        await block.send(1)
        await wait_all_tasks_blocked()
        await trio.sleep(11)
        assert executor.all[0].future.cancelled()
        await block.send(2)
        await wait_all_tasks_blocked()
        executor.all[1].run()
    assert contents(collector) == [20]


async def test_a_failure_of_a_call_that_is_late_is_thrown_away_too() -> None:
    executor = ByHand()
    block = limited(executor, on_error="skip")
    linked(block)
    async with Network(block) as network:
        await block.send(1)
        await wait_all_tasks_blocked()
        executor.all[0].begin()
        await trio.sleep(11)
        executor.all[0].future.set_exception(OSError("gone"))
        await block.send(2)
        await wait_all_tasks_blocked()
        executor.all[1].run()
    balance = network.balance()["t"]
    assert (balance.dropped, balance.delivered) == ({"skipped": 1}, 1)


async def test_each_further_try_has_the_whole_time() -> None:
    executor = ByHand()
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = limited(executor, on_error=Retry(2, backoff=5, jitter=0, then=DeadLetter(dead)))
    linked(block)
    async with Network(block):
        await block.send(1)
        await wait_all_tasks_blocked()
    assert len(executor.all) == 3
    (letter,) = contents(dead)
    assert isinstance(letter.exception, TimeLimitExceeded)
    assert trio.current_time() == 10 + 5 + 10 + 10 + 10


async def test_a_further_try_may_be_in_time() -> None:
    executor = ByHand()
    block = limited(executor, on_error=Retry(1))
    collector = linked(block)
    async with Network(block):
        await block.send(1)
        await wait_all_tasks_blocked()
        await trio.sleep(11)
        executor.all[1].run()
    assert contents(collector) == [10]


async def test_results_keep_their_order_and_leave_no_gap() -> None:
    executor = ByHand()
    block = limited(executor, concurrency=4, on_error="skip")
    collector = linked(block)
    async with Network(block):
        for item in range(4):
            await block.send(item)
        await wait_all_tasks_blocked()
        for number in (3, 1, 0):
            executor.all[number].run()
        assert executor.all[2].begin()
        await wait_all_tasks_blocked()
        assert len(collector) == 2
        await trio.sleep(11)
        assert len(collector) == 3
        executor.all[2].end()
    assert contents(collector) == [0, 10, 30]


async def test_no_more_is_handed_over_than_the_executor_can_begin() -> None:
    executor = ByHand()
    executor._max_workers = 2  # type: ignore[attr-defined]  # as those of the standard library have
    block = limited(executor, concurrency=4, on_error="skip")
    linked(block)
    async with Network(block):
        for item in range(4):
            await block.send(item)
        await wait_all_tasks_blocked()
        assert len(executor.all) == 2
        for number in range(4):
            executor.all[number].run()
            await wait_all_tasks_blocked()


async def test_a_network_waits_for_what_nothing_can_end_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    executor = OnLoop(seconds=50)
    block = limited(executor, on_error="skip")
    linked(block)
    network = await run(block, [1])
    assert trio.current_time() == 50
    assert network.balance()["t"].dropped == {"skipped": 1}
    assert "transformer 't' still waits for the calls that run in its executor" in caplog.text


async def test_a_network_that_is_cancelled_waits_for_what_runs_and_says_nothing_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    block = limited(OnLoop(seconds=5))
    linked(block)
    async with Network(block) as network:
        await block.send(1)
        await trio.sleep(2)
        network.cancel()
    assert trio.current_time() == 5
    assert network.balance()["t"].discarded == 1
    assert not caplog.records


async def test_others_end_while_one_block_still_waits_for_a_call() -> None:
    executor = ByHand()
    block = limited(executor, on_error="skip")
    collector = linked(block)
    async with trio.open_nursery() as nursery:

        async def body() -> None:
            await run(block, [1])

        nursery.start_soon(body)
        await wait_all_tasks_blocked()
        assert executor.all[0].begin()
        await trio.sleep(11)
        assert block.is_finished
        assert collector.is_finished
        await trio.sleep(100)
        executor.all[0].end()
    assert trio.current_time() == 111


async def test_an_executor_that_fails_while_a_call_is_late_does_not_matter() -> None:
    executor = ByHand()
    block = limited(executor, on_error="skip")
    linked(block)
    async with Network(block) as network:
        await block.send(1)
        await wait_all_tasks_blocked()
        executor.all[0].begin()
        await trio.sleep(11)
        executor.all[0].future.set_exception(CancelledError())
    assert network.balance().ok


async def test_a_limit_that_is_never_reached_leaves_no_time_behind() -> None:
    executor = OnLoop(seconds=2)
    block = limited(executor)
    linked(block)
    await run(block, range(3))
    assert trio.current_time() == 6


# Threads


@pytest.mark.usefixtures("real_time")
async def test_a_thread_that_is_stuck_keeps_its_place() -> None:
    gauge = Gauge(is_open=False, function=lambda item: item * 10)
    block = limited(Threads(2), concurrency=2, on_error="skip", function=gauge)
    collector = linked(block)
    async with Network(block) as network:
        for item in range(6):
            await block.send(item)
        await gauge.wait_begun(2)
        jump(11)
        await turns(10)
        assert network.balance()["t"].dropped == {"skipped": 2}
        assert sorted(gauge.began) == [0, 1]
        gauge.open()
    assert gauge.most == 2
    assert contents(collector) == [20, 30, 40, 50]


@pytest.mark.usefixtures("real_time")
async def test_the_time_of_an_item_begins_with_its_call_not_with_the_hand_over() -> None:
    gauge = Gauge(is_open=False)
    block = limited(Threads(1), function=gauge)
    collector = linked(block)
    async with Network(block):
        for number in (1, 2, 3):
            await block.send(number)
        for number in (1, 2, 3):
            await gauge.wait_begun(number)
            jump(9)
            await turns(10)
            gauge.let()
    assert contents(collector) == [1, 2, 3]


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("ends", ["by itself", "cancelled"])
async def test_with_abandon_on_cancel_nobody_waits_for_a_thread_that_is_stuck(
    ends: str, caplog: pytest.LogCaptureFixture
) -> None:
    gauge = Gauge(is_open=False)
    block = limited(Threads(1, abandon_on_cancel=True), on_error="skip", function=gauge)
    linked(block)
    async with Network(block) as network:
        for item in range(1 + (ends == "cancelled")):
            await block.send(item)
        await gauge.wait_begun(1)
        jump(11)
        await turns(10)
        if ends == "cancelled":
            network.cancel()
    assert network.balance().ok
    assert gauge.began == [0]
    assert not caplog.records
    gauge.open()


@pytest.mark.usefixtures("real_time")
async def test_a_worker_that_outlives_the_loop_troubles_nobody() -> None:
    told: list[Any] = []
    beginnings: list[Beginnings] = []

    async def main() -> None:
        beginnings.append(Beginnings(told.append))

    await trio.to_thread.run_sync(trio.run, main)
    beginnings[0].put(cast("Any", "job"))
    assert not told


async def test_what_is_home_before_the_loop_hears_of_its_beginning_has_no_deadline() -> None:
    block = limited(ByHand())
    linked(block)
    async with Network(block):
        job = Job(Task(same), [1], None, (0,))
        job.outcome = Outcome([1], [])
        runner_of(block)._began(job)
        assert runner_of(block).deadlines.next() == math.inf
        runner_of(block)._began(Job(Task(same), [1], None, (0,)))
        assert runner_of(block).deadlines.next() == trio.current_time() + 10


async def test_several_beginnings_wake_the_loop_once() -> None:
    told: list[Any] = []
    beginnings = Beginnings(told.append)
    for name in ("first", "second"):
        beginnings.put(cast("Any", name))
    assert not told
    await turns(2)
    assert told == ["first", "second"]


# Processes


@pytest.mark.usefixtures("real_time")
async def test_a_process_that_is_late_is_ended_and_replaced() -> None:
    block = limited(Processes(1), on_error="skip", function=time.sleep)
    collector = linked(block)
    async with Network(block) as network:
        for seconds in (0, 1000, 0):
            await block.send(seconds)
        while len(collector) < 1 or runner_of(block).deadlines.next() == math.inf:  # noqa: ASYNC110
            await trio.sleep(0.001)
        jump(11)
    assert len(collector) == 2
    assert network.balance()["t"].dropped == {"skipped": 1}


@pytest.mark.usefixtures("real_time")
async def test_a_process_that_is_late_is_ended_while_its_network_stops_too() -> None:
    block = limited(Processes(2), concurrency=2, function=time.sleep)
    linked(block)
    async with trio.open_nursery() as nursery:
        network, canceled = Network(block), trio.Event()

        async def body() -> None:
            async with network:
                await block.send(1000)
                await begun(block)
                network.cancel()
                canceled.set()

        nursery.start_soon(body)
        await canceled.wait()
        await turns(10)
        assert network._run.is_open
        jump(11)
    assert network.balance()["t"].discarded == 1


async def test_what_begins_while_the_network_stops_has_its_limit_too() -> None:
    executor = ByHand()
    block = limited(executor)
    linked(block)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cancelled, block)
        await trio.sleep(1)
        job = Job(Task(same), [1], None, (0,))
        given_up: list[Job] = []
        lane: Any = runner_of(block).lane
        runner_of(block).lane = cast("Any", SimpleNamespace(give_up=given_up.append, close=lane.close))
        try:
            await trio.sleep(20)
            assert len(given_up) == 1
            runner_of(block)._began(job)
            await trio.sleep(9)
            assert len(given_up) == 1
            await trio.sleep(2)
            assert given_up[1:] == [job]
        finally:
            executor.all[0].end()


async def cancelled(block: Any) -> None:
    """Run a network that is cancelled while a call runs."""
    async with Network(block) as network:
        await block.send(1)
        await wait_all_tasks_blocked()
        runner_of(block).executor.all[0].begin()  # type: ignore[attr-defined]
        network.cancel()


async def begun(block: Any) -> None:
    """Wait until the time of an item has begun."""
    while runner_of(block).deadlines.next() == math.inf:  # noqa: ASYNC110  # a thread cannot set an event here
        await trio.sleep(0.001)


@pytest.mark.usefixtures("real_time")
async def test_a_job_that_is_on_its_way_home_needs_no_end() -> None:
    with Processes(1) as executor:
        assert executor._scheduler.end(cast("Any", None))


# A cluster


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_dask.Client]:
    monkeypatch.setitem(sys.modules, "distributed", fake_dask)
    monkeypatch.setitem(sys.modules, "cloudpickle", pickle)
    client = fake_dask.Client()
    yield client
    client.close()


def same(item: Any) -> Any:
    return item


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("executor", [Cluster, fake_dask.ClientExecutor])
async def test_what_a_cluster_does_is_taken_back(client: fake_dask.Client, executor: Callable[[Any], Any]) -> None:
    block = limited(executor(client), function=same, on_error="skip")
    linked(block)
    async with Network(block) as network:
        for number in (1, 2):
            await block.send(number)
            while len(client.tasks) < number:  # noqa: ASYNC110 - a thread cannot set an event here
                await trio.sleep(0.001)
            jump(11)
            await turns(10)
    assert network.balance()["t"].dropped == {"skipped": 2}


@pytest.mark.usefixtures("real_time")
async def test_a_job_of_a_cluster_that_has_just_come_home_is_not_taken_back(client: fake_dask.Client) -> None:
    lane = Cluster(cast("Any", client)).open_lane("t", 1, cast("Any", None))
    assert lane.give_up(cast("Any", "job"))
