"""The concurrency of a block, changed while it runs."""

import itertools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.blocks import (
    Call,
    Filter,
    IterableSource,
    Network,
    Recording,
    Retry,
    Tap,
    Threads,
    Transformer,
    TransformMany,
)
from penstock.blocks.base.timing import time_slice
from tests.blocks.executors.kinds import ByHand, Gauge, HandOver, comes_true
from tests.blocks.tools import contents, linked

R = TypeVar("R")


class Slow:
    """An async function that takes a number of seconds, and notes when its calls begin.

    Attributes:
        began: When each call began, and with what.
        running: How many calls run now.
    """

    def __init__(self) -> None:
        self.began: list[tuple[float, Any]] = []
        self.running = 0

    async def __call__(self, seconds: float) -> float:
        self.began.append((trio.current_time(), seconds))
        self.running += 1
        try:
            await trio.sleep(seconds)
        finally:
            self.running -= 1
        return seconds

    @property
    def times(self) -> list[float]:
        """When the calls began."""
        return [time for time, _ in self.began]


class Paced(ByHand):
    """An executor whose calls take as long as their item says, and that counts the calls that run."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = Slow()

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Begin soon, and end in a while."""
        future = super().submit(fn, *args, **kwargs)
        trio.lowlevel.spawn_system_task(self._work, self.all[-1], sum(args[1].items))
        return future

    async def _work(self, hand_over: HandOver, seconds: float) -> None:
        if hand_over.begin():
            await self.slow(seconds)
            hand_over.end()


def same(item: Any) -> Any:
    return item


def new_key() -> Callable[[Any], int]:
    """A key function that gives each item a key of its own."""
    numbers = itertools.count()
    return lambda item: next(numbers)


def made(where: str, **options: Any) -> tuple[Any, Slow]:
    """A transformer, and what sees its calls."""
    if where == "tasks":
        slow = Slow()
        return Transformer(slow, name="t", **options), slow
    if where == "tasks with keys":
        slow = Slow()
        return Transformer(slow, name="t", key=new_key(), **options), slow
    executor = Paced()
    if where == "executor with keys":
        options["key"] = new_key()
    elif where == "timed executor":
        options["time_limit"] = 100
    return Transformer(same, executor=executor, name="t", **options), executor.slow


KINDS = ["tasks", "executor", "timed executor"]
ALL_KINDS = [*KINDS, "tasks with keys", "executor with keys"]


@pytest.mark.parametrize("where", KINDS)
async def test_a_higher_concurrency_starts_more_calls_at_once(where: str) -> None:
    block, slow = made(where)
    results = linked(block)
    async with Network(block) as network:
        for _ in range(5):
            await block.send(10)
        await trio.sleep(1)
        block.concurrency = 3
        await trio.sleep(1)
        assert slow.times == [0, 1, 1]
        assert network.statistics()["t"].at_once == block.concurrency == 3
    assert slow.times[:4] == [0, 1, 1, 10]
    assert contents(results) == [10] * 5


@pytest.mark.parametrize("where", KINDS)
async def test_with_a_lower_concurrency_no_call_starts_until_fewer_are_under_way(where: str) -> None:
    block, slow = made(where, concurrency=3)
    results = linked(block)
    async with Network(block):
        for seconds in (10, 20, 30, 1, 1, 1):
            await block.send(seconds)
        await trio.sleep(1)
        block.concurrency = 1
        assert slow.running == 3  # nothing is stopped
    assert slow.times[:4] == [0, 0, 0, 30]  # after that, items may travel together
    assert contents(results) == [10, 20, 30, 1, 1, 1]


async def test_workers_that_are_too_many_end_and_come_again() -> None:
    slow = Slow()
    block = Call(slow, concurrency=4, name="t")
    async with Network(block) as network:
        for _ in range(4):
            await block.send(1)
        await trio.sleep(2)
        block.concurrency = 1  # all four are idle
        for _ in range(4):
            await block.send(1)
        await trio.sleep(10)
        assert slow.times[4:] == [2, 3, 4, 5]
        block.concurrency = 4
        for _ in range(4):
            await block.send(1)
        await trio.sleep(10)
        assert slow.times[8:] == [12] * 4
        assert network.statistics()["t"].in_work == 0


