"""Buffers in shared memory: the same lease goes through threads, processes and the loop, and all buffers come back."""

import gc
import mmap
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from traceback import clear_frames
from typing import Any, TypeVar

import numpy as np
import pytest
import trio

from penstock.blocks import (
    Batch,
    BufferPool,
    Call,
    Fallback,
    Lease,
    Network,
    Processes,
    Retry,
    Threads,
    Transformer,
    TransformMany,
    WorkerDied,
)
from penstock.blocks.base import shared_memory
from penstock.blocks.executors.lane import CompletionQueue, Job
from tests.blocks.executors import lease_functions as functions
from tests.blocks.executors import process_functions
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.executors.lease_functions import Frame
from tests.blocks.executors.process_functions import SECONDS
from tests.blocks.tools import faults, run

SIZE = 100_000
Test = TypeVar("Test", bound=Callable[..., Any])


class Taker:
    """Takes leases outside a network."""

    loop = None

    def called(self) -> None:
        """Do nothing."""


class Sink:
    """The last stage: looks into the buffers, and notes which leases have come."""

    def __init__(self, added: int = 1) -> None:
        self.added = added
        self.items: list[int] = []
        self.leases: set[int] = set()
        self.block: Call[Frame] = Call(self.use, name="sink")

    def use(self, frame: Frame) -> None:
        item, lease = frame
        with lease:
            array = np.frombuffer(lease.value, np.uint8)
            assert array.nbytes == SIZE
            assert (array == item + self.added).all()
        self.items.append(item)
        self.leases.add(id(lease))


def pool_of(count: int) -> BufferPool[memoryview]:
    return BufferPool.shared(SIZE, count, name="frames")


def check_free(pool: BufferPool[memoryview], count: int) -> None:
    """Look that all buffers are free, and that there are as many different ones as at first."""
    gc.collect()
    assert pool.in_use == 0
    leases = [pool.take(Taker()) for _ in range(count)]
    assert len({id(lease.value) for lease in leases if lease is not None}) == count
    assert pool.in_use == pool.size == count


def test_the_buffers_are_apart_and_hold_zeros() -> None:
    pool = BufferPool.shared("5 kB", 3)
    leases = [pool.take(Taker()) for _ in range(3)]
    for number, lease in enumerate(leases):
        assert lease is not None
        array = np.frombuffer(lease.value, np.float64)
        assert array.nbytes == 5000
        assert not array.any()
        assert array.ctypes.data % mmap.PAGESIZE == 0
        array[:] = number
    assert [np.frombuffer(lease.value)[-1] for lease in leases if lease is not None] == [0, 1, 2]


def test_what_is_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="buffer pool 'frames': size must be"):
        BufferPool.shared(0, 1, name="frames")
    with pytest.raises(ValueError, match="a buffer pool: count must be"):
        BufferPool.shared(1, 0)
    lease = pool_of(1).take(Taker())
    assert lease is not None
    with pytest.raises(ValueError, match="its buffers are in shared memory, and cannot be swapped; take another lease"):
        lease.swap(memoryview(bytearray(SIZE)))
    plain = BufferPool(lambda: bytearray(1), 1).take(Taker())
    with pytest.raises(TypeError, match=r"use Threads, or make the pool with BufferPool.shared\(size, count\)"):
        pickle.dumps(plain)

    def fail(size: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shared_memory, "create", fail)
    with pytest.raises(MemoryError, match="buffer pool 'frames': there is no shared memory for 2 buffers of"):
        pool_of(2)


def test_the_memory_stays_as_long_as_a_view_of_it() -> None:
    lease = pool_of(1).take(Taker())
    assert lease is not None
    array = np.frombuffer(lease.value, np.uint8)
    array[:] = 5
    del lease
    gc.collect()
    assert (array == 5).all()


@pytest.mark.usefixtures("real_time")
async def test_in_threads_and_on_the_loop_it_is_a_pool_like_any_other() -> None:
    pool, sink = pool_of(2), Sink()
    with Threads(2) as threads:
        first = Transformer(functions.fill, resource=pool, executor=threads, concurrency=2)
        second = Transformer(functions.add_one)
        first.link_target(second)
        second.link_target(sink.block)
        await run(first, range(20))
    assert sink.items == list(range(20))
    check_free(pool, 2)


async def test_a_lease_that_is_missing_at_the_end_is_an_error() -> None:
    pool, kept = pool_of(3), list[Frame]()
    block = Transformer(functions.fill, resource=pool, name="fill")
    block.link_target(Call(kept.append))
    with pytest.raises(RuntimeError, match="a variable, or, in a worker process, to their memory"):
        await run(block, range(2))
    kept.clear()
    check_free(pool, 3)


