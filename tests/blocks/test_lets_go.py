"""While a network is idle it keeps nothing alive of what has gone through it: neither items nor results."""

import gc
import threading
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    DeadLetter,
    Filter,
    IterableSource,
    Join,
    Network,
    Processes,
    Recording,
    Retry,
    Source,
    Target,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.functions.deadlines import Deadlines
from tests.blocks.limits.test_deadlines import job as a_job


class Big:
    """An item that a weak reference can be made to."""


class Made:
    """Makes items, and knows which of them are alive."""

    def __init__(self) -> None:
        self.references: list[weakref.ref[Big]] = []

    def __call__(self, *_: object) -> Big:
        item = Big()
        self.references.append(weakref.ref(item))
        return item

    @property
    def alive(self) -> int:
        return sum(reference() is not None for reference in self.references)


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """What is let go at once needs no garbage collector."""
    gc.disable()
    yield
    gc.enable()


async def leaves_nothing(first: Any, *nodes: Any, threads: bool = False, items: int = 6, **options: Any) -> None:
    """Send items through a network and check that none is alive when it is idle."""
    made = Made()
    async with Network(first, *nodes, **options) as network:
        for _ in range(items):
            await first.send(made())
        await wait_all_tasks_blocked()
        with trio.fail_after(60 if threads else 0):
            while made.alive and threads:  # noqa: ASYNC110  # until the workers are done
                await trio.sleep(0.001)
        assert made.alive == 0
        network.report()
        network.statistics()
        assert made.alive == 0


def ends_in(block: Source[Any], sink: Target[Any]) -> Any:
    block.link_target(sink)
    return block


def same(item: Any) -> Any:
    return item


def use(item: Any) -> None:
    del item


def one(item: Any) -> int:
    del item
    return 1


def twice(item: Any) -> list[Any]:
    return [item, item]


def yield_twice(item: Any) -> Iterator[Any]:
    yield item
    yield item


def fail(item: Any) -> Any:
    raise ValueError


