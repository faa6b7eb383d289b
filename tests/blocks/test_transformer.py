"""The transformer: inline and in tasks, in order and out of it."""

import ctypes
import functools
import re
import signal
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import Sequencer, wait_all_tasks_blocked

from penstock.blocks import BoundedBuffer, Network, Transformer, UnboundedBuffer
from tests.blocks.tools import contents, faults, linked, never, notes, run


def double(item: int) -> int:
    return 2 * item


async def slow_double(item: int) -> int:
    await trio.sleep(item)
    return 2 * item


class Doubler:
    """Can be called."""

    def __call__(self, item: int) -> int:
        return 2 * item


class AsyncDoubler:
    """Can be called and awaited."""

    async def __call__(self, item: int) -> int:
        return 2 * item


# Arguments


def test_it_is_named_after_its_function() -> None:
    assert str(Transformer(double)) == "transformer 'double'"
    assert Transformer(functools.partial(functools.partial(double))).name == "double"
    assert Transformer(Doubler()).name == "Doubler"
    assert Transformer[int, int](lambda item: item).name.startswith("Transformer-")
    assert Transformer(double, name="mine").name == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "transformer 'slow_double': concurrency must be an int >= 1, got 0"),
        ({"concurrency": True}, "concurrency must be an int >= 1, got True"),
        ({"concurrency": 1.5}, "concurrency must be an int >= 1, got 1.5"),
        ({"window": 0}, "window must be an int >= 1, got 0"),
        ({"concurrency": 3, "window": 2}, "window must be at least the concurrency, 3, got 2"),
        ({"concurrency": 3, "capacity": 2}, "capacity must be at least the concurrency, 3, got 2"),
        ({"capacity": 0}, "capacity must be an int >= 1, or None for no bound, got 0"),
        (
            {"on_error": "ignore"},
            "on_error must be 'fail', 'skip', Fail, Skip, DeadLetter, Fallback or Retry, got 'ignore'",
        ),
    ],
)
def test_wrong_numbers_are_errors_that_say_what_is_right(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Transformer(slow_double, **options)


def test_a_function_that_cannot_be_called_is_an_error() -> None:
    with pytest.raises(TypeError, match="transformer 't': the function must be callable, got 3"):
        Transformer(3, name="t")  # type: ignore[call-overload]  # that is the point


def test_concurrency_needs_an_async_function() -> None:
    with pytest.raises(
        ValueError, match=re.escape("concurrency=2 needs an executor or an async function; a plain function runs on")
    ):
        Transformer(double, concurrency=2)


def test_it_shows_what_waits_and_what_is_in_work() -> None:
    block = Transformer(double, name="t")
    block.send_nowait(1)
    assert repr(block) == "<Transformer 't' open, 1 waiting, 0 in work>"


# Plain functions


@pytest.mark.parametrize("function", [double, Doubler(), functools.partial(double), AsyncDoubler(), slow_double])
async def test_it_hands_on_what_the_function_returns_in_order(function: Any) -> None:
    block: Transformer[int, Any] = Transformer(function)
    collector = linked(block)
    network = await run(block, range(100))
    assert contents(collector) == list(range(0, 200, 2))
    assert network.balance()[block.name].delivered == 100


async def test_none_is_a_message_in_both_directions() -> None:
    block = Transformer[None, None](lambda item: item)
    collector = linked(block)
    await run(block, [None, None])
    assert contents(collector) == [None, None]


async def test_a_chain_of_many_needs_no_deep_stack() -> None:
    blocks = [Transformer(double, name=f"t{n}") for n in range(2_000)]
    for source, target in pairwise(blocks):
        source.link_target(target)
    collector = linked(blocks[-1])
    await run(blocks[0], [0])
    assert contents(collector) == [0]


async def test_without_a_taker_it_works_ahead_by_its_capacity() -> None:
    calls: list[int] = []
    block: Transformer[int, None] = Transformer(calls.append, capacity=3)
    async with Network(block) as network:
        with trio.move_on_after(1):
            for n in range(100):
                await block.send(n)
        assert len(calls) <= 6
        assert "results to hand on" in repr(block)
        network.cancel()
    assert network.balance().ok


async def test_it_waits_for_a_target_that_is_full() -> None:
    calls: list[int] = []

    def note(item: int) -> int:
        calls.append(item)
        return item

    block = Transformer(note)
    block.link_target(full := BoundedBuffer[int](1))
    async with Network(block):
        for n in range(10):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert len(calls) <= 3
        got = [await full.receive() for _ in range(10)]
    assert got == list(range(10))


async def test_each_result_goes_to_the_first_target_that_accepts_it() -> None:
    block = Transformer(double)
    small: UnboundedBuffer[int] = UnboundedBuffer()
    block.link_target(small, filter=lambda n: n < 5)
    rest = linked(block)
    await run(block, range(5))
    assert (contents(small), contents(rest)) == ([0, 2, 4], [6, 8])


async def test_a_result_can_be_received_in_the_body() -> None:
    for function in (double, slow_double):
        block: Transformer[int, Any] = Transformer(function)
        async with Network(block):
            for n in range(3):
                await block.send(n)
            block.complete()
            assert [item async for item in block] == [0, 2, 4]


async def test_a_fault_names_the_block_the_item_and_its_number() -> None:
    def fail_at_3(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        return item

    block = Transformer(fail_at_3, name="failing")
    collector = linked(block)
    with faults(ValueError) as found:
        async with Network(block) as network:
            for n in range(10):
                block.send_nowait(n)
    assert notes(found[0]) == ["in failing, item 4: 3"]
    balance = network.balance()
    assert balance.ok
    assert balance["failing"].dropped == {"fault": 1}
    assert balance["failing"].delivered == 3
    assert balance["failing"].discarded == 6
    with pytest.raises(trio.BrokenResourceError):
        await collector.receive()


async def test_an_exception_that_is_no_exception_stops_the_network_too() -> None:
    def interrupted(item: int) -> int:
        raise KeyboardInterrupt

    async def interrupted_async(item: int) -> int:
        raise KeyboardInterrupt

    for function in (interrupted, interrupted_async):
        block: Transformer[int, Any] = Transformer(function, name="t", on_error="skip")
        with pytest.RaisesGroup(KeyboardInterrupt) as caught:
            await run(block, [1])
        assert notes(caught.value.exceptions[0]) == ["in t, item 1: 1"]


async def test_stop_iteration_out_of_a_function_is_a_fault_and_not_an_end() -> None:
    def stop(item: int) -> int:
        if item == 2:
            raise StopIteration
        return item

    block = Transformer(stop, name="t")
    linked(block)
    with faults(RuntimeError) as found:
        await run(block, range(5))
    assert str(found[0]) == "the function of transformer 't' raised StopIteration"
    assert notes(found[0]) == ["in t, item 3: 2"]


async def test_stop_iteration_can_be_skipped_like_any_other() -> None:
    def stop(item: int) -> int:
        if item == 2:
            raise StopIteration
        return item

    block = Transformer(stop, on_error="skip")
    collector = linked(block)
    await run(block, range(5))
    assert contents(collector) == [0, 1, 3, 4]


@pytest.mark.parametrize("bad", [(0,), (1,), (4,), (0, 1, 2, 3, 4)], ids=str)
async def test_a_plain_function_that_returns_a_coroutine_is_a_fault_that_says_why(bad: tuple[int, ...]) -> None:
    async def wrong(item: int) -> int:
        return item

    block = Transformer[int, Any](lambda item: wrong(item) if item in bad else item, name="t")
    linked(block)
    with faults(TypeError) as found:
        async with Network(block):
            for n in range(5):
                block.send_nowait(n)
    assert str(found[0]).startswith("the function of transformer 't' returned a coroutine; pass the `async def`")
    assert notes(found[0]) == [f"in t, item {bad[0] + 1}: {bad[0]}"]


# Async functions


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("concurrency", [1, 3])
async def test_at_most_so_many_calls_run_at_once(concurrency: int, ordered: bool) -> None:
    running = most = 0

    async def work(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(1)
        running -= 1
        return item

    block = Transformer(work, concurrency=concurrency, ordered=ordered)
    collector = linked(block)
    start = trio.current_time()
    await run(block, range(9))
    assert sorted(contents(collector)) == list(range(9))
    assert most == concurrency
    assert trio.current_time() - start == 9 / concurrency


async def test_results_keep_the_order_whoever_is_ready_first() -> None:
    block = Transformer(slow_double, concurrency=3)
    collector = linked(block)
    async with Network(block):
        for n in (3, 2, 1):
            await block.send(n)
        await trio.sleep(2.5)
        assert len(collector) == 0
        assert "1 in work, 2 results to hand on" in repr(block)
    assert contents(collector) == [6, 4, 2]


async def test_unordered_results_come_as_they_are_ready() -> None:
    block = Transformer(slow_double, concurrency=3, ordered=False)
    collector = linked(block)
    await run(block, [3, 2, 1])
    assert contents(collector) == [2, 4, 6]


async def test_a_straggler_does_not_idle_the_others_before_the_window_is_full() -> None:
    started: list[int] = []
    go = trio.Event()

    async def work(item: int) -> int:
        started.append(item)
        if item == 0:
            await go.wait()
        return item

    block = Transformer(work, concurrency=2, window=5)
    collector = linked(block)
    async with Network(block):
        for n in range(20):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert sorted(started) == [0, 1, 2, 3, 4]
        assert len(collector) == 0
        go.set()
    assert contents(collector) == list(range(20))


@pytest.mark.parametrize("ordered", [True, False])
async def test_it_says_how_many_results_wait_for_their_turn(ordered: bool) -> None:
    turns = [trio.Event() for _ in range(4)]

    async def work(item: int) -> int:
        await turns[item].wait()
        return item

    block, results = Transformer(work, concurrency=4, ordered=ordered), UnboundedBuffer[int]()
    block.link_target(results)
    async with Network(block) as network:
        for item in range(4):
            await block.send(item)
        for item, ahead in [(2, 1), (3, 2), (0, 2), (1, 0)]:
            turns[item].set()
            await wait_all_tasks_blocked()
            statistics = network.statistics()[block.name]
            seen = (statistics.awaits, statistics.ahead)
            assert seen == (("an earlier item", ahead) if ordered and ahead else ("", 0))


async def test_an_unordered_straggler_idles_nobody() -> None:
    started: list[int] = []
    go = trio.Event()

    async def work(item: int) -> int:
        started.append(item)
        if item == 0:
            await go.wait()
        return item

    block = Transformer(work, concurrency=2, ordered=False)
    collector = linked(block)
    async with Network(block):
        for n in range(50):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert len(collector) == 49
        go.set()
    assert contents(collector) == [*range(1, 50), 0]


async def test_the_order_of_ends_is_played_by_hand() -> None:
    sequencer = Sequencer()

    async def work(item: int) -> int:
        async with sequencer(2 - item):
            return item

    block = Transformer(work, concurrency=3)
    collector = linked(block)
    await run(block, [0, 1, 2])
    assert contents(collector) == [0, 1, 2]


async def test_a_window_full_of_results_that_nobody_takes_starts_no_further_call() -> None:
    started: list[int] = []

    async def work(item: int) -> int:
        started.append(item)
        return item

    block = Transformer(work, concurrency=2, window=4)
    async with Network(block):
        for n in range(10):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert sorted(started) == [0, 1, 2, 3]
        assert await block.receive() == 0
        await wait_all_tasks_blocked()
        assert sorted(started) == [0, 1, 2, 3, 4]
        block.complete()
        assert [item async for item in block] == list(range(1, 10))


async def test_idle_workers_take_new_items_later() -> None:
    block = Transformer(slow_double, concurrency=2)
    collector = linked(block)
    async with Network(block):
        await block.send(1)
        await trio.sleep(5)
        await block.send(2)
        await block.send(3)
        await trio.sleep(5)
        await block.send(4)
    assert contents(collector) == [2, 4, 6, 8]


async def test_senders_wait_while_everything_is_in_work() -> None:
    block = Transformer(slow_double, capacity=1)
    linked(block)
    start = trio.current_time()
    async with Network(block):
        await block.send(1)
        await block.send(1)
        assert trio.current_time() - start == 1
        await block.send(1)
        assert trio.current_time() - start == 2


async def test_a_postponed_link_feeds_an_async_function_to_the_end() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    block = Transformer(slow_double, capacity=2, concurrency=2)
    source.link_target(block)
    collector = linked(block)
    await run(source, [1] * 10)
    assert contents(collector) == [2] * 10


async def test_a_fault_in_a_task_names_the_item_and_cancels_the_others() -> None:
    cancelled: list[int] = []

    async def work(item: int) -> int:
        try:
            await trio.sleep(10 - item)
        except trio.Cancelled:
            cancelled.append(item)
            raise
        raise ValueError(item)

    block = Transformer(work, concurrency=3, name="work")
    linked(block)
    with faults(ValueError) as found:
        async with Network(block) as network:
            for n in range(5):
                await block.send(n)
    assert notes(found[0]) == ["in work, item 3: 2"]
    assert sorted(cancelled) == [0, 1]
    balance = network.balance()["work"]
    assert (balance.dropped, balance.discarded) == ({"fault": 1}, 4)


async def test_faults_that_happen_while_stopping_are_in_the_group_too() -> None:
    async def work(item: int) -> int:
        try:
            await trio.sleep(item)
        finally:
            if item == 2:
                raise KeyError(item)
        raise ValueError(item)

    block = Transformer(work, concurrency=2, name="work")
    linked(block)
    with faults(ValueError, KeyError) as found:
        await run(block, [1, 2])
    assert [notes(error) for error in found] == [["in work, item 1: 1"], ["in work, item 2: 2"]]


async def test_a_group_out_of_a_nursery_of_the_function_is_a_fault_with_a_note() -> None:
    async def fail() -> None:
        raise ValueError("child")

    async def work(item: int) -> int:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(fail)
        return item

    block = Transformer(work, name="work")
    linked(block)
    with pytest.RaisesGroup(pytest.RaisesGroup(ValueError)) as caught:
        await run(block, [1])
    assert notes(caught.value.exceptions[0]) == ["in work, item 1: 1"]


async def test_an_async_function_that_never_waits_still_lets_others_run() -> None:
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async def work(item: int) -> int:
        for _ in range(2_000):
            pass
        return item

    block = Transformer(work, capacity=None)
    collector = linked(block)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await run(block, range(200))
        nursery.cancel_scope.cancel()
    assert len(collector) == 200
    assert turns > 3


async def test_cancelling_the_network_discards_what_is_in_work() -> None:
    block = Transformer(slow_double, concurrency=2, name="work")
    linked(block)
    async with Network(block) as network:
        for n in (1, 100, 100, 100):
            await block.send(n)
        await trio.sleep(50)
        network.cancel()
    balance = network.balance()["work"]
    assert (balance.delivered, balance.discarded) == (1, 3)


async def test_cancelling_discards_results_that_wait_for_their_turn() -> None:
    block = Transformer(slow_double, concurrency=3, name="work")
    linked(block)
    async with Network(block) as network:
        for n in (100, 1, 2):
            await block.send(n)
        await trio.sleep(50)
        network.cancel()
    assert network.balance()["work"].discarded == 3


async def test_a_network_with_an_idle_worker_can_be_cancelled() -> None:
    block = Transformer(slow_double)
    linked(block)
    async with Network(block) as network:
        await block.send(1)
        await trio.sleep(5)
        network.cancel()
    assert network.cancel_called


async def test_results_behind_a_filter_that_declines_are_reported() -> None:
    from penstock.blocks import Stalled

    block = Transformer(double, name="t")
    block.link_target(UnboundedBuffer(), filter=never)
    with faults(Stalled) as found:
        await run(block, [1])
    assert "1 result to hand on" in found[0].report


async def test_outside_a_network_it_keeps_what_it_is_sent() -> None:
    block = Transformer(double)
    collector = linked(block)
    block.send_nowait(1)
    assert len(collector) == 0
    await run(block)
    assert contents(collector) == [2]


async def test_an_interrupt_between_two_calls_comes_out_as_itself() -> None:
    interrupt = getattr(ctypes.CDLL(None), "raise")  # in C, so that Python sees the signal only after the call
    block: Transformer[int, Any] = Transformer(interrupt, name="t")
    collector = linked(block)
    with pytest.RaisesGroup(KeyboardInterrupt):
        async with Network(block):
            await block.send(signal.SIGINT)
            await trio.sleep_forever()
    assert len(collector) == 0