@pytest.mark.parametrize("where", KINDS)
async def test_a_change_there_and_back_lets_all_workers_go_on(where: str) -> None:
    block, slow = made(where, concurrency=2, ordered=False)
    linked(block)
    async with Network(block):
        for seconds in (4, 8, 1, 1, 1, 1):
            await block.send(seconds)
        await trio.sleep(1)
        block.concurrency = 1
        await trio.sleep(4)
        assert slow.running == 1
        block.concurrency = 2
        await trio.sleep(0.5)
        assert slow.running == 2
    assert slow.times[:3] == [0, 0, 5]


@pytest.mark.parametrize(("window", "begun"), [(None, 32), (9, 9)])
async def test_a_window_that_was_not_given_changes_too(window: int | None, begun: int) -> None:
    slow = Slow()
    block = Transformer(slow, window=window)
    linked(block)
    async with Network(block) as network:
        for seconds in [50, *[1] * 60]:
            await block.send(seconds)
        await wait_all_tasks_blocked()
        block.concurrency = 8
        await trio.sleep(40)
        assert len(slow.began) == begun
        network.cancel()


@pytest.mark.parametrize("where", KINDS)
async def test_it_can_be_changed_before_the_start_and_after_the_end(where: str) -> None:
    block, slow = made(where)
    linked(block)
    block.concurrency = 2
    async with Network(block):
        for _ in range(2):
            await block.send(1)
    block.concurrency = 5
    assert slow.times == [0, 0]
    assert block.concurrency == 5


async def test_the_statistics_know_how_many_calls_shared_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)
    block = Call(Slow(), name="t")
    async with Network(block) as network:
        for _ in range(2):
            await block.send(10)
        await trio.sleep(25)
        assert network.statistics()["t"].mean_at_once == 1
        block.concurrency = 4
        for _ in range(4):
            await block.send(10)
        await trio.sleep(25)
        numbers = network.statistics()["t"]
    assert (numbers.at_once, numbers.mean_at_once) == (4, 60 / 30)  # 20 s alone, and 40 s that took 10 s


# What is refused


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, True, None, "2"])
@pytest.mark.parametrize("where", KINDS)
def test_it_is_a_number_from_1_on(where: str, concurrency: Any) -> None:
    block, _ = made(where, concurrency=2)
    with pytest.raises(ValueError, match=r"transformer 't': concurrency must be an int >= 1, got "):
        block.concurrency = concurrency
    assert block.concurrency == 2


@pytest.mark.parametrize("kind", [Transformer, TransformMany, Call, Filter, Tap])
def test_a_plain_function_on_the_loop_has_one_call_at_a_time(kind: Any) -> None:
    block = kind(list, name="b")
    block.concurrency = 1
    with pytest.raises(ValueError, match=r"concurrency=2 needs an executor or an async function"):
        block.concurrency = 2
    assert block.concurrency == 1


def test_it_fits_the_window_and_the_capacity() -> None:
    block = Transformer(Slow(), window=3, capacity=5, name="t")
    with pytest.raises(ValueError, match="transformer 't': window must be at least the concurrency, 4, got 3"):
        block.concurrency = 4
    in_executor = Transformer[Any, Any](same, executor=Threads(2), window=3, name="t")
    with pytest.raises(ValueError, match="transformer 't': window must be at least the concurrency, 4, got 3"):
        in_executor.concurrency = 4
    block = Transformer(Slow(), capacity=3, name="t")
    with pytest.raises(ValueError, match="transformer 't': capacity must be at least the concurrency, 4, got 3"):
        block.concurrency = 4


def test_a_block_with_a_call_at_the_end_keeps_one_call_at_a_time() -> None:
    async def listed(item: int) -> list[int]:
        return [item]

    block = TransformMany(listed, at_end=list, name="t")
    block.concurrency = 1
    with pytest.raises(ValueError, match="transform-many 't': at_end= needs concurrency=1, got 2"):
        block.concurrency = 2


async def test_it_is_changed_in_the_thread_of_the_loop() -> None:
    block = Call(Slow(), name="t")
    async with Network(block):
        with ThreadPoolExecutor(1) as pool:
            change = pool.submit(setattr, block, "concurrency", 2)
        with pytest.raises(RuntimeError, match="change the concurrency of call 't': called in thread"):
            change.result()
    assert block.concurrency == 1


# With other features


