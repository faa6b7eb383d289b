"""A source whose iterable is read in an executor."""

import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import count
from typing import Any, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Activity,
    BoundedBuffer,
    Call,
    Cluster,
    IterableSource,
    Network,
    Processes,
    Recording,
    Stalled,
    Take,
    Threads,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import SECONDS, ByHand, OnLoop, comes_true, is_set, turns
from tests.blocks.tools import contents, faults, linked, notes


class Closing:
    """A generator that tells where it was begun, read and closed.

    Attributes:
        threads: In which threads it was.
        closed: Where it was closed.
    """

    def __init__(self, items: Iterator[Any] | None = None, before: Callable[[int], object] = lambda item: None) -> None:
        self.threads: set[str] = set()
        self.closed: list[str] = []
        self._items = count() if items is None else items
        self._before = before

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self._items:
                self._before(item)
                self.threads.add(self._here())
                yield item
        finally:
            self.closed.append(self._here())

    @staticmethod
    def _here() -> str:
        return "loop" if threading.current_thread() is threading.main_thread() else "worker"


@pytest.mark.parametrize("make", [lambda: Threads(1), lambda: ThreadPoolExecutor(1), OnLoop], ids=["ours", "pool", "x"])
@pytest.mark.usefixtures("real_time")
async def test_it_gives_all_items_in_order_and_ends(make: Callable[[], Executor]) -> None:
    cases: tuple[Iterable[Any], ...] = (range(5_000), [], iter("abc"), (n for n in range(10)))
    for items in cases:
        expected = list(items) if not hasattr(items, "__next__") else None
        source: IterableSource[Any] = IterableSource(items, executor=make(), name="s")
        collector = linked(source)
        async with Network(source) as network:
            pass
        got = contents(collector)
        assert got in (expected, ["a", "b", "c"], list(range(10)))
        assert source.is_finished
        assert network.balance()["s"].produced == len(got)
        assert source.place == type(make()).__name__


@pytest.mark.usefixtures("real_time")
async def test_what_takes_its_time_is_handed_on_item_by_item() -> None:
    taken = [threading.Event() for _ in range(4)]

    def waits_for_the_taker() -> Iterator[int]:
        for n in range(4):
            assert n == 0 or taken[n - 1].wait(SECONDS)  # the item before is out before this one is made
            assert threading.current_thread() is not threading.main_thread()
            threading.Event().wait(0.002)  # more than the time of a chunk
            yield n

    source = IterableSource(waits_for_the_taker(), executor=Threads(1))
    source.link_target(Call(lambda n: taken[n].set()))
    async with Network(source) as network:
        pass
    row = network.statistics()[source.name]
    assert (row.place, row.service.count) == ("Threads", 4)
    assert row.service.total > 0.004


@pytest.mark.usefixtures("real_time")
async def test_with_one_thread_everything_happens_in_the_same_one() -> None:
    def rows() -> Iterator[int]:
        own = sqlite3.connect(":memory:")  # may only be used in the thread that made it
        try:
            for (n,) in own.execute("values (1), (2), (3)"):
                yield n
        finally:
            own.close()

    source = IterableSource(rows(), executor=Threads(1))
    source.link_target(full := BoundedBuffer[int](1))
    async with Network(source):
        assert await full.receive() == 1
        await source.aclose()
        rest = [item async for item in full]
    assert rest == list(range(2, 2 + len(rest)))


@pytest.mark.usefixtures("real_time")
async def test_it_reads_no_further_than_its_target_has_room_for() -> None:
    numbers = Closing()
    source = IterableSource(numbers, executor=Threads(1), name="s")
    source.link_target(full := BoundedBuffer[int](2))
    async with Network(source) as network:
        assert [await full.receive() for _ in range(5)] == [0, 1, 2, 3, 4]
        await comes_true(lambda: len(full) == 2 and network.statistics()["s"].held > 0)
        assert network.statistics()["s"].held <= 2
        network.cancel()
    assert next(numbers._items) <= 10
    assert numbers.closed == ["worker"]
    assert network.balance().ok


