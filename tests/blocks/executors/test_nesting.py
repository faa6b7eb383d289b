"""An executor that is used from inside its own calls: by futures, by networks, several levels deep. It never hangs."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed, wait
from functools import partial
from typing import Any

import pytest
import trio

from penstock.blocks import Call, Network, Processes, Threads, Transformer, TransformMany
from tests.blocks.executors.kinds import SECONDS, Gauge
from tests.blocks.tools import contents, faults, linked, run

real_time = pytest.mark.usefixtures("real_time")
numbers_of_workers = pytest.mark.parametrize("workers", [1, 2, 3])


def add_one(item: int) -> int:
    return item + 1


def network_of(threads: Executor, function: Callable[[Any], Any], items: list[Any], **options: Any) -> list[Any]:
    """Run a network from a call, as a library function does that has a pipeline of its own."""

    async def main() -> list[Any]:
        block = Transformer[Any, Any](function, executor=threads, concurrency=2, **options)
        collector = linked(block)
        await run(block, items)
        return contents(collector)

    return trio.run(main)


# Futures


@numbers_of_workers
@pytest.mark.parametrize("levels", [1, 2, 5])
def test_a_call_may_wait_for_futures_of_its_own_executor(workers: int, levels: int) -> None:
    threads = Threads(workers)

    def compose(level: int, item: int) -> int:
        if not level:
            return item
        return threads.submit(compose, level - 1, item + 1).result(SECONDS)

    futures = [threads.submit(compose, levels, 10 * number) for number in range(5)]
    assert [future.result(SECONDS) for future in futures] == [10 * number + levels for number in range(5)]


@numbers_of_workers
@pytest.mark.parametrize("ask", ["result", "exception"])
def test_a_call_may_wait_for_a_future_that_was_handed_over_after_it_began(workers: int, ask: str) -> None:
    threads = Threads(workers)
    later: list[Future[Any]] = []
    began, may_ask = threading.Barrier(workers + 1), threading.Event()

    def call() -> Any:
        began.wait(SECONDS)
        assert may_ask.wait(SECONDS)
        return getattr(later[0], ask)(SECONDS)

    futures = [threads.submit(call) for _ in range(workers)]
    began.wait(SECONDS)
    later.append(threads.submit(add_one, 1))
    may_ask.set()
    assert [future.result(SECONDS) for future in futures] == [2 if ask == "result" else None] * workers
    assert later[0].result(SECONDS) == 2


@numbers_of_workers
def test_calls_may_wait_for_each_other_in_any_order(workers: int) -> None:
    threads = Threads(workers)
    futures: dict[int, Future[int]] = {}
    may_ask = threading.Event()

    def call(number: int) -> int:
        assert may_ask.wait(SECONDS)
        return futures[number - 1].result(SECONDS) + 1 if number else 0

    for number in reversed(range(6)):
        futures[number] = threads.submit(call, number)
    may_ask.set()
    assert futures[5].result(SECONDS) == 5


def by_result(threads: Threads) -> int:
    return sum(future.result(SECONDS) for future in [threads.submit(add_one, n) for n in range(5)])


def by_map(threads: Threads) -> int:
    return sum(threads.map(add_one, range(5), timeout=SECONDS))


def by_wait(threads: Threads) -> int:
    futures = [threads.submit(add_one, n) for n in range(5)]
    return sum(future.result() for future in wait(futures, SECONDS).done)


def by_as_completed(threads: Threads) -> int:
    return sum(future.result() for future in as_completed([threads.submit(add_one, n) for n in range(5)], SECONDS))


def by_a_callback(threads: Threads) -> int:
    done, results = threading.Event(), list[int]()

    def count(future: Future[int]) -> None:
        results.append(future.result())
        if len(results) == 5:
            done.set()

    for n in range(5):
        threads.submit(add_one, n).add_done_callback(count)
    assert done.wait(SECONDS)
    return sum(results)


def by_trios_threads(threads: Threads) -> int:
    async def main() -> int:
        return sum([await trio.to_thread.run_sync(in_a_thread, n) for n in range(5)])

    def in_a_thread(n: int) -> int:
        return threads.submit(add_one, n).result(SECONDS)

    return trio.run(main)


@numbers_of_workers
@pytest.mark.parametrize("way", [by_result, by_map, by_wait, by_as_completed, by_a_callback, by_trios_threads])
def test_in_whatever_way_it_waits(workers: int, way: Callable[[Threads], int]) -> None:
    threads = Threads(workers)
    futures = [threads.submit(way, threads) for _ in range(4)]
    assert [future.result(SECONDS) for future in futures] == [15] * 4


@numbers_of_workers
def test_calls_that_divide_their_work_hire_no_more_than_so_many_a_level(workers: int) -> None:
    threads = Threads(workers)
    most = 0

    def fibonacci(n: int) -> int:
        nonlocal most
        most = max(most, threads._scheduler.size)
        if n < 2:
            return n
        first, second = threads.submit(fibonacci, n - 1), threads.submit(fibonacci, n - 2)
        return first.result(SECONDS) + second.result(SECONDS)

    assert threads.submit(fibonacci, 9).result(SECONDS) == 34
    assert most <= 9 * workers


def test_what_is_not_waited_for_is_done_all_the_same() -> None:
    threads = Threads(1)
    inner: list[Future[int]] = []

    def forget() -> None:
        inner.extend(threads.submit(add_one, n) for n in range(3))

    threads.submit(forget).result(SECONDS)
    assert [future.result(SECONDS) for future in inner] == [1, 2, 3]
    assert threads.submit(add_one, 1).result(SECONDS) == 2


def test_those_in_the_place_of_others_are_told_apart_and_go_home_too() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(1, name="pool")
    outer = threads.submit(lambda: threads.submit(gauge, 1).result(SECONDS))
    assert gauge.wait(1)
    assert repr(threads) == "<Threads 'pool', 1 of 1 workers and 1 in place of those that wait>"
    later = threads.submit(gauge, 2)
    gauge.let()
    assert outer.result(SECONDS) == 1
    gauge.open()
    assert later.result(SECONDS) == 2
    for thread in gauge.threads:
        thread.join(SECONDS)
    assert repr(threads) == "<Threads 'pool', 0 of 1 workers>"


@numbers_of_workers
def test_calls_that_wait_do_not_let_more_calls_of_their_own_kind_begin(workers: int) -> None:
    inner = Gauge(is_open=False)
    outer: list[int] = []
    threads = Threads(workers)

    def work(item: int) -> int:
        outer.append(item)
        result: int = threads.submit(inner, item).result(SECONDS)
        return result

    futures = [threads.submit(work, n) for n in range(3 * workers)]
    for done in range(3 * workers):
        assert inner.wait(min(done + workers, 3 * workers))
        assert len(outer) - done <= workers
        inner.let()
        wait(futures, SECONDS, "FIRST_COMPLETED")
    assert [future.result(SECONDS) for future in futures] == list(range(3 * workers))
    assert inner.most <= workers


def test_two_executors_may_use_each_other() -> None:
    one, two = Threads(1), Threads(1)

    def there_and_back(level: int) -> int:
        if not level:
            return 0
        here = one if level % 2 else two
        return 1 + here.submit(there_and_back, level - 1).result(SECONDS)

    assert two.submit(there_and_back, 5).result(SECONDS) == 5


def test_a_callback_in_a_worker_may_use_the_processes_whose_future_it_follows() -> None:
    processes = Processes(1)
    done: Future[int] = Future()

    def follow(future: Future[int]) -> None:
        done.set_result(processes.submit(abs, -future.result()).result(SECONDS))

    with processes:
        processes.submit(abs, -3).add_done_callback(follow)
        assert done.result(SECONDS) == 3


# Networks


@real_time
@numbers_of_workers
@pytest.mark.parametrize("levels", [1, 2, 3])
async def test_a_function_may_run_a_network_on_the_executor_in_which_it_runs(workers: int, levels: int) -> None:
    threads = Threads(workers)

    def deep(level: int, item: int) -> int:
        if not level:
            return item
        return sum(network_of(threads, partial(deep, level - 1), [item, item]))

    block = Transformer[int, int](partial(deep, levels), executor=threads, concurrency=4)
    collector = linked(block)
    network = await run(block, range(5))
    assert contents(collector) == [2**levels * n for n in range(5)]
    assert network.balance().ok
    assert threads._scheduler.size == 0


@real_time
@numbers_of_workers
@pytest.mark.parametrize("kind", [Transformer, TransformMany, Call])
async def test_in_every_kind_of_block(workers: int, kind: Any) -> None:
    threads = Threads(workers)
    got: list[list[int]] = []

    def work(item: int) -> list[int]:
        got.append(network_of(threads, add_one, [item]))
        return got[-1]

    block = kind(work, executor=threads, concurrency=2)
    if kind is not Call:
        linked(block)
    await run(block, range(4))
    assert sorted(got) == [[1], [2], [3], [4]]


@real_time
@numbers_of_workers
async def test_networks_and_futures_may_be_mixed(workers: int) -> None:
    threads = Threads(workers)

    def leaf(item: int) -> int:
        return threads.submit(add_one, item).result(SECONDS)

    def branch(item: int) -> int:
        return threads.submit(leaves, item).result(SECONDS)

    def leaves(item: int) -> int:
        return sum(network_of(threads, leaf, [item, item], time_limit=SECONDS))

    block = Transformer[int, int](branch, executor=threads, concurrency=2)
    collector = linked(block)
    with threads:
        await run(block, range(4))
    assert contents(collector) == [2, 4, 6, 8]


@real_time
async def test_as_many_calls_of_the_outer_network_run_at_once_as_there_are_workers() -> None:
    threads = Threads(2)
    inner = Gauge(is_open=False)
    outer: list[int] = []

    def work(item: int) -> None:
        outer.append(item)
        network_of(threads, inner, [item])

    async with Network(call := Call(work, executor=threads, concurrency=8)):
        for n in range(8):
            await call.send(n)
        await inner.wait_begun(2)
        assert sorted(outer) == [0, 1]
        inner.open()
    assert inner.most <= 2
    assert sorted(outer) == list(range(8))


@real_time
async def test_what_fails_inside_fails_the_item_outside() -> None:
    threads = Threads(1)
    block = Transformer[int, Any](lambda n: network_of(threads, lambda item: 1 // item, [n]), executor=threads)
    linked(block)
    with faults(ZeroDivisionError):
        await run(block, [1, 0])
    assert threads._scheduler.size == 0


@real_time
async def test_a_call_that_was_abandoned_goes_on_inside() -> None:
    threads = Threads(1, abandon_on_cancel=True)
    inner, ended = Gauge(is_open=False), threading.Event()

    def work(item: int) -> None:
        network_of(threads, inner, [item, item])
        ended.set()

    async with Network(call := Call(work, executor=threads)) as network:
        await call.send(1)
        await inner.wait_begun(1)
        network.cancel()
    await run(Call(str, executor=Threads(1)), [1])
    inner.open()
    assert await trio.to_thread.run_sync(ended.wait, SECONDS)


@real_time
async def test_a_call_may_send_to_a_stage_that_needs_the_same_worker() -> None:
    threads = Threads(1)
    got: list[int] = []
    stage = Call(got.append, executor=threads, capacity=1)
    handle = stage.producer()

    def work(item: int) -> None:
        for number in range(5):
            handle.send_from_thread(10 * item + number)

    first = Call(work, executor=threads)
    async with Network(first, stage):
        for item in range(2):
            await first.send(item)
        first.complete()
        while not first.is_finished:  # noqa: ASYNC110
            await trio.sleep(0.001)
        handle.close()
    assert got == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]


# What cannot be


@real_time
@pytest.mark.parametrize("workers", [1, 2])
async def test_a_network_in_a_pool_of_the_standard_library_that_is_to_work_for_it_is_told(
    workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadPoolExecutor(workers) as pool:
        barrier = threading.Barrier(workers)
        wait([pool.submit(barrier.wait, SECONDS) for _ in range(workers)])  # now it knows its threads
        block = Transformer[int, Any](lambda n: network_of(pool, add_one, [n]), executor=pool, name="outer")
        collector = linked(block)
        message = f"ThreadPoolExecutor with {workers} workers, and holds that worker until its end; use Threads"
        if workers == 1:
            with faults(RuntimeError) as found:
                await run(block, [1])
            assert message in str(found[0])
        else:
            await run(block, [1])
            assert contents(collector) == [[2]]
            assert message in caplog.text


@real_time
async def test_a_worker_init_that_uses_its_own_executor_is_told_that_it_cannot() -> None:
    threads = Threads(1, worker_init=lambda: threads.submit(int).result(SECONDS), name="pool")
    message = "Threads 'pool': its worker_init uses the executor itself.*use another executor there"
    with pytest.raises(RuntimeError, match=message):
        threads.submit(int).result(SECONDS)
    with faults(RuntimeError) as found:
        await run(Call(str, executor=threads), [1])
    assert "worker_init" in str(found[0])


def test_calls_that_shut_their_executor_down_do_not_wait_for_each_other() -> None:
    barrier = threading.Barrier(2)
    threads = Threads(2)

    def shut() -> None:
        barrier.wait(SECONDS)
        threads.shutdown()

    for future in [threads.submit(shut) for _ in range(2)]:
        future.result(SECONDS)
