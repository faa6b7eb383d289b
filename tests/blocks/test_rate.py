"""A limit on how many calls start in a time: in order, further tries counted, shared by blocks, changed as it runs."""

import copy
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from typing import Any, cast

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    BoundedBuffer,
    Broadcast,
    Call,
    Filter,
    Join,
    Network,
    Processes,
    Rate,
    Recording,
    ResourcePool,
    Retry,
    Take,
    Tap,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.threads import Loop
from penstock.blocks.base.timing import time_slice
from penstock.blocks.core import rate as rate_module
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import contents, faults, linked, run

KINDS = ["loop", "tasks", "executor"]


class Log:
    """A function that notes its items and the times of its calls, and raises for some items at first.

    Attributes:
        calls: The item and the time of each call, from the beginning.
    """

    def __init__(self, *bad: int, seconds: float = 0.0) -> None:
        self.calls: list[tuple[Any, float]] = []
        self.began = trio.current_time()
        self._bad = list(bad)
        self._seconds = seconds

    def __call__(self, item: Any) -> Any:
        self.calls.append((item, round(trio.current_time() - self.began, 6)))
        if item in self._bad:
            self._bad.remove(item)
            raise ValueError(f"bad {item}")
        return item

    async def later(self, item: Any) -> Any:
        """The same as an `async def` function that takes some seconds."""
        try:
            return self(item)
        finally:
            await trio.sleep(self._seconds)

    def many(self, item: Any) -> Iterator[Any]:
        """The same as a generator function."""
        yield self(item)

    async def many_later(self, item: Any) -> AsyncIterator[Any]:
        """The same as an asynchronous generator function."""
        yield self(item)

    @property
    def times(self) -> list[float]:
        """The times of the calls."""
        return [time for _, time in self.calls]

    @property
    def items(self) -> list[Any]:
        """The items of the calls."""
        return [item for item, _ in self.calls]


def make(kind: str, log: Log, **options: Any) -> Transformer[Any, Any]:
    """A block that calls its function on the loop, in tasks, or in an executor."""
    if kind == "loop":
        return Transformer(log, name="paced", **options)
    if kind == "tasks":
        return Transformer(log.later, concurrency=3, name="paced", **options)
    return Transformer(log, executor=OnLoop(workers=3), concurrency=3, name="paced", **options)


BLOCKS: dict[str, Callable[[Log, Rate], Any]] = {
    "transformer on the loop": lambda log, rate: Transformer(log, rate=rate),
    "transformer in tasks": lambda log, rate: Transformer(log.later, concurrency=3, rate=rate),
    "transformer in an executor": lambda log, rate: Transformer(log, executor=OnLoop(), concurrency=3, rate=rate),
    "timed transformer": lambda log, rate: Transformer(log, executor=OnLoop(), rate=rate, time_limit=0.4),
    "unordered transformer": lambda log, rate: Transformer(log.later, concurrency=3, ordered=False, rate=rate),
    "transform many on the loop": lambda log, rate: TransformMany(log.many, rate=rate),
    "transform many that skips": lambda log, rate: TransformMany(log.many, rate=rate, on_error="skip"),
    "transform many in tasks": lambda log, rate: TransformMany(log.many_later, concurrency=2, rate=rate),
    "transform many in an executor": lambda log, rate: TransformMany(log.many, executor=OnLoop(), rate=rate),
    "call on the loop": lambda log, rate: Call(log, rate=rate),
    "call in tasks": lambda log, rate: Call(log.later, concurrency=3, rate=rate),
    "call in an executor": lambda log, rate: Call(log, executor=OnLoop(), rate=rate),
    "filter": lambda log, rate: Filter(log, rate=rate),
    "filter in tasks": lambda log, rate: Filter(log.later, concurrency=3, rate=rate),
    "tap": lambda log, rate: Tap(log, rate=rate),
    "with contexts": lambda log, rate: Transformer(log, rate=rate, context=True),
}


