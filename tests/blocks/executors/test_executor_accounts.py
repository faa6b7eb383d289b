"""Items of blocks with executors are accounted for: by governors, by multiplexers, and in the balance."""

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Budget,
    Call,
    DeadLetter,
    ErrorInfo,
    Network,
    Retry,
    Skip,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import ByHand, Gauge, OnLoop
from tests.blocks.tools import Fussy, contents, faults, linked, never, notes, run

real_time = pytest.mark.usefixtures("real_time")


@pytest.mark.parametrize("policy", ["skip", "dead letter", "retry and skip", "retry"])
@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("ordered", [True, False])
async def test_slots_of_items_that_end_on_the_way_come_back(policy: str, concurrency: int, ordered: bool) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    policies: dict[str, Any] = {
        "skip": "skip",
        "dead letter": DeadLetter(dead),
        "retry and skip": Retry(2, backoff=1.0, then="skip"),
        "retry": Retry(2),
    }
    function = Fussy(*range(0, 60, 4), times=2 if policy == "retry" else None)
    executor = OnLoop(seconds=1.0, workers=concurrency)
    options: Any = {"executor": executor, "concurrency": concurrency, "ordered": ordered}
    first = Transformer[int, int](function, **options, on_error=policies[policy], name="first")
    second = Transformer[int, int](lambda item: item, **options, name="second")
    last = Call(results := Gauge(), name="last")
    first.link_target(second)
    second.link_target(last)
    governor = PipelineGovernor(4)
    governor.govern(first=first, last=last)
    async with Network(first) as network:
        for n in range(60):
            await first.send(n)
            assert governor.in_flight <= 4
        await governor.wait_for_empty()
    assert governor.in_flight == 0
    balance = network.balance()
    assert balance.ok
    lost = 0 if policy == "retry" else 15
    assert len(results.began) == 60 - lost == balance["last"].consumed
    if ordered:
        assert results.began == sorted(results.began)


async def test_a_multiplexer_is_told_of_items_that_do_not_come() -> None:
    def fail(item: int) -> int:
        if item % 3 == 0:
            raise ValueError(item)
        return item

    source: UnboundedBuffer[int] = UnboundedBuffer()
    mux = SequenceMultiplexer[int](key=lambda item: item)
    for n in range(2):
        stage = Transformer(fail, executor=OnLoop(), concurrency=2, capacity=2, on_error="skip", name=f"stage {n}")
        source.link_target(stage)
        stage.link_target(mux)
    collector = linked(mux)
    await run(source, range(1, 40))
    assert contents(collector) == [n for n in range(1, 40) if n % 3]


@real_time
async def test_a_multiplexer_puts_stages_with_threads_in_order() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    mux = SequenceMultiplexer[int](key=lambda item: item)
    threads = Threads(3)
    for n in range(3):
        stage = Transformer[int, int](lambda item: item, executor=threads, capacity=2, name=f"stage {n}")
        source.link_target(stage)
        stage.link_target(mux)
    collector = linked(mux)
    await run(source, range(1, 500))
    assert contents(collector) == list(range(1, 500))


@real_time
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("kind", [Transformer, TransformMany, Call])
@pytest.mark.parametrize("on_error", ["skip", Retry(1, then="skip"), Skip(Budget(rate=0.5))], ids=str)
async def test_with_threads_each_item_ends_in_exactly_one_way(kind: Any, ordered: bool, on_error: Any) -> None:
    function = Fussy(*range(0, 500, 7))
    options = {} if kind == Call else {"ordered": ordered}

    def many(item: int) -> list[int]:
        return [function(item)]

    work = many if kind == TransformMany else function
    block = kind(work, executor=Threads(3), concurrency=3, on_error=on_error, name="block", **options)
    collector: UnboundedBuffer[int] = UnboundedBuffer()
    if kind != Call:
        block.link_target(collector)
    network = await run(block, range(500))
    balance = network.balance()["block"]
    assert (balance.accepted, balance.dropped) == (500, {"skipped": 72})
    if kind != Call:
        results = contents(collector)
        assert sorted(results) == [10 * n for n in range(500) if n % 7]
        assert not ordered or results == sorted(results)


@real_time
async def test_with_threads_dead_letters_come_with_the_item_and_its_number() -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = Transformer(Fussy(5, 50), executor=Threads(2), concurrency=2, on_error=DeadLetter(dead), name="t")
    collector = linked(block)
    await run(block, range(100))
    assert contents(collector) == [10 * n for n in range(100) if n not in (5, 50)]
    assert sorted((letter.item, letter.number, letter.phase) for letter in contents(dead)) == [
        (5, 6, "t"),
        (50, 51, "t"),
    ]


@real_time
async def test_with_threads_a_budget_that_is_used_up_is_a_fault_that_says_so() -> None:
    block = Transformer(
        Fussy(*range(100)), executor=Threads(2), concurrency=2, on_error=Skip(Budget(at_most=3)), name="t"
    )
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(100))
    assert notes(found[0])[0].startswith("the error budget of transformer 't' is exceeded: 4 of")


async def test_a_cancelled_network_gives_the_slots_of_what_was_out_back() -> None:
    executor = ByHand()
    governor = PipelineGovernor(3)
    block = Transformer[int, int](abs, executor=executor, concurrency=2)
    last = Call[int](str)
    block.link_target(last)
    governor.govern(first=block, last=last)
    async with Network(block) as network:
        for n in range(3):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert governor.in_flight == 3
        network.cancel()
    assert governor.in_flight == 0
    assert network.balance().ok


async def test_while_work_is_out_the_balance_adds_up_at_any_moment() -> None:
    executor = ByHand()
    block = Transformer[int, int](
        Fussy(4, 7), executor=executor, concurrency=3, on_error=Retry(1, 5.0, "skip"), name="b"
    )
    block.link_target(UnboundedBuffer(), filter=never)
    rest = linked(block)
    async with Network(block) as network:
        for n in range(30):
            await block.send(n)
        await wait_all_tasks_blocked()
        while len(rest) < 28:
            assert network.balance().ok
            assert network.balance()["b"].held + len(rest) + network.balance()["b"].dropped.get("skipped", 0) == 30
            if executor.out:
                executor.out[-1].run()
            await trio.sleep(1)
        assert network.balance().ok
    assert contents(rest) == [10 * n for n in range(30) if n not in (4, 7)]
