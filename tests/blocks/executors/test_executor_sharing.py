"""Several blocks and networks that share one executor, and how many items travel together."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Call, Network, Retry, Threads, Transformer, TransformMany
from penstock.blocks.executors.worker import Worker
from tests.blocks.executors.kinds import SECONDS, ByHand, Gauge, Time, is_set
from tests.blocks.tools import contents, linked, run

real_time = pytest.mark.usefixtures("real_time")

# Sharing


class Turns:
    """Functions that note who was called, one call after the other, each when it is told; they seem slow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gauge = Gauge(is_open=False, function=Time(monkeypatch).taking(0.01))

    def of(self, who: str) -> Any:
        return partial(self._call, who)

    def _call(self, who: str, item: object) -> Any:
        del item
        return self.gauge(who)

    async def play(self, calls: int) -> list[str]:
        """Let this many calls end; before each, all calls that can start have been sent."""
        for done in range(calls):
            await self.gauge.wait_begun(done + 1)
            await wait_all_tasks_blocked()
            self.gauge.let()
        began = self.gauge.began[:calls]
        self.gauge.open()
        return began


@real_time
@pytest.mark.parametrize("names", ["ab", "abc", "abcd"])
async def test_blocks_that_share_workers_are_served_in_turn(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(monkeypatch)
    threads = Threads(1)
    calls: list[Call[int]] = [Call(turns.of(who), executor=threads, name=who) for who in names]
    async with Network(*calls):
        for call in calls:
            for n in range(50):
                await call.send(n)
        began = await turns.play(30)
    for start in range(8, 30 - len(names)):  # in the beginning, the first has the worker for itself
        assert set(began[start : start + len(names)]) == set(names), began


@real_time
async def test_a_block_and_the_standard_interface_are_served_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(monkeypatch)
    threads = Threads(1)
    call: Call[int] = Call(turns.of("block"), executor=threads)
    async with Network(call):
        for n in range(20):
            await call.send(n)
        futures = [threads.submit(turns.of("future"), 0) for _ in range(10)]
        began = await turns.play(8)
    assert set(began[2:]) == {"block", "future"}
    assert [future.result(SECONDS) for future in futures] == ["future"] * 10


@real_time
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", [Threads, ThreadPoolExecutor])
async def test_a_source_and_the_stages_behind_it_can_share_a_pool(kind: Any, workers: int) -> None:
    def some(item: int) -> Iterator[int]:
        yield from range(item)

    with kind(workers) as executor:
        first = TransformMany(some, executor=executor, concurrency=2, capacity=2, window=2)
        second = Transformer[int, int](abs, executor=executor, concurrency=2, capacity=2, window=2)
        third = Call(gauge := Gauge(), executor=executor, concurrency=2, capacity=2)
        first.link_target(second)
        second.link_target(third)
        await run(first, [20] * 20)
    assert len(gauge.began) == 400


@real_time
async def test_networks_in_different_threads_can_share_workers() -> None:
    threads = Threads(2)
    results: dict[int, list[int]] = {}

    async def main(number: int) -> None:
        block = Transformer[int, int](abs, executor=threads, concurrency=2)
        collector = linked(block)
        await run(block, range(300))
        results[number] = contents(collector)

    with threads:
        others = [threading.Thread(target=trio.run, args=(main, number)) for number in range(2)]
        for other in others:
            other.start()
        await main(2)
        for other in others:
            await trio.to_thread.run_sync(other.join, SECONDS)
    assert results == {number: list(range(300)) for number in range(3)}


@real_time
async def test_a_network_in_a_network_can_share_its_workers() -> None:
    threads = Threads(1)

    async def inner(item: int) -> int:
        block = Transformer[int, int](abs, executor=threads)
        collector = linked(block)
        await run(block, [item])
        return contents(collector)[0]

    first = Transformer[int, int](abs, executor=threads)
    second = Transformer(inner)
    first.link_target(second)
    collector = linked(second)
    await run(first, range(20))
    assert contents(collector) == list(range(20))


class Late(Threads):
    """Its workers are late to ask for their next job."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.go = threading.Event()
        go_on = self._scheduler.next

        def go_on_late(worker: Worker) -> bool:
            assert self.go.wait(SECONDS)
            return go_on(worker)

        self._scheduler.next = go_on_late  # type: ignore[method-assign]  # that is the point


@real_time
async def test_a_network_that_ends_waits_for_no_worker_of_another_one() -> None:
    threads = Late(1)
    second_runs, first_ended = trio.Event(), trio.Event()

    async def first() -> None:
        await run(Call(str, executor=threads), [1])
        first_ended.set()

    async def second() -> None:
        call = Call(str, executor=threads)
        async with Network(call):
            await call.send(1)
            second_runs.set()
            threads.go.set()
            await first_ended.wait()

    with trio.fail_after(SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(first)
            while "1 of 1" not in repr(threads):
                await trio.lowlevel.checkpoint()
            while "1 of 1" in repr(threads):  # until it has let go, and waits for the worker
                await trio.lowlevel.checkpoint()
            nursery.start_soon(second)


@real_time
async def test_a_network_that_ends_by_itself_abandons_no_worker() -> None:
    inits: list[int] = []
    with Late(1, worker_init=lambda: inits.append(1), abandon_on_cancel=True) as threads:
        for _ in range(3):
            await run(Call(str, executor=threads), [1])
            threads.go.set()
    assert inits == [1]


# How many items travel together


async def sizes(executor: ByHand, function: Any, items: int, **options: Any) -> list[int]:
    """How many items each hand-over had."""
    calls: list[int] = []

    def work(item: int) -> Any:
        calls.append(item)
        return function(item)

    block: Transformer[int, Any] = Transformer(work, executor=executor, **options)
    collector = linked(block)
    found: list[int] = []
    async with Network(block):
        for n in range(items):
            await block.send(n)
        await wait_all_tasks_blocked()
        while executor.out:
            before = len(calls)
            executor.out[0].run()
            found.append(len(calls) - before)
            await wait_all_tasks_blocked()
    assert contents(collector) == list(range(items))
    return found


async def test_quick_items_travel_together(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await sizes(ByHand(), Time(monkeypatch).taking(0.0), 1024)
    assert found[:4] == [1, 8, 64, 512]
    assert len(found) == 5


async def test_items_that_take_a_while_travel_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await sizes(ByHand(), Time(monkeypatch).taking(0.01), 20) == [1] * 20


async def test_a_hand_over_takes_about_a_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await sizes(ByHand(), Time(monkeypatch).taking(0.0001), 200)
    assert found[:3] == [1, 8, 8]
    assert set(found[2:-1]) == {8}  # 0.8 ms


async def test_items_that_become_slow_travel_one_by_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)

    def function(item: int) -> int:
        time.now += 0.0 if item < 9 else 0.01
        return item

    assert await sizes(ByHand(), function, 100) == [1, 8, 64, *([1] * 27)]


async def test_a_batch_that_is_slow_makes_the_next_one_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)

    def function(item: int) -> int:
        time.now += 0.0001 if item < 9 else 0.0005
        return item

    assert (await sizes(ByHand(), function, 30))[:4] == [1, 8, 8, 2]


async def test_items_that_become_slow_amid_a_large_hand_over_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)
    executor = ByHand()
    calls: list[int] = []

    def function(item: int) -> None:
        calls.append(item)
        time.now += 0.0 if item < 73 else 1.0

    call = Call(function, executor=executor, concurrency=2)
    async with Network(call):
        for n in range(400):
            await call.send(n)
        await wait_all_tasks_blocked()
        largest = 0
        while executor.out:
            assert len(executor.out) == 2 or len(calls) > 390
            before = len(calls)
            executor.out[0].run()
            largest = max(largest, sum(1 for item in calls[before:] if item >= 73))
            await wait_all_tasks_blocked()
    assert sorted(calls) == list(range(400))
    assert largest <= 32


async def test_an_executor_that_is_dear_gets_more_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)
    executor = ByHand()
    calls: list[int] = []

    def function(item: int) -> None:
        calls.append(item)
        time.now += 0.001

    found: list[int] = []
    call = Call(function, executor=executor)
    async with Network(call):
        for n in range(1000):
            await call.send(n)
        await wait_all_tasks_blocked()
        while executor.out:
            before = len(calls)
            time.now += 0.01  # on its way
            executor.out[0].run()
            time.now += 0.01  # and back
            await wait_all_tasks_blocked()
            found.append(len(calls) - before)
    assert found[0] == 1
    assert max(found) > 20
    assert max(found) <= 100  # no hand-over is to take longer than 0.1 s


async def test_the_pause_before_another_try_is_no_cost_of_the_hand_over(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)
    executor = ByHand()
    calls: list[int] = []

    def function(item: int) -> None:
        calls.append(item)
        time.now += 0.0001
        if len(calls) == 1:
            raise ValueError(item)

    found: list[int] = []
    call = Call(function, executor=executor, on_error=Retry(1, backoff=1.0))
    async with Network(call):
        await call.send(0)
        await wait_all_tasks_blocked()
        executor.out[0].run()
        await wait_all_tasks_blocked()
        time.now += 100.0
        await trio.sleep(2)
        for n in range(1, 300):
            await call.send(n)
        while executor.out:
            before = len(calls)
            executor.out[0].run()
            found.append(len(calls) - before)
            await wait_all_tasks_blocked()
    assert sum(found) == 300
    assert max(found) <= 10  # no hand-over is to take much longer than a millisecond


async def jobs_of(monkeypatch: pytest.MonkeyPatch, seconds: float) -> int:
    """In how many jobs eight items go to four workers, if an item takes this time."""
    executor = ByHand()
    block = Transformer[int, int](Time(monkeypatch).taking(seconds), executor=executor, concurrency=4)
    collector = linked(block)
    async with Network(block):
        for n in range(4):
            await block.send(n)
        await wait_all_tasks_blocked()
        for one in list(executor.out):
            one.run()
        await wait_all_tasks_blocked()
        for n in range(4, 12):
            block.send_nowait(n)
        await wait_all_tasks_blocked()
        jobs = len(executor.out)
        while executor.out:
            executor.out[0].run()
            await wait_all_tasks_blocked()
    assert contents(collector) == list(range(12))
    return jobs


async def test_work_is_shared_out_among_all_calls_that_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await jobs_of(monkeypatch, 0.0001) == 4


async def test_work_that_takes_less_time_than_its_hand_over_is_not_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await jobs_of(monkeypatch, 0.000001) == 1


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("kind", [Transformer, TransformMany, Call])
async def test_no_more_is_handed_over_than_may_run_at_once(kind: Any, concurrency: int) -> None:
    executor = ByHand()
    block = kind(Gauge(function=lambda item: [item]), executor=executor, concurrency=concurrency)
    if kind != Call:
        linked(block)
    async with Network(block):
        for n in range(200):
            await block.send(n)
        await wait_all_tasks_blocked()
        while executor.out:
            assert len(executor.out) <= concurrency
            executor.out[-1].run()
            await wait_all_tasks_blocked()


@real_time
async def test_a_worker_that_is_done_need_not_wait_for_the_loop() -> None:
    gauge = Gauge(is_open=False)
    second = threading.Event()

    def work(item: int) -> None:
        gauge(item)
        if item == 1:
            second.set()

    call = Call(work, executor=Threads(1))
    async with Network(call):
        for n in range(3):
            await call.send(n)
        await wait_all_tasks_blocked()
        gauge.open()
        assert second.wait(SECONDS)  # the loop does nothing meanwhile
        await is_set(second)