@pytest.mark.parametrize("kind", BLOCKS)
async def test_calls_start_at_the_rate_and_in_order(kind: str) -> None:
    log = Log()
    block: Any = BLOCKS[kind](log, Rate(2))
    collector = linked(block) if hasattr(block, "link_target") else None
    await run(block, range(1, 6))
    assert log.calls == [(1, 0.0), (2, 0.5), (3, 1.0), (4, 1.5), (5, 2.0)]
    assert collector is None or contents(collector) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_burst_starts_at_once_and_what_was_not_used_is_saved_up_to_its_size(kind: str) -> None:
    log = Log()
    block = make(kind, log, rate=Rate(10, seconds=5, burst=3))
    linked(block)
    async with Network(block):
        for item in range(5):
            await block.send(item)
        await trio.sleep(100)
        for item in range(5, 10):
            await block.send(item)
    assert log.times == [0, 0, 0, 0.5, 1.0, 100, 100, 100, 100.5, 101.0]


class LateClock(trio.abc.Clock):
    """Virtual time in which every timer is late."""

    def __init__(self, late: float) -> None:
        self._late = late
        self._now = 0.0

    def start_clock(self) -> None: ...

    def current_time(self) -> float:
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        if deadline > self._now:
            self._now = deadline + self._late
        return 0.0


@pytest.mark.parametrize(("n", "burst"), [(50, 1), (1000, 1), (1000, 5)])
@pytest.mark.parametrize("late", [0.001, 0.009])
def test_calls_after_a_late_one_make_up_for_it(n: int, burst: int, late: float) -> None:
    times: list[float] = []

    async def main() -> None:
        block: Call[int] = Call(lambda _: times.append(trio.current_time()), rate=Rate(n, burst=burst))
        await run(block, range(200))

    trio.run(main, clock=LateClock(late))
    assert times[burst - 1] == 0 < times[burst]
    assert (200 - burst) / n <= times[-1] <= (200 - burst) / n + late + 1e-6


def test_calls_do_not_make_up_for_a_long_time_in_which_the_program_was_held_up() -> None:
    times: list[float] = []

    async def main() -> None:
        block: Call[int] = Call(lambda _: times.append(trio.current_time()), rate=Rate(100))
        await run(block, range(20))

    trio.run(main, clock=LateClock(0.5))
    gaps = [round(later - earlier, 6) for earlier, later in pairwise(times)]
    assert gaps == [0.51, 0] * 9 + [0.51]  # of 51 calls that are late, 1 is made up for


@pytest.mark.parametrize("kind", KINDS)
async def test_a_number_is_a_number_of_calls_per_second(kind: str) -> None:
    log = Log()
    block = make(kind, log, rate=0.5)
    linked(block)
    await run(block, range(3))
    assert log.times == [0, 2, 4]


# Failures


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backoff", [0.0, 0.1])
async def test_further_tries_count_and_come_before_new_items(kind: str, backoff: float) -> None:
    log = Log(1, 1, 3)
    block = make(kind, log, rate=Rate(1), on_error=Retry(2, backoff=backoff, jitter=0.0))
    collector = linked(block)
    network = await run(block, range(5))
    assert contents(collector) == [0, 1, 2, 3, 4]
    assert log.times == [0, 1, 2, 3, 4, 5, 6, 7]
    assert log.items == [0, 1, 1, 1, 2, 3, 3, 4]
    assert network.statistics()["paced"].retried == 3


async def test_several_tries_come_before_a_new_item() -> None:
    log = Log(0, 1, 2)
    block = make("tasks", log, rate=Rate(1, burst=3), on_error=Retry(1))
    linked(block)
    await run(block, range(4))
    assert log.times == [0, 0, 0, 1, 2, 3, 4]
    assert sorted(log.items[:3]) == [0, 1, 2]
    assert sorted(log.items[3:6]) == [0, 1, 2]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_item_that_is_skipped_has_used_its_start(kind: str) -> None:
    log = Log(1)
    block = make(kind, log, rate=Rate(1), on_error="skip")
    collector = linked(block)
    await run(block, range(4))
    assert contents(collector) == [0, 2, 3]
    assert log.times == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_wait_is_not_part_of_the_time_limit_of_an_item(kind: str) -> None:
    log = Log(2, seconds=0.5)
    block = make(kind, log, rate=Rate(1, seconds=10), time_limit=1.0, on_error=Retry(1))
    collector = linked(block)
    await run(block, range(4))
    assert contents(collector) == [0, 1, 2, 3]
    assert log.times == [0, 10, 20, 30, 40]