ENDS = ["exhausted", "cancel", "fault elsewhere", "fault of its own", "closed", "closed while it waits for room"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("pool", ["ours", "standard"])
@pytest.mark.usefixtures("real_time")
async def test_a_generator_is_closed_once_and_where_it_is_read(end: str, pool: str) -> None:
    def fail(item: int) -> None:
        if item == 3:
            raise ValueError("enough")

    is_own = end == "fault of its own"
    items = iter(range(3)) if end == "exhausted" else None
    numbers = Closing(items, fail if is_own else lambda _: None)
    source = IterableSource(iter(numbers), executor=Threads(1) if pool == "ours" else ThreadPoolExecutor(1), name="s")
    full: BoundedBuffer[int] = BoundedBuffer(2, name="full")
    source.link_target(full)

    async def use(network: Network) -> None:
        assert await full.receive() == 0
        if end == "closed while it waits for room":
            await comes_true(lambda: network.statistics()["s"].held > 0)
        if end.startswith("closed"):
            await source.aclose()
        elif end == "cancel":
            network.cancel()
        elif end == "fault elsewhere":
            raise ValueError("enough")
        async for _ in full:
            pass

    if "fault" in end:
        with faults(ValueError) as found:
            async with Network(source) as network:
                await use(network)
        assert notes(found[0]) == (["in s"] if is_own else [])
    else:
        async with Network(source) as network:
            await use(network)
    assert numbers.threads == {"worker"}
    assert numbers.closed == ["worker"]
    assert network.balance().ok


@pytest.mark.parametrize("abandons", [False, True])
@pytest.mark.usefixtures("real_time")
async def test_a_worker_in_the_middle_of_an_item_closes_the_generator_when_it_returns(abandons: bool) -> None:
    begun, may_end, cancelled = threading.Event(), threading.Event(), trio.Event()

    def wait(item: int) -> None:
        begun.set()
        assert may_end.wait(SECONDS)

    numbers = Closing(before=wait)
    executor = Threads(1, abandon_on_cancel=abandons)
    source = IterableSource(numbers, executor=executor, name="s")
    linked(source)
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            async with Network(source) as network:
                await is_set(begun)
                network.cancel()
                cancelled.set()
            assert network.balance().ok
            assert network.balance()["s"].discarded == (0 if abandons else 1)
            if abandons:
                assert numbers.closed == []
            may_end.set()

        nursery.start_soon(run)
        if not abandons:
            await cancelled.wait()
            await turns()
            may_end.set()
    await comes_true(lambda: bool(numbers.closed))
    assert numbers.closed == ["worker"]


async def test_what_closing_raises_comes_out_of_the_network() -> None:
    def bad() -> Iterator[int]:
        try:
            yield from count()
        finally:
            raise ValueError("cannot close")

    source = IterableSource(bad(), executor=OnLoop(), name="s")
    source.link_target(full := BoundedBuffer[int](1))
    with faults(ValueError) as found:
        async with Network(source) as network:
            await full.receive()
            await wait_all_tasks_blocked()  # nothing is being read: there is no room for it
            network.cancel()
    assert notes(found[0]) == ["in s"]
    assert network.balance().ok


async def test_an_iterable_that_nobody_has_begun_to_read_needs_no_worker_to_be_closed() -> None:
    executor = ByHand()
    source: IterableSource[int] = IterableSource((n for n in range(3)), executor=executor)
    await source.aclose()
    linked(source)
    async with Network(source):
        pass
    assert executor.all == []
    assert source.is_finished


async def test_one_read_at_a_time_is_out_and_none_while_an_item_waits() -> None:
    executor = ByHand()
    source = IterableSource(range(5), executor=executor)
    source.link_target(full := BoundedBuffer[int](2))
    async with Network(source):
        await wait_all_tasks_blocked()
        assert len(executor.all) == 1
        for _ in range(2):
            executor.all[-1].run()
            await wait_all_tasks_blocked()
        assert len(executor.all) == 2  # the target is full, and one item waits
        assert [await full.receive() for _ in range(3)] == [0, 1, 2]
        await wait_all_tasks_blocked()
        assert len(executor.all) == 3
        while executor.out:
            executor.out[0].run()
            await wait_all_tasks_blocked()
        assert [item async for item in full] == [3, 4]


async def test_closing_it_while_a_read_is_out_hands_on_what_that_has_read() -> None:
    executor = ByHand()
    source = IterableSource(range(5), executor=executor)
    async with Network(source):
        await wait_all_tasks_blocked()
        await source.aclose()
        await source.aclose()
        executor.all[0].run()
        assert [item async for item in source] == []
    assert len(executor.all) == 1

    source = IterableSource(range(5), executor=(executor := ByHand()))
    async with Network(source):
        await wait_all_tasks_blocked()
        executor.all[0].run()
        await source.aclose()
        assert [item async for item in source] == list(range(5))


async def test_a_read_that_its_executor_loses_is_a_fault() -> None:
    executor = ByHand()
    source = IterableSource(range(5), executor=executor, name="s")
    linked(source)
    with faults(OSError) as found:
        async with Network(source):
            await wait_all_tasks_blocked()
            executor.all[0].fail(OSError("gone"))
    assert notes(found[0])[0].startswith("the executor of source 's', <tests.blocks.executors.kinds.ByHand")


async def test_a_read_that_its_executor_loses_while_the_network_is_stopped_has_read_nothing() -> None:
    executor, stopped = ByHand(), trio.Event()
    source = IterableSource(range(5), executor=executor, name="s")
    linked(source)
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            async with Network(source) as network:
                await wait_all_tasks_blocked()
                assert executor.all[0].begin()
                network.cancel()
                stopped.set()
            assert network.balance().ok
            assert network.balance()["s"].discarded == 0

        nursery.start_soon(run)
        await stopped.wait()
        await wait_all_tasks_blocked()
        executor.all[0].future.set_exception(OSError("gone"))


@pytest.mark.usefixtures("real_time")
async def test_an_executor_that_was_shut_down_is_a_fault() -> None:
    executor = Threads(1)
    executor.shutdown()
    source = IterableSource(range(5), executor=executor, name="s")
    linked(source)
    with faults(RuntimeError) as found:
        async with Network(source):
            pass
    assert notes(found[0])[0].startswith("source 's' could not hand its iterable to its executor")


def test_an_iterable_cannot_be_read_in_another_process() -> None:
    for executor in (Processes(1), ProcessPoolExecutor(1), object.__new__(Cluster)):
        with pytest.raises(TypeError, match=r"source 's': its iterable is in this process .* executor=Threads\(1\)"):
            IterableSource(range(3), executor=executor, name="s")
    with pytest.raises(TypeError, match="source 's': executor must be Threads or another executor with threads, got 3"):
        IterableSource(range(3), executor=cast("Any", 3), name="s")


async def test_an_executor_that_pickles_what_it_is_given_is_told_so() -> None:
    import pickle

    from penstock.blocks.functions.reader import Reader

    with pytest.raises(TypeError, match=r"source 's': the iterable of a source is read in this process"):
        pickle.dumps(Reader(iter([]), "source 's'", lambda: None))


async def test_an_asynchronous_iterable_takes_no_executor() -> None:
    async def ticks() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match="source 's': an asynchronous iterable is read in a task; leave out executor="):
        IterableSource(ticks(), executor=OnLoop(), name="s")