async def test_an_item_that_is_tried_again_counts_as_under_way() -> None:
    slow = Slow()
    tries: list[float] = []

    async def fails_once(seconds: float) -> float:
        await slow(seconds)
        tries.append(seconds)
        if len(tries) == 1:
            raise ValueError(seconds)
        return seconds

    block = Transformer(fails_once, concurrency=2, on_error=Retry(1, lambda attempt: 10), name="t")
    results = linked(block)
    async with Network(block):
        for seconds in (1, 2, 3, 4):
            await block.send(seconds)
        await trio.sleep(1.5)
        block.concurrency = 1
    assert sorted(slow.began) == [(0, 1), (0, 2), (11, 1), (12, 3), (15, 4)]
    assert contents(results) == [1, 2, 3, 4]


@pytest.mark.parametrize("where", KINDS)
async def test_a_network_is_cancelled_while_there_are_too_many_workers(where: str) -> None:
    block, slow = made(where, concurrency=3)
    linked(block)
    async with Network(block) as network:
        for _ in range(6):
            await block.send(10)
        await trio.sleep(1)
        block.concurrency = 1
        network.cancel()
    assert len(slow.began) == 3
    assert network.balance()["t"].discarded == 6


async def test_outputs_keep_their_order_when_more_generators_run() -> None:
    async def count(item: int) -> AsyncIterator[tuple[int, int]]:
        for number in range(4):
            await trio.sleep(1 if item else 3)
            yield item, number

    block = TransformMany(count, name="t")
    results = linked(block)
    async with Network(block):
        for item in range(6):
            await block.send(item)
        await trio.sleep(4)
        assert contents(results) == [(0, 0)]  # it hands its outputs on as they come
        block.concurrency = 3
        await trio.sleep(7)
        assert contents(results) == [(0, 1), (0, 2)]
        block.concurrency = 1
    assert contents(results) == [(0, 3), *((item, number) for item in range(1, 6) for number in range(4))]


async def test_each_worker_has_a_row_of_its_own_in_a_recording() -> None:
    slow = Slow()
    block = Call(slow, name="t")
    recording = Recording()
    async with Network(block, recording=recording):
        for _ in range(6):
            await block.send(10)
        await trio.sleep(1)
        block.concurrency = 3
        await trio.sleep(15)
        block.concurrency = 1
        await trio.sleep(15)
        block.concurrency = 2
    rows = {span.worker for span in recording.spans if span.stage == "t"}
    assert len(rows) == 3


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("make", [Threads, ThreadPoolExecutor])
async def test_threads_begin_more_and_fewer_calls(make: Callable[[int], Executor]) -> None:
    gauge = Gauge(is_open=False)
    with make(4) as executor:
        block = Call[int](gauge, executor=executor, name="t")
        recording = Recording()
        async with Network(block, recording=recording) as network:
            for number in range(20):
                await block.send(number)
            await gauge.wait_begun(1)
            block.concurrency = 4
            await gauge.wait_begun(4)
            block.concurrency = 2
            gauge.let(2)
            await comes_true(lambda: network.statistics()["t"].consumed == 2)
            assert len(gauge.began) == 4
            gauge.let(1)
            await gauge.wait_begun(5)
            gauge.open()
    assert gauge.most == 4
    assert sorted(gauge.began) == list(range(20))
    assert len({span.worker for span in recording.spans if span.stage == "t"}) > 1


# Generated

changes = st.lists(st.tuples(st.sampled_from([0.5, 1.0, 3.0]), st.integers(1, 5)), max_size=6)
seconds = st.lists(st.sampled_from([0.0, 1.0, 2.0, 7.0]), max_size=30)


@given(st.sampled_from(ALL_KINDS), seconds, changes, st.integers(1, 4), st.booleans(), st.none() | st.integers(1, 25))
def test_whatever_changes_there_are(
    where: str, items: list[float], plan: list[tuple[float, int]], first: int, ordered: bool, stops_at: int | None
) -> None:
    async def main() -> None:
        block, slow = made(where, concurrency=first, ordered=ordered, window=None if ordered else 100)
        results = linked(block)
        source = IterableSource([float(item) for item in items])
        source.link_target(block)
        async with Network(source) as network:
            for pause, concurrency in plan:
                await trio.sleep(pause)
                before = slow.running
                block.concurrency = concurrency
                await wait_all_tasks_blocked()
                assert slow.running <= max(before, concurrency)
                assert slow.running >= concurrency or not block._core.inbox.queue or ordered
            if stops_at is not None:
                await trio.sleep(stops_at)
                network.cancel()
        got = contents(results)
        assert network.balance().ok
        if stops_at is None:
            assert got == items if ordered else sorted(got) == sorted(items)
        elif ordered:
            assert got == items[: len(got)]

    trio.run(main, clock=MockClock(autojump_threshold=0))