# Sharing


@pytest.mark.parametrize("kinds", [("loop", "tasks"), ("executor", "loop"), ("tasks", "executor")])
async def test_blocks_that_share_a_rate_take_turns(kinds: tuple[str, str]) -> None:
    log, rate = Log(), Rate(1)
    first, second = make(kinds[0], log, rate=rate), make(kinds[1], log, rate=rate)
    linked(first)
    linked(second)
    async with Network(first, second):
        for item in range(4):
            await first.send(("first", item))
            await second.send(("second", item))
    assert log.times == [0, 1, 2, 3, 4, 5, 6, 7]
    for who in ("first", "second"):
        assert [item for name, item in log.items if name == who] == [0, 1, 2, 3]
        assert sum(name == who for name, _ in log.items[:4]) in (1, 2, 3)
    later = [who for who, _ in log.items[2:6]]  # a block that came first has been in line first, too
    assert later in (["first", "second"] * 2, ["second", "first"] * 2)


async def test_networks_may_share_a_rate_and_the_end_of_one_holds_up_no_other() -> None:
    log, rate = Log(), Rate(1, seconds=10)
    first, second = make("loop", log, rate=rate), make("loop", log, rate=rate)
    linked(first)
    linked(second)
    async with Network(second), Network(first) as one:
        for item in range(3):
            await first.send(("first", item))
        await trio.sleep(1)
        await second.send(("second", 0))
        await trio.sleep(4)
        one.cancel()
    assert log.calls == [(("first", 0), 0), (("second", 0), 10)]


async def test_a_block_that_cannot_use_its_turn_passes_it_on() -> None:
    log, rate = Log(), Rate(1, seconds=10)

    async def three(item: str) -> AsyncIterator[str]:
        log(item)
        for number in range(3):
            yield f"{item}{number}"

    first = TransformMany(three, concurrency=2, window=2, ordered=False, rate=rate)
    second = make("loop", log, rate=rate)
    full: BoundedBuffer[str] = BoundedBuffer(1)
    first.link_target(full)
    linked(second)
    async with Network(first, second):
        await first.send("a")
        await first.send("b")
        await trio.sleep(1)
        await second.send("second")
        await trio.sleep(18)
        assert log.calls == [("a", 0), ("second", 10)]  # the first block has as many outputs as it may have
        first.complete()
        assert [item async for item in full] == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert log.calls[2:] == [("b", 20)]


async def test_a_rate_remembers_the_starts_of_the_network_before() -> None:
    rate, log = Rate(1, seconds=10), Log()
    for _ in range(3):
        block = make("loop", log, rate=rate)
        linked(block)
        await run(block, [1])
    assert log.times == [0, 10, 20]


