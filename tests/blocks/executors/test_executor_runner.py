"""Blocks whose function runs in an executor: order, bounds, and what they have in common with all others."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import BoundedBuffer, Call, Network, Stalled, Threads, Transformer, TransformMany, UnboundedBuffer
from tests.blocks.executors.kinds import ByHand, Gauge, OnLoop
from tests.blocks.tools import contents, faults, is_even, linked, never, notes, run

Make = Callable[[int], Executor]
KINDS: dict[str, Make] = {"threads": Threads, "standard": ThreadPoolExecutor}
every_kind = pytest.mark.parametrize("kind", KINDS)
real_time = pytest.mark.usefixtures("real_time")


def double(item: int) -> int:
    return 2 * item


def count(item: int) -> Iterator[int]:
    yield from range(item)


# Arguments


async def slow(item: int) -> int:
    return item


class Asking:
    """Stands for a client of Dask."""

    def get_executor(self) -> None: ...


@pytest.mark.parametrize("kind", [Transformer, TransformMany, Call])
@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (double, {"executor": 3}, "executor must be Threads, Processes or another concurrent.futures.Executor, got 3"),
        (
            double,
            {"executor": Asking()},
            "executor must be client.get_executor() or Cluster(client), not the client itself; got <",
        ),
        (double, {"executor": Threads}, "executor must be Threads, Processes or another concurrent.futures.Executor"),
        (slow, {"executor": ByHand()}, "an async function runs in tasks of the loop and takes no executor; leave out"),
    ],
)
def test_what_does_not_fit_together_is_an_error(kind: Any, function: Any, options: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"'b': {message}")):
        kind(function, name="b", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 2}, "concurrency=2 needs an executor or an async function; a plain function runs on the loop"),
        ({"concurrency": 2}, "(give the block executor=Threads(2))"),
        ({"concurrency": 0, "executor": ByHand()}, "concurrency must be an int >= 1, got 0"),
        ({"concurrency": 3, "window": 2, "executor": ByHand()}, "window must be at least the concurrency, 3, got 2"),
        (
            {"concurrency": 3, "capacity": 2, "executor": ByHand()},
            "capacity must be at least the concurrency, 3, got 2",
        ),
    ],
)
def test_wrong_numbers_are_errors_that_say_what_is_right(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Transformer(double, **options)


# What goes in comes out


@real_time
@every_kind
@pytest.mark.parametrize("concurrency", [1, 3])
async def test_results_come_in_the_order_of_the_items(kind: str, concurrency: int) -> None:
    with KINDS[kind](3) as executor:
        block = Transformer(double, executor=executor, concurrency=concurrency)
        collector = linked(block)
        network = await run(block, range(2_000))
    assert contents(collector) == list(range(0, 4_000, 2))
    assert network.balance()["double"].delivered == 2_000


@real_time
@every_kind
async def test_unordered_all_results_come(kind: str) -> None:
    with KINDS[kind](3) as executor:
        block = Transformer(double, executor=executor, concurrency=3, ordered=False)
        collector = linked(block)
        await run(block, range(2_000))
    assert sorted(contents(collector)) == list(range(0, 4_000, 2))


@real_time
@every_kind
async def test_a_call_is_made_for_each_item(kind: str) -> None:
    gauge = Gauge()
    with KINDS[kind](2) as executor:
        network = await run(Call(gauge, executor=executor, concurrency=2, name="call"), range(500))
    assert sorted(gauge.began) == list(range(500))
    assert network.balance()["call"].consumed == 500
    assert threading.current_thread() not in gauge.threads


@real_time
@every_kind
@pytest.mark.parametrize("on_error", ["fail", "skip"])
async def test_all_outputs_of_each_item_come_in_order(kind: str, on_error: Any) -> None:
    with KINDS[kind](2) as executor:
        block = TransformMany(count, executor=executor, concurrency=2, on_error=on_error, name="many")
        collector = linked(block)
        network = await run(block, [3, 0, 1, 0, 2])
    assert contents(collector) == [0, 1, 2, 0, 0, 1]
    balance = network.balance()["many"]
    assert (balance.consumed, balance.produced, balance.delivered) == (5, 6, 6)


async def test_outputs_of_items_that_give_none_at_all_are_none() -> None:
    block = TransformMany(count, executor=OnLoop())
    collector = linked(block)
    await run(block, [0] * 10)
    assert contents(collector) == []


async def test_none_is_a_message_in_both_directions() -> None:
    block = Transformer[None, None](lambda item: item, executor=OnLoop())
    collector = linked(block)
    await run(block, [None, None])
    assert contents(collector) == [None, None]


async def test_an_item_that_fails_amid_its_outputs_gives_none() -> None:
    def broken(item: int) -> Iterator[int]:
        yield item
        if item == 2:
            raise ValueError(item)

    block = TransformMany(broken, executor=OnLoop(), on_error="skip", name="many")
    collector = linked(block)
    network = await run(block, [1, 2, 3])
    assert contents(collector) == [1, 3]
    balance = network.balance()["many"]
    assert (balance.dropped, balance.consumed, balance.produced) == ({"skipped": 1}, 2, 2)


async def test_a_block_without_an_item_ends() -> None:
    block = Transformer(double, executor=(executor := ByHand()))
    linked(block)
    await run(block)
    assert executor.all == []


# Filters, links and receivers


async def test_only_what_the_filter_of_the_block_accepts_is_handed_over() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    block = Transformer(double, executor=OnLoop(), filter=is_even)
    rest: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(block)
    source.link_target(rest)
    collector = linked(block)
    await run(source, range(6))
    assert contents(collector) == [0, 4, 8]
    assert contents(rest) == [1, 3, 5]


async def test_results_go_to_the_first_target_that_takes_them() -> None:
    block = Transformer[int, int](lambda item: item, executor=OnLoop(), concurrency=2)
    even: UnboundedBuffer[int] = UnboundedBuffer()
    block.link_target(even, filter=is_even)
    odd = linked(block)
    await run(block, range(100))
    assert contents(even) == list(range(0, 100, 2))
    assert contents(odd) == list(range(1, 100, 2))


@real_time
@every_kind
async def test_results_can_be_received(kind: str) -> None:
    with KINDS[kind](2) as executor:
        block = Transformer(double, executor=executor, concurrency=2)
        async with Network(block):
            await block.send(1)
            assert await block.receive() == 2
            await block.send(2)
            assert await block.receive() == 4
            for n in range(10):
                await block.send(n)
            block.complete()
            assert [item async for item in block] == list(range(0, 20, 2))


async def test_what_was_sent_before_the_network_is_worked_on() -> None:
    block = Transformer(double, executor=OnLoop())
    collector = linked(block)
    block.send_nowait(1)
    assert len(collector) == 0
    await run(block)
    assert contents(collector) == [2]


async def test_a_block_that_is_linked_later_works_too() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    block = Transformer(double, executor=OnLoop())
    collector = linked(block)
    async with Network(source):
        await source.send(1)
        source.link_target(block)
        assert await collector.receive() == 2


async def test_a_chain_of_blocks_keeps_the_order() -> None:
    blocks = [Transformer(double, executor=OnLoop(), concurrency=n, capacity=4, name=f"t{n}") for n in (1, 2, 3)]
    blocks[0].link_target(blocks[1])
    blocks[1].link_target(blocks[2])
    collector = linked(blocks[2])
    await run(blocks[0], range(100))
    assert contents(collector) == list(range(0, 800, 8))


# What the network knows


async def test_a_network_is_not_stalled_while_work_is_out_and_says_what_is() -> None:
    executor = ByHand()
    block = Transformer(double, executor=executor, name="t")
    collector = linked(block)
    async with trio.open_nursery() as nursery:
        network = Network(block)
        nursery.start_soon(partial(send_all, network, block, range(2)))
        await wait_all_tasks_blocked()
        for _ in range(2):
            assert "1 in work" in str(network.report())
            executor.out[0].run()
            await wait_all_tasks_blocked()
    assert contents(collector) == [0, 2]


async def send_all(network: Network, block: Transformer[int, int], items: range) -> None:
    async with network:
        for item in items:
            await block.send(item)


async def test_results_that_nobody_takes_stall_the_network() -> None:
    block = Transformer(double, executor=OnLoop(), name="t")
    block.link_target(UnboundedBuffer(), filter=never)
    with faults(Stalled) as found:
        await run(block, [1])
    assert "1 result to hand on" in found[0].report


async def test_a_body_that_waits_for_work_is_not_stalled_and_one_that_waits_in_vain_is() -> None:
    block = Transformer(double, executor=OnLoop(seconds=5))
    full = BoundedBuffer[int](1, name="full")
    full.link_target(UnboundedBuffer(), filter=never)
    with faults(Stalled) as found:
        async with Network(block, full):
            await block.send(1)
            assert await block.receive() == 2
            await full.send(1)
            await full.send(2)
    assert "waits to send 2" in found[0].report


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_governor_counts_what_is_out(concurrency: int) -> None:
    executor = ByHand()
    governor = PipelineGovernor(3)
    block = Transformer[int, int](double, executor=executor, concurrency=concurrency, on_error="skip")
    last = Call[int](str)
    block.link_target(last)
    governor.govern(first=block, last=last)
    async with Network(block), trio.open_nursery() as nursery:
        for n in range(7):
            nursery.start_soon(block.send, n)
        while nursery.child_tasks:
            await wait_all_tasks_blocked()
            assert governor.in_flight == 3 or not nursery.child_tasks
            executor.out[0].run()
            await wait_all_tasks_blocked()
        for one in executor.out:
            one.run()
        while governor.in_flight:
            await wait_all_tasks_blocked()
            for one in executor.out:
                one.run()


async def test_a_fault_names_the_block_the_item_and_its_number() -> None:
    def fail_at_3(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        return item

    block = Transformer(fail_at_3, executor=OnLoop(), name="failing")
    linked(block)
    with faults(ValueError) as found:
        async with Network(block) as network:
            for n in range(10):
                await block.send(n)
    assert notes(found[0]) == ["in failing, item 4: 3"]
    balance = network.balance()
    assert balance.ok
    assert balance["failing"].dropped == {"fault": 1}