@pytest.mark.usefixtures("autojump_clock")
async def test_a_late_call_that_has_ended_keeps_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, jobs = pool_of(3), list[Job]()
    put = CompletionQueue.put

    def keep(queue: CompletionQueue, job: Job) -> None:
        jobs.append(job)  # as the thread of a worker does for a moment
        put(queue, job)

    monkeypatch.setattr(CompletionQueue, "put", keep)
    executor = OnLoop(seconds=2)
    first = Transformer(functions.fill, resource=pool, executor=executor, time_limit=1, on_error="skip")
    first.link_target(Call[Frame](lambda _: None))
    async with Network(first):
        for item in range(3):
            await first.send(item)
        await trio.sleep(10)
        assert [(job.items, job.outcome) for job in jobs] == [((), None)] * 3
        executor.all.clear()  # it keeps all calls
    assert pool.in_use == 0


# With processes


@pytest.fixture(scope="module")
def two() -> Iterator[Processes]:
    """Two processes that the tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [process_functions.ROOT, *sys.path])
        with Processes(2, name="two") as processes:
            for future in [processes.submit(os.getpid), processes.submit(os.getpid)]:
                future.result(SECONDS)
            yield processes


def marked(test: Test) -> Test:
    """Mark a test that uses processes."""
    pytest.mark.slow(test)
    pytest.mark.usefixtures("real_time")(test)
    return test


@marked
@pytest.mark.parametrize(("concurrency", "ordered"), [(1, True), (2, True), (2, False)])
async def test_through_two_stages_in_processes_the_same_leases_go(
    two: Processes, concurrency: int, ordered: bool
) -> None:
    pool, sink, taken = pool_of(3), Sink(), set[int]()

    def note(item: int, lease: Lease[memoryview]) -> Frame:
        taken.add(id(lease))
        alive.append(lease)
        return item, lease

    alive: list[Any] = []
    first = Transformer(functions.fill, executor=two, concurrency=concurrency, ordered=ordered, resource=pool)
    second = Transformer(functions.add_one, executor=two, concurrency=concurrency, ordered=ordered)
    first.link_target(second)
    second.link_target(sink.block)
    await run(first, range(40))
    assert sorted(sink.items) == list(range(40))
    if ordered:
        assert sink.items == list(range(40))
    check_free(pool, 3)

    # and from the loop to processes
    starter, stage = Transformer(note, resource=pool), Transformer(functions.add_one, executor=two)
    starter.link_target(stage)
    seen: list[Frame] = []

    def use(frame: Frame) -> None:
        seen.append(frame)
        frame[1].give_back()

    stage.link_target(Call(use))
    await run(starter, range(10))
    assert [frame[1] for frame in seen] == alive
    assert all(frame[1] is lease for frame, lease in zip(seen, alive, strict=True))
    check_free(pool, 3)


@marked
async def test_groups_of_items_go_in_one_message(two: Processes) -> None:
    pool, sink = pool_of(6), Sink()
    first, group = Transformer(functions.fill, executor=two, resource=pool), Batch[Frame](3)
    adder = Transformer(functions.add_ones, executor=two, concurrency=2)
    single: TransformMany[list[Frame], Frame] = TransformMany(list)
    for source, target in ((first, group), (group, adder), (adder, single), (single, sink.block)):
        source.link_target(target)  # type: ignore[arg-type]  # each pair fits
    await run(first, range(20))
    assert sink.items == list(range(20))
    check_free(pool, 6)


@marked
async def test_a_lease_may_come_back_several_times_before_its_call_has_ended(two: Processes) -> None:
    pool, items = pool_of(2), list[int]()
    first = TransformMany(functions.twice, executor=two, resource=pool)
    first.link_target(Call[Frame](lambda frame: items.append(frame[1].value[-1])))
    await run(first, range(8))
    assert items == [item for item in range(8) for _ in range(2)]
    check_free(pool, 2)


@marked
@pytest.mark.parametrize("function", [functions.die_at_odd, functions.fail_at_odd])
async def test_buffers_of_failed_items_come_back(two: Processes, function: Any) -> None:
    pool, sink = pool_of(2), Sink(added=0)
    first = Transformer(function, executor=two, concurrency=2, resource=pool, on_error="skip")
    first.link_target(sink.block)
    await run(first, range(8))
    assert sink.items == [0, 2, 4, 6]
    check_free(pool, 2)


@marked
@pytest.mark.parametrize(
    ("function", "policy"),
    [(functions.die_once, Retry(2, on=WorkerDied)), (functions.die_at_odd, Fallback(functions.fill))],
    ids=["a further try, when the process has ended", "a fallback"],
)
async def test_what_is_called_after_a_failure_gets_the_same_buffer(
    two: Processes, function: Any, policy: Retry | Fallback
) -> None:
    pool, sink = pool_of(2), Sink(added=0)
    first = Transformer(function, executor=two, concurrency=2, resource=pool, on_error=policy)
    first.link_target(sink.block)
    await run(first, range(6))
    assert sink.items == list(range(6))
    check_free(pool, 2)


@marked
async def test_a_late_call_is_ended_before_its_buffer_is_used_again() -> None:
    pool, sink = pool_of(1), Sink(added=0)
    with Processes(1) as one:
        first = Transformer(functions.hang_at_odd, executor=one, resource=pool, time_limit=5, on_error="skip")
        first.link_target(sink.block)
        await run(first, range(3))
    assert sink.items == [0, 2]
    check_free(pool, 1)


@marked
async def test_after_a_cancellation_buffers_come_back_when_the_processes_have_ended() -> None:
    pool = pool_of(2)
    with Processes(2, abandon_on_cancel=True) as processes:
        first = Transformer(functions.hang, executor=processes, concurrency=2, resource=pool)
        first.link_target(Call[Frame](lambda _: None))
        async with Network(first) as network:
            for item in range(4):
                await first.send(item)
            await trio.to_thread.run_sync(wait_until_written, pool)
            network.cancel()
    await trio.to_thread.run_sync(wait_until_free, pool)  # the threads of the processes see that these have ended
    check_free(pool, 2)


def wait_until_written(pool: BufferPool[memoryview]) -> None:
    """Wait until processes have written to both buffers, which are all that two calls use."""
    assert pool._memory is not None
    view = pool._memory.view
    until = time.monotonic() + SECONDS
    while not (view[0] and view[len(view) // 2]) and time.monotonic() < until:
        time.sleep(0.001)


def wait_until_free(pool: BufferPool[memoryview]) -> None:
    """Wait until all buffers are back."""
    until = time.monotonic() + SECONDS
    while pool.in_use and time.monotonic() < until:
        time.sleep(0.001)


@marked
async def test_a_fault_of_one_stage_gives_all_buffers_back(two: Processes) -> None:
    pool = pool_of(4)
    first = Transformer(functions.fill, executor=two, concurrency=2, resource=pool)
    second = Transformer(functions.fail_in_frame, executor=two)
    first.link_target(second)
    second.link_target(Call(lambda _: None))
    network = Network(first)
    with faults(ValueError) as found:
        async with network:
            for item in range(8):
                await first.send(item)
    clear_frames(found[0].__traceback__)
    found.clear()
    gc.collect()
    assert network.shutdown.first_error is not None
    frame: Any = network.shutdown.first_error.item
    assert pool.in_use == frame[1].belongs_to(pool) == 1


@marked
async def test_a_worker_process_cannot_hand_a_lease_on_itself(two: Processes) -> None:
    pool = pool_of(1)
    lease = pool.take(Taker())
    assert lease is not None
    with pytest.raises(TypeError, match="came from another process, and can only go back to it") as caught:
        two.submit(functions.ask_twice, lease).result(SECONDS)
    assert two.submit(functions.add_one, (1, lease)).result(SECONDS)[1] is lease
    del caught


@marked
async def test_other_pools_of_processes_are_refused() -> None:
    with ProcessPoolExecutor(1) as processes:
        block = Transformer(functions.fill, executor=processes, resource=pool_of(1))
        block.link_target(Call[Frame](lambda _: None))
        with faults(TypeError) as found:
            await run(block, range(1))
    assert "can go to a worker process of Processes, and nowhere else" in str(found[0])


@marked
async def test_what_a_worker_process_keeps_is_missing_at_the_end() -> None:
    pool = pool_of(2)
    with Processes(1) as one:
        block = Transformer(functions.keep_first, executor=one, resource=pool, name="keep")
        block.link_target(Call[int](lambda _: None))
        with pytest.raises(RuntimeError, match="1 of 2 buffers have not come back at the end of the network") as caught:
            await run(block, range(5))
        assert "transformer 'keep' had taken them" in str(caught.value)
        assert "or, in a worker process, to their memory" in str(caught.value)
        assert pool.in_use == 1
    check_free(pool, 2)