async def same_later(item: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return item


async def same_now(item: Any) -> Any:
    return item


async def twice_later(item: Any) -> list[Any]:
    await trio.lowlevel.checkpoint()
    return [item, item]


async def yield_later(item: Any) -> AsyncIterator[Any]:
    await trio.lowlevel.checkpoint()
    yield item
    yield item


async def fail_later(item: Any) -> Any:
    await trio.lowlevel.checkpoint()
    raise ValueError


def makes(kind: Any, function: Any, **fixed: Any) -> Callable[[dict[str, Any]], Any]:
    """How to make a block with further options, linked to a taker if it gives something."""

    def make(options: dict[str, Any]) -> Any:
        block = kind(function, **fixed, **options)
        return block if kind is Call else ends_in(block, Call(use))

    return make


def lettered(function: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda options: Call(function, on_error=DeadLetter(Call(use)), **options)


AGAIN = Retry(2, then="skip")
PLAIN = {
    "call": makes(Call, use),
    "transformer": makes(Transformer, same),
    "one to many": makes(TransformMany, twice),
    "generator": makes(TransformMany, yield_twice),
    "filter": makes(Filter, use),
    "skipped": makes(Call, fail, on_error="skip"),
    "tried again": makes(Call, fail, on_error=AGAIN),
    "one to many, skipped": makes(TransformMany, fail, on_error="skip"),
    "dead letters": lettered(fail),
}
ASYNC = {
    "call": makes(Call, same_later),
    "transformer": makes(Transformer, same_later),
    "never waits": makes(Transformer, same_now),
    "one to many": makes(TransformMany, twice_later),
    "generator": makes(TransformMany, yield_later),
    "filter": makes(Filter, same_later),
    "skipped": makes(Call, fail_later, on_error="skip"),
    "tried again": makes(Call, fail_later, on_error=AGAIN),
    "one to many, skipped": makes(TransformMany, fail_later, on_error="skip"),
    "dead letters": lettered(fail_later),
}


# Function blocks


@pytest.mark.parametrize("options", [{}, {"time_limit": 1000.0}], ids=["", "limited"])
@pytest.mark.parametrize("make", PLAIN)
async def test_a_function_on_the_loop_leaves_nothing(make: str, options: dict[str, Any]) -> None:
    await leaves_nothing(PLAIN[make](options))


@pytest.mark.parametrize("options", [{}, {"concurrency": 4}, {"time_limit": 1000.0}], ids=["one", "four", "limited"])
@pytest.mark.parametrize("make", ASYNC)
async def test_an_async_function_leaves_nothing(make: str, options: dict[str, Any]) -> None:
    await leaves_nothing(ASYNC[make](options))


@pytest.mark.parametrize("make", ["transformer", "one to many", "generator", "filter"])
async def test_nor_does_it_where_order_is_not_kept(make: str) -> None:
    await leaves_nothing(ASYNC[make]({"concurrency": 3, "ordered": False}))


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("limit", [None, 1000.0], ids=["", "limited"])
@pytest.mark.parametrize("make", PLAIN)
async def test_a_function_in_threads_leaves_nothing(make: str, limit: float | None) -> None:
    await leaves_nothing(PLAIN[make]({"executor": Threads(2), "concurrency": 2, "time_limit": limit}), threads=True)


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("make", PLAIN)
async def test_a_function_in_an_executor_of_others_leaves_nothing(make: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        await leaves_nothing(PLAIN[make]({"executor": pool, "concurrency": 2}), threads=True)


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("make", ["call", "transformer", "tried again"])
async def test_a_function_in_processes_leaves_nothing_here(make: str) -> None:
    await leaves_nothing(PLAIN[make]({"executor": Processes(1)}), threads=True)


@pytest.mark.usefixtures("real_time")
async def test_the_future_of_a_submitted_call_is_all_that_keeps_its_result() -> None:
    made = Made()
    with Threads(1) as threads:
        future = threads.submit(made)
        assert future.result(60) is made.references[0]()
        del future
        with trio.fail_after(60):
            while made.alive:  # noqa: ASYNC110  # until the worker is done
                await trio.sleep(0.001)


def test_a_job_that_has_come_home_is_not_kept_because_one_before_it_has_not() -> None:
    deadlines = Deadlines(10.0)
    first, second = a_job(), a_job()
    deadlines.begin(first, 0.0)
    deadlines.begin(second, 1.0)
    deadlines.end(second)
    assert second not in gc.get_referents(deadlines._due)
    assert deadlines.next() == 10.0


# Other blocks


def split() -> tuple[Any, Any, Any]:
    both: Broadcast[Any] = Broadcast()
    left: UnboundedBuffer[Any] = UnboundedBuffer()
    right: UnboundedBuffer[Any] = UnboundedBuffer()
    both.link_target(left)
    both.link_target(right)
    return both, left, right


@pytest.mark.parametrize("greedy", [False, True])
async def test_a_broadcast_and_a_join_leave_nothing(greedy: bool) -> None:
    both, left, right = split()
    ends_in(Join(left, right, greedy=greedy), Call(use))
    await leaves_nothing(both)


async def test_a_choice_leaves_nothing() -> None:
    both, left, right = split()
    ends_in(Choice(left, right), Call(use))
    await leaves_nothing(both)


async def test_a_multiplexer_leaves_nothing() -> None:
    numbers = iter(range(1, 100))
    numbered: Transformer[Any, Any] = Transformer(lambda item: (next(numbers), item))
    ends_in(SequenceMultiplexer(numbered, key=lambda pair: pair[0]), Call(use))
    await leaves_nothing(numbered)


@pytest.mark.parametrize("make", [UnboundedBuffer[Any], lambda: BoundedBuffer[Any](1), lambda: Batch[Any](2)])
async def test_buffers_and_batches_leave_nothing(make: Callable[[], Any]) -> None:
    await leaves_nothing(ends_in(make(), Call(use)))


async def test_a_batch_that_is_due_by_time_leaves_nothing() -> None:
    made = Made()
    batch: Batch[Any] = Batch(10, max_seconds=1)
    ends_in(batch, Call(use))
    async with Network(batch):
        await batch.send(made())
        await trio.sleep(2)
        assert made.alive == 0


@pytest.mark.parametrize("weight", [None, one])
async def test_a_governor_leaves_nothing(weight: Callable[[Any], float] | None) -> None:
    first: Transformer[Any, Any] = Transformer(same_later)
    last: Call[Any] = Call(use)
    first.link_target(last)
    PipelineGovernor(2, weight=weight).govern(first, last)
    await leaves_nothing(first)


async def test_a_source_that_waits_for_its_next_item_keeps_none() -> None:
    made = Made()

    async def items() -> AsyncIterator[Big]:
        yield made()
        yield made()
        await trio.sleep_forever()

    source = ends_in(IterableSource(items()), Call(use))
    async with Network(source) as network:
        await wait_all_tasks_blocked()
        assert made.alive == 0
        network.cancel()


async def test_a_recording_leaves_nothing() -> None:
    await leaves_nothing(ends_in(Transformer(same_later, concurrency=2), Call(same_later)), recording=Recording())


# Agents, and tasks that are looked into


class Forwarder(Agent):
    """Keeps nothing itself between two items."""

    def __init__(self, source: Source[Any], target: Target[Any]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        while True:
            try:
                item = await self.source.receive()
            except trio.EndOfChannel:
                return
            await self.target.send(item)
            del item


@pytest.mark.parametrize("capacity", [1, 100])
async def test_an_agent_that_waits_to_receive_is_left_nothing(capacity: int) -> None:
    first: BoundedBuffer[Any] = BoundedBuffer(capacity)
    second: BoundedBuffer[Any] = BoundedBuffer(capacity)
    second.link_target(Call(same_later))
    await leaves_nothing(first, Forwarder(first, second))


async def test_to_look_whether_a_task_can_move_keeps_nothing_of_its_variables() -> None:
    made, let_go = Made(), trio.Event()
    buffer: UnboundedBuffer[Any] = UnboundedBuffer()

    async def beside() -> None:
        item, known = made(), buffer
        await let_go.wait()
        del item
        await known.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(beside)
        async with Network(buffer):
            await wait_all_tasks_blocked()
            await trio.sleep(2)  # the network has looked
            let_go.set()
            await wait_all_tasks_blocked()
            assert made.alive == 0
            buffer.send_nowait(None)


def test_no_thread_is_left() -> None:
    assert not [thread for thread in threading.enumerate() if " worker " in thread.name]


class Forwarding(Agent):
    """Reads to the end."""

    def __init__(self, source: UnboundedBuffer[Any], context: bool) -> None:
        super().__init__(inputs=[source], context=context)
        self.source = source

    async def run(self) -> None:
        async for _ in self.source:
            await trio.sleep_forever()


async def forever(network: list[Any]) -> AsyncIterator[int]:
    while True:
        await trio.lowlevel.checkpoint()
        yield len(network)


@pytest.mark.parametrize("kind", ["agent", "agent with contexts", "async function", "async source"])
async def test_of_a_network_that_was_cancelled_nothing_is_left(kind: str) -> None:
    heard: list[weakref.ref[Network]] = []

    async def use() -> None:
        known: list[Any] = []
        source = UnboundedBuffer[int]()
        nodes: list[Any] = [source]

        async def work(item: int) -> None:
            await trio.sleep(item + len(known))

        if kind.startswith("agent"):
            nodes.append(Forwarding(source, "contexts" in kind))
        elif kind == "async function":
            source.link_target(Call(work))
        else:
            endless = IterableSource(forever(known))
            endless.link_target(BoundedBuffer(1))
            nodes.append(endless)
        async with Network(*nodes) as network:
            known.append(network)  # what the functions know
            await source.send(1)
            await trio.testing.wait_all_tasks_blocked()
            network.cancel()
        heard.append(weakref.ref(network))

    with warnings.catch_warnings():
        warnings.simplefilter("always")  # or nothing is watched
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use)
        for _ in range(3):
            await trio.lowlevel.checkpoint()
        gc.collect()
    assert [ref() for ref in heard] == [None]