async def test_it_is_recorded_and_governed_as_others_are() -> None:
    recording = Recording()
    source = IterableSource(range(20), executor=OnLoop(), name="source")
    stage: Transformer[int, int] = Transformer(lambda n: n, name="stage")
    end: Call[int] = Call(abs, name="end")
    source.link_target(stage)
    stage.link_target(end)
    governor = PipelineGovernor(limit=3)
    governor.govern(stage, end)
    async with Network(source, recording=recording) as network:
        pass
    spans = [span for span in recording.spans if span.stage == "source"]
    work = [span for span in spans if span.activity is Activity.WORK]
    assert [span.label for span in work] == [str(n) for n in range(20)]
    assert network.statistics().governors[0].most_in_flight <= 3


@pytest.mark.usefixtures("real_time")
async def test_blocks_that_share_its_one_thread_do_not_wait_for_it_for_ever() -> None:
    pool = Threads(1)
    source = IterableSource(range(200), executor=pool)
    stage: Transformer[int, int] = Transformer(lambda n: n, executor=pool, capacity=2)
    source.link_target(stage)
    stage.link_target(collector := UnboundedBuffer[int]())
    async with Network(source):
        pass
    assert contents(collector) == list(range(200))


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("make", [lambda: Threads(1), lambda: ThreadPoolExecutor(1)], ids=["ours", "pool"])
async def test_items_that_were_read_are_not_held_back_while_the_next_one_waits(make: Callable[[], Executor]) -> None:
    taken = {2: threading.Event(), 5: threading.Event()}

    def items() -> Iterator[int]:
        for n in range(8):
            if n in taken:
                assert taken[n].wait(60)  # all items before this one are taken meanwhile
            yield n

    async with Network(source := IterableSource(items(), executor=make(), name="s")) as network:
        for n in range(8):
            assert await source.receive() == n
            if n + 1 in taken:
                taken[n + 1].set()
    assert network.balance()["s"].produced == 8