@pytest.mark.parametrize(("passed", "expected"), [(0.0, 10.0), (4.0, 6.0), (100.0, 0.0)])
def test_a_rate_remembers_the_starts_of_the_run_before(
    passed: float, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(rate_module, "perf_counter", lambda: now)
    rate = Rate(1, seconds=10)
    waited: list[float] = []

    async def main() -> None:
        log = Log()
        block = make("loop", log, rate=rate)
        linked(block)
        await run(block, [1])
        waited.extend(log.times)

    for _ in range(2):
        clock = trio.testing.MockClock(autojump_threshold=0)
        clock.jump(len(waited) * 1000)
        trio.run(main, clock=clock)
        now += passed
    assert waited == [0, expected]


class Far:
    """A block of a network in another thread."""

    loop = Loop(-1, None)  # type: ignore[arg-type]  # nothing calls it

    def called(self) -> None: ...

    def alarm_in(self, seconds: float) -> None: ...


async def test_networks_in_two_threads_cannot_share_a_rate() -> None:
    rate = Rate(1, name="api")
    far = Far()
    rate.join(far)
    block = make("loop", Log(), rate=rate)
    linked(block)
    with faults(RuntimeError) as found:
        await run(block)
    assert "rate 'api' is used by blocks of networks in two threads at the same time" in str(found[0])
    with pytest.raises(RuntimeError, match="change the limit of rate 'api': called in thread"):
        rate.n = 5
    rate.leave(far)
    rate.n = 5
    assert rate.n == 5


def test_a_block_in_another_thread_that_is_refused_leaves_the_waiting_one_alone() -> None:
    rate, done, clock = Rate(1, name="api"), list[int](), trio.testing.MockClock()

    async def use(*items: int) -> None:
        block = Call(done.append, rate=rate)
        async with Network(block):
            for item in items:
                await block.send(item)
            await wait_all_tasks_blocked()
            if items:
                await trio.to_thread.run_sync(refused)
                assert done == [1]
                clock.jump(1)

    def refused() -> None:
        with faults(RuntimeError):
            trio.run(use)

    trio.run(use, 1, 2, clock=clock)
    assert done == [1, 2]


# Changes


@pytest.mark.parametrize("kind", KINDS)
async def test_a_change_takes_effect_at_once(kind: str) -> None:
    log, rate = Log(), Rate(1, seconds=100)
    block = make(kind, log, rate=rate)
    linked(block)
    async with Network(block):
        for item in range(6):
            await block.send(item)
        await trio.sleep(20)  # a fifth of the time has passed
        rate.n = 10  # now a start takes 10 s, and four fifths of it are left
        await trio.sleep(10)
        assert log.times == [0, 28]
        rate.n = 1
        await trio.sleep(70)
        assert log.times == [0, 28]
        rate.n = 1000
    assert log.times[:2] == [0, 28]
    assert 100 < log.times[2] < log.times[5] < 100.5


async def test_a_change_lets_a_block_start_that_has_waited_long_enough() -> None:
    log, rate = Log(), Rate(1, seconds=100)
    block = make("loop", log, rate=rate)
    linked(block)
    async with Network(block):
        await block.send(0)
        await block.send(1)
        await trio.sleep(50)
        rate.n = 1e12
        await trio.sleep(1)
        assert log.times == [0, 50]


# Ends


async def test_a_network_that_only_waits_for_its_rate_is_not_stalled() -> None:
    log = Log()
    block = make("loop", log, rate=Rate(1, seconds=1e4))
    collector = linked(block)
    async with Network(block):
        await block.send(0)
        await block.send(1)
        assert [await collector.receive(), await collector.receive()] == [0, 1]
    assert log.times == [0, 1e4]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tries", [False, True])
async def test_a_network_that_is_cancelled_waits_no_longer(kind: str, tries: bool) -> None:
    log, rate = Log(*([0] if tries else [])), Rate(1, seconds=1000)
    block = make(kind, log, rate=rate, on_error=Retry(1))
    linked(block)
    async with Network(block) as network:
        await block.send(0)
        await block.send(1)
        await trio.sleep(1)
        network.cancel()
    assert log.calls == [(0, 0)]
    assert trio.current_time() - log.began == 1
    balance = network.balance()["paced"]
    assert (balance.accepted, balance.discarded + balance.delivered) == (2, 2)
    assert not rate._users
    assert not rate._line


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_elsewhere_ends_the_wait(kind: str) -> None:
    log = Log()
    block = make(kind, log, rate=Rate(1, seconds=1000))
    linked(block)
    broken: Call[int] = Call(Log(1))
    with faults(ValueError):
        async with Network(block, broken):
            await block.send(0)
            await block.send(1)
            await broken.send(1)
    assert trio.current_time() == log.began


@pytest.mark.parametrize("kind", KINDS)
async def test_a_take_behind_it_ends_the_wait(kind: str) -> None:
    log = Log()
    block, take = make(kind, log, rate=Rate(1, seconds=1000)), Take[Any](1)
    block.link_target(take)
    collector = linked(take)
    async with Network(block):
        for item in range(3):
            block.send_nowait(item)  # without a pause, in which the block might end
        assert [item async for item in collector] == [0]
    assert trio.current_time() == log.began


# Together with other options


async def test_an_item_starts_when_it_has_a_start_and_a_lease() -> None:
    log = Log()
    pool = ResourcePool([1, 2], name="two")

    async def work(item: int, lease: Any) -> int:
        with lease:
            log(item)
            await trio.sleep(3)
        return item

    block: Transformer[int, int] = Transformer(work, concurrency=5, resource=pool, rate=Rate(1))
    collector = linked(block)
    await run(block, range(6))
    assert log.calls == [(0, 0), (1, 1), (2, 3), (3, 4), (4, 6), (5, 7)]
    assert contents(collector) == list(range(6))
    assert pool.in_use == 0
    assert block._core.pool is pool


async def test_a_failed_item_keeps_its_lease_while_it_waits_for_its_next_try() -> None:
    log = Log(0)
    pool = ResourcePool([1])

    async def work(item: int, lease: Any) -> int:
        assert lease.value == 1
        return int(log(item))

    block: Transformer[int, int] = Transformer(work, resource=pool, rate=Rate(1), on_error=Retry(1))
    linked(block)
    await run(block, range(2))
    assert log.calls == [(0, 0), (0, 1), (1, 2)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_pool_alone_lets_further_tries_start_at_once(kind: str) -> None:
    log = Log(0)
    pool = ResourcePool([1])

    def work(item: int, lease: Any) -> Any:
        result = log(item)
        lease.give_back()
        return result

    async def later(item: int, lease: Any) -> Any:
        return work(item, lease)

    options: Any = {"resource": pool, "on_error": Retry(1)}
    block: Transformer[int, Any] = (
        Transformer(later, **options)
        if kind == "tasks"
        else Transformer(work, executor=OnLoop() if kind == "executor" else None, **options)
    )
    linked(block)
    await run(block, range(2))
    assert log.calls == [(0, 0), (0, 0), (1, 0)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_governor_counts_the_items_that_wait(kind: str) -> None:
    log, governor = Log(), PipelineGovernor(2)
    block, end = make(kind, log, rate=Rate(1)), Call[int](id)
    block.link_target(end)
    governor.govern(first=block, last=end)
    await run(block, range(4))
    assert log.times == [0, 1, 2, 3]
    assert governor.in_flight == 0


@pytest.mark.parametrize("executor", [None, OnLoop])
async def test_the_call_at_the_end_is_not_counted(executor: Any) -> None:
    log = Log()

    def last() -> list[str]:
        return [f"end at {trio.current_time() - log.began:g}"]

    at_end = last if executor is None else None
    block: TransformMany[Any, Any] = TransformMany(log.many, rate=Rate(1), at_end=at_end)
    collector = linked(block)
    await run(block, range(2))
    assert contents(collector) == ([0, 1, "end at 1"] if at_end else [0, 1])


KEYED: dict[str, Callable[[Log, dict[str, Any]], Any]] = {
    "tasks": lambda log, options: Transformer(log.later, concurrency=3, **options),
    "tasks that give many": lambda log, options: TransformMany(log.many_later, concurrency=3, **options),
    "executor": lambda log, options: Transformer(log, executor=OnLoop(workers=3), concurrency=3, **options),
    "executor with a time limit": lambda log, options: Transformer(
        log, executor=OnLoop(workers=3), concurrency=3, time_limit=5, **options
    ),
}


def parity(item: int) -> int:
    return item % 2


@pytest.mark.parametrize("kind", KEYED)
@pytest.mark.parametrize("ordered", [False, True])
async def test_with_keys_a_start_is_counted_when_the_turn_of_an_item_has_come(kind: str, ordered: bool) -> None:
    log = Log(0, 4)
    options: Any = {"key": parity, "ordered": ordered, "rate": Rate(1), "on_error": Retry(1)}
    block = KEYED[kind](log, options)
    collector = linked(block)
    await run(block, range(6))
    assert log.times == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [item for item in log.items if item % 2] == [1, 3, 5]
    assert [item for item in log.items if not item % 2] == [0, 0, 2, 4, 4]
    result = contents(collector)
    assert (result if ordered else sorted(result)) == list(range(6))


@pytest.mark.parametrize("kind", ["tasks", "executor"])
@pytest.mark.parametrize("ordered", [False, True])
async def test_with_keys_and_a_pool_an_item_needs_a_lease_too(kind: str, ordered: bool) -> None:
    log = Log()
    pool = ResourcePool([1])

    def work(item: int, lease: Any) -> int:
        log(item)
        lease.give_back()
        return item

    async def later(item: int, lease: Any) -> int:
        return work(item, lease)

    options: Any = {"key": parity, "ordered": ordered, "rate": Rate(1), "resource": pool}
    block: Transformer[int, int] = (
        Transformer(later, concurrency=2, **options)
        if kind == "tasks"
        else Transformer(work, executor=OnLoop(workers=2), concurrency=2, **options)
    )
    collector = linked(block)
    await run(block, range(4))
    assert log.calls == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert contents(collector) == [0, 1, 2, 3]
    assert pool.in_use == 0


async def test_it_keeps_the_order_for_a_join() -> None:
    copies: Broadcast[int] = Broadcast()
    paced, plain = Tap[int](id, rate=5), UnboundedBuffer[int]()
    copies.link_target(paced)
    copies.link_target(plain)
    collector = linked(Join(paced, plain))
    await run(copies, range(5))
    assert contents(collector) == [(n, n) for n in range(5)]


def double(item: int) -> int:
    return 2 * item


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("workers", [Threads, Processes])
async def test_it_paces_worker_pools(workers: Any) -> None:
    block: Transformer[int, int] = Transformer(double, executor=workers(2), concurrency=2, rate=Rate(2000, burst=1))
    collector = linked(block)
    network = await run(block, range(20))
    assert contents(collector) == [double(n) for n in range(20)]
    assert network.statistics().seconds >= 19 / 2000


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("time_limit", [None, 60])
async def test_no_job_waits_for_a_worker_because_its_start_is_counted(time_limit: float | None) -> None:
    block: Transformer[int, int] = Transformer(
        double, executor=Threads(4), concurrency=2, rate=1000, time_limit=time_limit
    )
    collector = linked(block)
    async with Network(block):
        lane = cast("Any", block._core.runner).lane  # it has an executor
        assert lane.depth == 2
        block.concurrency = 3
        assert lane.depth == 3
        await block.send(1)
        assert await collector.receive() == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_a_recording_shows_each_call(kind: str) -> None:
    recording = Recording()
    block = make(kind, Log(), rate=Rate(1))
    linked(block)
    await run(block, range(3), recording=recording)
    assert sorted(span.item for span in recording.spans if span.stage == "paced" and span.item) == [1, 2, 3]


# Statistics


@pytest.mark.parametrize("kind", KINDS)
async def test_waiting_for_the_rate_is_not_work_and_has_a_column(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)
    block = make(kind, Log(), rate=Rate(1))
    linked(block)
    async with Network(block) as network:
        for item in range(4):
            await block.send(item)
        await trio.sleep(1.5)
        waited = network.statistics()["paced"].wait_for_rate
        assert waited.count == 2  # the present one too
        assert waited.total == pytest.approx(1.5)
    statistics = network.statistics()["paced"]
    assert statistics.wait_for_rate.count == 3
    assert statistics.wait_for_rate.total == pytest.approx(3)
    assert statistics.service.total < 0.5
    assert statistics.wait_for_output.total == pytest.approx(0)
    assert "for rate" in str(network.report())


async def test_a_rate_that_holds_up_everything_is_the_bottleneck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)
    log = Log(seconds=0.5)
    block = make("tasks", log, rate=Rate(1))
    linked(block)
    network = await run(block, range(10))
    assert str(network.report().bottleneck).startswith(
        "the rate of paced is the bottleneck: calls waited for it 95% of the run"
    )


# The object


def test_it_shows_its_limit() -> None:
    assert repr(Rate(10, name="api")) == "<Rate 'api', 10 per 1 s>"
    assert str(Rate(10, name="api")) == "rate 'api'"
    assert Rate(1).name.startswith("Rate-")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "rate 'api': n must be a number > 0, got 0"),
        ({"n": "5"}, "rate 'api': n must be a number > 0, got '5'"),
        ({"n": 1, "seconds": 0}, "rate 'api': seconds must be a number > 0"),
        ({"n": 1, "burst": 0}, "rate 'api': burst must be an int >= 1, got 0"),
        ({"n": 1, "burst": 1.5}, "rate 'api': burst must be an int >= 1, got 1.5"),
        ({"n": 1, "burst": True}, "rate 'api': burst must be an int >= 1, got True"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Rate(**arguments, name="api")


def test_a_limit_that_is_out_of_range_changes_nothing() -> None:
    rate = Rate(1)
    with pytest.raises(ValueError, match="n must be a number > 0, got -1"):
        rate.n = -1
    assert rate.n == 1


@pytest.mark.parametrize("kind", [Transformer, TransformMany, Call, Filter, Tap])
def test_a_block_refuses_what_is_no_rate(kind: Any) -> None:
    for rate in ("fast", True, [1]):
        with pytest.raises(TypeError, match="rate must be a Rate, or the number of calls per second, got"):
            kind(double, rate=rate)
    with pytest.raises(ValueError, match="rate must be a number > 0, got 0"):
        kind(double, rate=0)


def test_it_cannot_be_copied() -> None:
    with pytest.raises(TypeError, match="rate 'api' cannot be copied or pickled"):
        copy.copy(Rate(1, name="api"))
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        pickle.dumps(Rate(1))


# Any traffic


@given(
    data=st.data(),
    n=st.sampled_from([0.3, 1, 7]),
    burst=st.integers(1, 4),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3),
    bad=st.lists(st.integers(0, 9), max_size=6),
    changes=st.lists(st.sampled_from([0.3, 1, 7]), max_size=3),
    ordered=st.booleans(),
)
def test_in_no_period_more_calls_start_than_the_rate_allows(
    data: Any, n: float, burst: int, kinds: list[str], bad: list[int], changes: list[float], ordered: bool
) -> None:
    pauses = data.draw(st.lists(st.sampled_from([0.0, 0.0, 0.2, 3.0]), min_size=10, max_size=10))
    rate = Rate(n, burst=burst)
    logs: list[Log] = []
    results: list[list[int]] = []

    async def feed(block: Transformer[int, int]) -> None:
        for item, pause in enumerate(pauses):
            await trio.sleep(pause)
            await block.send(item)

    async def change() -> None:
        for limit in changes:
            await trio.sleep(1.7)
            rate.n = limit

    async def main() -> None:
        logs.extend(Log(*bad, seconds=0.4) for _ in kinds)
        options: Any = {"on_error": Retry(6, backoff=0.3), "ordered": ordered}
        made = [
            Transformer(log.later, concurrency=3, rate=rate, **options)
            if kind == "tasks"
            else Transformer(log, executor=OnLoop() if kind == "executor" else None, rate=rate, **options)
            if kind == "executor"
            else Transformer(log, rate=rate, on_error=options["on_error"])
            for kind, log in zip(kinds, logs, strict=True)
        ]
        collectors = [linked(block) for block in made]
        async with Network(*made), trio.open_nursery() as nursery:
            nursery.start_soon(change)
            for block in made:
                nursery.start_soon(feed, block)
        results.extend(contents(collector) for collector in collectors)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    for kind, result in zip(kinds, results, strict=True):
        assert (result if ordered or kind == "loop" else sorted(result)) == list(range(10))
    starts = sorted(time for log in logs for time in log.times)
    fastest = max([n, *changes])
    assert len(starts) == len(kinds) * (10 + len(bad))
    for first, begin in enumerate(starts):
        for count, end in enumerate(starts[first:], 1):
            assert count <= burst + (end - begin) * fastest + 1e-4


def test_a_thread_is_told_to_let_the_loop_change_the_limit() -> None:
    errors: list[str] = []
    rate = Rate(1)

    def change() -> None:
        try:
            rate.n = 5
        except RuntimeError as error:
            errors.append(str(error))

    async def main() -> None:
        block = make("loop", Log(), rate=rate)
        linked(block)
        async with Network(block):
            thread = threading.Thread(target=change)
            thread.start()
            await trio.to_thread.run_sync(thread.join)

    trio.run(main)
    assert rate.n == 1
    assert "have the loop do anything else, with trio.from_thread.run_sync" in errors[0]


async def test_a_network_that_is_stopped_while_blocks_wait_for_their_shared_rate_just_ends() -> None:
    rate = Rate(1, seconds=100)
    blocks: list[Transformer[int, int]] = [Transformer(double, rate=rate, name=name) for name in "abc"]
    for block in blocks:
        linked(block)
    async with Network(*blocks) as network:
        for block in blocks:
            await block.send(1)
            await block.send(2)
        await wait_all_tasks_blocked()
        network.cancel()
    assert network.balance().ok
