"""Blocks whose function runs in an executor: how much they do at once, and how far they work ahead."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import BoundedBuffer, Call, Network, Threads, Transformer, TransformMany, UnboundedBuffer
from tests.blocks.executors.kinds import ByHand, Gauge, OnLoop, Time
from tests.blocks.tools import contents, linked, run

Make = Callable[[int], Executor]
KINDS: dict[str, Make] = {"threads": Threads, "standard": ThreadPoolExecutor}
every_kind = pytest.mark.parametrize("kind", KINDS)
real_time = pytest.mark.usefixtures("real_time")


def double(item: int) -> int:
    return 2 * item


@real_time
@every_kind
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("kind_of_block", [Transformer, TransformMany, Call])
async def test_at_most_concurrency_calls_run_at_once_however_many_workers_there_are(
    kind: str, ordered: bool, kind_of_block: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Time(monkeypatch).taking(0.01)  # so that items travel one by one
    gauge = Gauge(is_open=False, function=lambda item: [slow(item)])
    options: dict[str, Any] = {} if kind_of_block == Call else {"ordered": ordered, "window": 100}
    with KINDS[kind](4) as executor:
        block = kind_of_block(gauge, executor=executor, concurrency=2, **options)
        if kind_of_block != Call:
            linked(block)
        async with Network(block):
            for n in range(40):
                await block.send(n)
            await gauge.wait_begun(2)
            for n in range(3, 20):
                gauge.let()
                await gauge.wait_begun(n)
            gauge.open()
    assert gauge.most == 2
    assert sorted(gauge.began) == list(range(40))


@real_time
@every_kind
async def test_no_more_calls_run_at_once_than_there_are_workers(kind: str) -> None:
    gauge = Gauge(is_open=False)
    with KINDS[kind](2) as executor:
        async with Network(block := Call(gauge, executor=executor, concurrency=5)):
            for n in range(40):
                await block.send(n)
            await gauge.wait_begun(2)
            gauge.open()
    assert gauge.most == 2
    assert sorted(gauge.began) == list(range(40))


@real_time
@every_kind
async def test_a_straggler_idles_nobody_before_the_window_is_full(kind: str) -> None:
    go = threading.Event()
    gauge = Gauge()

    def work(item: int) -> int:
        gauge(item)
        assert item or go.wait(60)
        return item

    with KINDS[kind](2) as executor:
        block = Transformer(work, executor=executor, concurrency=2, window=5)
        collector = linked(block)
        async with Network(block):
            for n in range(20):
                await block.send(n)
            await gauge.wait_begun(5)
            await block_waits(block)
            assert sorted(gauge.began) == [0, 1, 2, 3, 4]
            assert len(collector) == 0
            go.set()
    assert contents(collector) == list(range(20))


async def block_waits(block: Any, done: int = 4) -> None:
    """Wait until this many results wait for their turn."""
    while block._core.runner.waiting < done:
        await trio.lowlevel.checkpoint()


@real_time
@every_kind
async def test_an_unordered_straggler_idles_nobody(kind: str) -> None:
    go = threading.Event()

    def work(item: int) -> int:
        assert item or go.wait(60)
        return item

    with KINDS[kind](2) as executor:
        block = Transformer(work, executor=executor, concurrency=2, ordered=False)
        collector = linked(block)
        async with Network(block):
            for n in range(50):
                await block.send(n)
            assert [await collector.receive() for _ in range(49)] == list(range(1, 50))
            go.set()
    assert contents(collector) == [0]


@pytest.mark.parametrize("concurrency", [1, 2])
async def test_a_window_full_of_results_that_nobody_takes_starts_no_further_call(concurrency: int) -> None:
    gauge = Gauge()
    block = Transformer(gauge, executor=OnLoop(), concurrency=concurrency, window=4)
    async with Network(block):
        for n in range(10):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert gauge.began == [0, 1, 2, 3]
        assert "6 waiting, 0 in work, 4 results to hand on" in repr(block)
        assert await block.receive() == 0
        await wait_all_tasks_blocked()
        assert gauge.began == [0, 1, 2, 3, 4]
        block.complete()
        assert [item async for item in block] == list(range(1, 10))


async def test_a_target_that_is_full_holds_the_block_back() -> None:
    gauge = Gauge()
    block = Transformer(gauge, executor=OnLoop(), window=3)
    block.link_target(full := BoundedBuffer[int](1))
    async with Network(block):
        for n in range(10):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert gauge.began == [0, 1, 2, 3]
        assert [await full.receive() for _ in range(10)] == list(range(10))


async def test_a_block_of_capacity_1_takes_one_item_at_a_time() -> None:
    executor = ByHand()
    block = Transformer(double, executor=executor, capacity=1)
    collector = linked(block)
    async with Network(block), trio.open_nursery() as nursery:
        for n in range(3):
            nursery.start_soon(block.send, n)
        for n in range(3):
            await wait_all_tasks_blocked()
            assert len(executor.all) == n + 1
            assert "0 waiting, 1 in work" in repr(block)
            executor.all[n].run()
    assert sorted(contents(collector)) == [0, 2, 4]


async def test_a_postponed_link_feeds_the_block_to_the_end() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    block = Transformer(double, executor=OnLoop(), capacity=2, concurrency=2)
    source.link_target(block)
    collector = linked(block)
    await run(source, range(100))
    assert contents(collector) == list(range(0, 200, 2))