@pytest.mark.usefixtures("real_time")
async def test_items_that_were_read_before_a_stop_are_counted() -> None:
    reads, goes_on = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield from range(5)
        reads.set()
        goes_on.wait(60)
        yield 5

    source = IterableSource(items(), executor=Threads(1, abandon_on_cancel=True), name="s")
    async with Network(source) as network:
        assert await source.receive() == 0
        assert await trio.to_thread.run_sync(reads.wait, 60)
        network.cancel()
    goes_on.set()
    accounts = network.balance()["s"]
    assert accounts.produced == 5
    assert accounts.received + accounts.discarded == 5


async def test_a_source_reads_no_more_than_its_governor_lets_in() -> None:
    read: list[int] = []

    def noted(n: int) -> int:
        read.append(n)
        return n

    weights: tuple[Callable[[Any], float] | None, ...] = (None, lambda _: 1)
    for weight in weights:
        read.clear()
        source = IterableSource(map(noted, range(100)))
        work, rest = Transformer[int, int](lambda n: n, name="work"), UnboundedBuffer[int]()
        source.link_target(work)
        work.link_target(rest)
        governor = PipelineGovernor(3, weight=weight)
        governor.govern(work, rest)
        async with Network(source) as network:
            await wait_all_tasks_blocked()
            assert len(read) == 4
            assert await rest.receive() == 0
            await wait_all_tasks_blocked()
            assert len(read) == 5
            network.cancel()


@pytest.mark.usefixtures("real_time")
async def test_a_read_that_may_be_abandoned_is_not_waited_for_when_nothing_more_is_needed() -> None:
    go_on = threading.Event()

    def items() -> Iterator[int]:
        yield from range(3)
        go_on.wait(SECONDS)
        yield 3

    source, take = IterableSource(items(), executor=Threads(1, abandon_on_cancel=True)), Take[int](3)
    stuck = Transformer[int, int](abs, name="stuck")
    source.link_target(take)
    with faults(Stalled) as found:  # the read that is left counts as no work, which would hide this
        async with Network(source, stuck) as network:
            await stuck.send(1)
            assert [item async for item in take] == [0, 1, 2]
    go_on.set()
    assert "stuck" in str(found[0])
    assert network.balance().ok
