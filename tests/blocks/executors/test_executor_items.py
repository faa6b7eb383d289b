"""What becomes of the single items of a hand-over: those that fail, and those that were not begun."""

import gc
import weakref
from collections.abc import Sequence
from typing import Any, Literal

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    DeadLetter,
    ErrorInfo,
    Network,
    Retry,
    Threads,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.executors.stream import Stream
from penstock.blocks.executors.threads import ThreadBackend
from penstock.blocks.executors.work import Outcome, Task
from penstock.blocks.executors.worker import WorkerBackend
from tests.blocks.executors.kinds import ByHand, Gauge, OnLoop, Time, first_batch
from tests.blocks.tools import Fussy, contents, faults, linked, notes, run

real_time = pytest.mark.usefixtures("real_time")


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """All items are quick, so that after the first one eight travel together."""
    Time(monkeypatch)


class Slacker(ThreadBackend):
    """Begins no more than two items of a hand-over, as one whose process dies amid them."""

    def perform(self, task: Task, items: Sequence[Any], stream: Stream | None = None) -> Outcome:
        return super().perform(task, items[:2], stream)


class Slackers(Threads):
    def _backend(self, number: int) -> WorkerBackend:
        return Slacker(self._options, number)


@real_time
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("on_error", ["fail", "skip"])
async def test_items_that_were_not_begun_are_handed_over_again(
    ordered: bool, on_error: Literal["fail", "skip"]
) -> None:
    gauge = Gauge()
    block = Transformer[int, int](gauge, executor=Slackers(1), ordered=ordered, on_error=on_error)
    collector = linked(block)
    await run(block, range(100))
    assert sorted(gauge.began) == list(range(100))
    results = contents(collector)
    assert sorted(results) == list(range(100))
    assert not ordered or results == sorted(results)


@real_time
async def test_items_that_were_not_begun_keep_their_places_beside_those_that_failed() -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = Transformer(Fussy(*range(0, 100, 3)), executor=Slackers(2), concurrency=2, on_error=DeadLetter(dead))
    collector = linked(block)
    await run(block, range(100))
    assert contents(collector) == [10 * n for n in range(100) if n % 3]
    assert sorted((letter.item, letter.number) for letter in contents(dead)) == [(n, n + 1) for n in range(0, 100, 3)]


async def test_stop_iteration_out_of_a_function_is_a_fault_and_not_an_end() -> None:
    def stop(item: int) -> int:
        if item == 2:
            raise StopIteration
        return item

    block = Transformer(stop, executor=OnLoop(), name="t")
    linked(block)
    with faults(RuntimeError) as found:
        await run(block, range(5))
    assert str(found[0]) == "the function of transformer 't' raised StopIteration"
    assert notes(found[0]) == ["in t, item 3: 2"]


async def test_a_plain_function_that_returns_a_coroutine_is_a_fault_that_says_why() -> None:
    async def wrong(item: int) -> int:
        return item

    block = Transformer[int, Any](lambda item: wrong(item), executor=OnLoop(), name="t")
    linked(block)
    with faults(TypeError) as found:
        await run(block, range(3))
    assert str(found[0]).startswith("the function of transformer 't' returned a coroutine; pass the `async def`")
    assert notes(found[0]) == ["in t, item 1: 0"]


async def test_after_the_first_failure_no_later_item_of_a_hand_over_is_begun() -> None:
    executor = ByHand()
    gauge = Gauge(function=lambda item: 1 // (item - 4))
    block = Transformer[int, int](gauge, executor=executor, name="b")
    linked(block)
    with faults(ZeroDivisionError) as found:
        async with Network(block) as network:
            (await first_batch(block, executor)).run()
            await trio.sleep_forever()
    assert gauge.began == [0, 1, 2, 3, 4]
    assert notes(found[0]) == ["in b, item 5: 4"]
    balance = network.balance()["b"]
    assert (balance.dropped, balance.delivered + balance.discarded) == ({"fault": 1}, 8)


@pytest.mark.parametrize("bad", [(1, 2, 5, 8), (1, 2, 3, 4, 5, 6, 7, 8), (8,)], ids=str)
@pytest.mark.parametrize("ordered", [True, False])
async def test_several_items_of_a_hand_over_can_fail(bad: tuple[int, ...], ordered: bool) -> None:
    def function(item: int) -> int:
        if item in bad:
            raise ValueError(item)
        return item

    executor = ByHand()
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = Transformer(function, executor=executor, on_error=DeadLetter(dead), ordered=ordered, name="b")
    collector = linked(block)
    async with Network(block) as network:
        (await first_batch(block, executor)).run()
    assert len(executor.all) == 2
    assert contents(collector) == [n for n in range(9) if n not in bad]
    assert [(letter.item, letter.number) for letter in contents(dead)] == [(n, n + 1) for n in bad]
    assert network.balance()["b"].dead_lettered == len(bad)


async def test_several_items_of_a_hand_over_are_tried_again_and_keep_their_places() -> None:
    tries: list[int] = []

    def function(item: int) -> int:
        tries.append(item)
        if item % 3 == 1 and tries.count(item) <= 2:
            raise ValueError(item)
        return item

    executor = ByHand()
    block = Transformer(function, executor=executor, on_error=Retry(2, backoff=1.0), name="b")
    collector = linked(block)
    async with Network(block):
        for n in range(9):
            await block.send(n)
        while len(collector) < 9:
            await wait_all_tasks_blocked()
            for one in executor.out:
                one.run()
            await trio.sleep(0.1)
    assert contents(collector) == list(range(9))
    assert [tries.count(n) for n in range(9)] == [1, 3, 1, 1, 3, 1, 1, 3, 1]


class Large:
    """What one does not want to keep in memory."""


async def test_an_item_is_let_go_when_it_is_done_and_not_when_its_turn_comes() -> None:
    executor = ByHand()
    block = Transformer[Large, str](str, executor=executor, concurrency=2)
    collector = linked(block)
    async with Network(block):
        items = [Large(), Large()]
        kept = [weakref.ref(item) for item in items]
        while items:
            await block.send(items.pop(0))
        await wait_all_tasks_blocked()
        executor.all.pop().run()
        await wait_all_tasks_blocked()
        gc.collect()
        assert [item() is not None for item in kept] == [True, False]
        assert len(collector) == 0  # its result waits for that of the other
        executor.all.pop().run()
    assert len(collector) == 2
