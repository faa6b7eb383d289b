"""What can go wrong with an executor, apart from the function: it is shut down, broken, or loses what it was given."""

import ctypes
import multiprocessing
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Literal

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    Call,
    DeadLetter,
    ErrorInfo,
    IterableSource,
    Network,
    Retry,
    Threads,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import ByHand, Gauge, Time, first_batch
from tests.blocks.tools import contents, faults, linked, notes, run

real_time = pytest.mark.usefixtures("real_time")
KINDS: dict[str, Callable[[int], Any]] = {"threads": Threads, "standard": ThreadPoolExecutor}
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    """All items are quick, so that after the first one eight travel together."""
    Time(monkeypatch)


# Shut down


@real_time
@every_kind
@pytest.mark.parametrize("feed", ["body", "before", "source"])
async def test_an_executor_that_was_shut_down_is_a_fault_of_the_block(kind: str, feed: str) -> None:
    executor = KINDS[kind](1)
    executor.shutdown()
    call = Call[int](str, executor=executor, name="call")
    first: Any = call
    if feed == "source":
        first = IterableSource([1, 2])
        first.link_target(call)
    elif feed == "before":
        call.send_nowait(1)
    with faults(RuntimeError) as found:
        async with Network(first) as network:
            if feed == "body":
                await call.send(1)
                await trio.sleep_forever()
    assert "shut" in str(found[0])
    assert any("call 'call' could not hand items to its executor" in note for note in notes(found[0]))
    assert network.shutdown.is_shutdown_pending
    assert network.shutdown.first_error is not None
    assert network.shutdown.first_error.phase == "call"
    balance = network.balance()["call"]
    assert (balance.accepted, balance.discarded) == (balance.accepted, balance.accepted)


@real_time
@every_kind
async def test_a_sender_outside_does_not_get_the_error_of_the_executor(kind: str) -> None:
    executor = KINDS[kind](1)
    executor.shutdown()
    call = Call[int](str, executor=executor)
    sent: list[bool] = []

    async def send() -> None:
        await call.send(1)
        sent.append(True)

    async with trio.open_nursery() as outside:
        with faults(RuntimeError):
            async with Network(call):
                await wait_all_tasks_blocked()
                outside.start_soon(send)
                await trio.sleep_forever()
    assert sent == [True]


@real_time
@every_kind
async def test_an_executor_that_is_shut_down_under_the_block_is_a_fault(kind: str) -> None:
    gauge = Gauge(is_open=False)
    executor = KINDS[kind](1)
    call = Call[int](gauge, executor=executor, name="call")
    with faults(RuntimeError) as found:
        async with Network(call) as network:
            for n in range(9):
                await call.send(n)
            await gauge.wait_begun(1)
            executor.shutdown(wait=False)
            gauge.open()
            await trio.sleep_forever()
    assert "shut" in str(found[0])
    balance = network.balance()["call"]
    assert balance.consumed + balance.discarded == 9


@real_time
@every_kind
async def test_work_that_is_taken_back_under_the_block_is_a_fault_that_says_so(kind: str) -> None:
    gauge = Gauge(is_open=False)
    executor = KINDS[kind](1)
    call = Call[int](gauge, executor=executor, concurrency=2, name="call", on_error="skip")
    with faults(RuntimeError) as found:
        async with Network(call) as network:
            for n in range(9):
                await call.send(n)
            await gauge.wait_begun(1)
            await wait_all_tasks_blocked()
            executor.shutdown(wait=False, cancel_futures=True)
            gauge.open()
            await trio.sleep_forever()
    assert "has cancelled work of the network" in str(found[0]) or "shut" in str(found[0])
    assert network.balance().ok


async def test_a_hand_over_that_is_cancelled_is_a_fault_that_names_the_items() -> None:
    executor = ByHand()
    call = Call[int](str, executor=executor, name="call", on_error="skip")
    with faults(RuntimeError) as found:
        async with Network(call) as network:
            await call.send(7)
            await wait_all_tasks_blocked()
            executor.all[0].future.cancel()
            await trio.sleep_forever()
    assert str(found[0]).startswith("the executor of call 'call', <tests.blocks.executors.kinds.ByHand object at")
    assert str(found[0]).endswith("has cancelled work of the network")
    told = " ".join(notes(found[0]))
    assert "shut an executor down after the network that uses it" in told
    assert "failed with 7 in work" in told
    assert network.balance()["call"].discarded == 1


# Broken


class Refuses(ByHand):
    """Takes some hand-overs, and then no more."""

    def __init__(self, after: int, error: BaseException) -> None:
        super().__init__()
        self.after = after
        self.error = error

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if len(self.all) == self.after:
            raise self.error
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("on_error", ["fail", "skip"])
async def test_a_submit_that_raises_is_a_fault_and_what_runs_is_waited_for(
    after: int, on_error: Literal["fail", "skip"]
) -> None:
    executor = Refuses(after, OSError("no more"))
    block = Transformer[int, int](abs, executor=executor, concurrency=3, on_error=on_error, name="block")
    linked(block)
    ended = trio.Event()

    async def work() -> None:
        with faults(OSError) as found:
            async with Network(block) as network:
                for n in range(9):
                    await block.send(n)
                await trio.sleep_forever()
        assert any("block" in note for note in notes(found[0]))
        balance = network.balance()["block"]
        assert balance.discarded == balance.accepted > after
        ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await wait_all_tasks_blocked()
        assert all(one.future.cancelled() for one in executor.all)
    assert ended.is_set()


@pytest.mark.parametrize("kind", [BrokenExecutor, threading.BrokenBarrierError, OSError])
async def test_an_executor_that_breaks_names_what_was_in_work(kind: type[Exception]) -> None:
    executor = ByHand()
    call = Call[str](str, executor=executor, name="call")
    with faults(kind) as found:
        async with Network(call) as network:
            await call.send("this")
            await wait_all_tasks_blocked()
            executor.all[0].fail(kind("broken"))
            await trio.sleep_forever()
    told = " ".join(notes(found[0]))
    assert "'this'" in told
    assert "call" in told
    assert network.balance().ok


@pytest.mark.parametrize("kind", [pickle.PicklingError, AttributeError, TypeError])
async def test_a_function_that_does_not_get_there_is_a_fault_that_says_what_to_do(kind: type[Exception]) -> None:
    executor = ByHand()
    call = Call[int](str, executor=executor, on_error="skip")
    with faults(kind) as found:
        async with Network(call):
            await call.send(1)
            await wait_all_tasks_blocked()
            executor.out[0].fail(kind("str"))
            await trio.sleep_forever()
    told = " ".join(notes(found[0]))
    assert (
        "the function could not be sent to the executor, or could not be found there: define it at the top level"
        in told
    )


async def test_a_broken_executor_is_a_fault_whatever_the_policy() -> None:
    executor = ByHand()
    call = Call[int](str, executor=executor, name="call", on_error=Retry(3, then="skip"))
    with faults(BrokenExecutor) as found:
        async with Network(call):
            await first_batch(call, executor)
            executor.out[0].fail(BrokenExecutor("gone"))
            await trio.sleep_forever()
    assert any("failed with 1, 2, 3 and 5 more in work" in note for note in notes(found[0]))


async def test_the_items_of_a_hand_over_that_is_lost_go_one_by_one_and_then_by_the_policy() -> None:
    executor = ByHand()
    function = Gauge()
    block = Transformer[int, int](function, executor=executor, on_error="skip", name="b")
    collector = linked(block)
    async with Network(block) as network:
        lost = await first_batch(block, executor)
        assert len(executor.all) == 2
        lost.fail(OSError("lost"))
        await wait_all_tasks_blocked()
        place = 2
        while executor.out:
            assert len(executor.out) == 1
            if place in (4, 6):
                executor.out[0].fail(OSError("lost again"))
            else:
                executor.out[0].run()
            await wait_all_tasks_blocked()
            place += 1
        assert place == 10
    assert contents(collector) == [0, 1, 2, 4, 6, 7, 8]
    assert function.began == [0, 1, 2, 4, 6, 7, 8]
    assert network.balance()["b"].dropped == {"skipped": 2}


async def test_an_item_that_gets_lost_alone_is_tried_again_like_any_failure() -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    executor = ByHand()
    block = Transformer[int, int](abs, executor=executor, on_error=Retry(1, then=DeadLetter(dead)), name="b")
    collector = linked(block)
    async with Network(block):
        await block.send(1)
        await block.send(2)
        for lost in (True, True, True, False):
            await wait_all_tasks_blocked()
            assert len(executor.out) == 1
            if lost:
                executor.out[0].fail(OSError("lost"))
            else:
                executor.out[0].run()
    assert contents(collector) == [2]
    assert [(letter.item, str(letter.exception)) for letter in contents(dead)] == [(1, "lost")]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_a_hand_over_that_ends_in_an_exit_stops_the_network(error: BaseException) -> None:
    executor = ByHand()
    call = Call[int](str, executor=executor, on_error="skip")
    with pytest.RaisesGroup(type(error)):
        async with Network(call):
            await call.send(1)
            await wait_all_tasks_blocked()
            executor.out[0].fail(error)
            await trio.sleep_forever()


@real_time
@every_kind
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_an_exit_out_of_the_function_stops_the_network_whatever_the_policy(
    kind: str, error: type[BaseException]
) -> None:
    def leave(item: int) -> None:
        raise error

    with KINDS[kind](1) as executor:
        call = Call[int](leave, executor=executor, on_error=Retry(3, then="skip"), name="call")
        with pytest.RaisesGroup(error) as caught:
            await run(call, [1])
    assert notes(caught.value.exceptions[0]) == ["in call, item 1: 1"]


async def test_an_interrupt_between_two_calls_comes_out_as_itself() -> None:
    interrupt = getattr(ctypes.CDLL(None), "raise")  # in C, so that Python sees the signal only after the call

    class Here(ByHand):
        """Works while it is given work."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future = super().submit(fn, *args, **kwargs)
            before = signal.signal(signal.SIGINT, signal.default_int_handler)
            self.all[-1].run()
            signal.signal(signal.SIGINT, before)
            return future

    block = Transformer[int, Any](interrupt, executor=Here(), name="t")
    collector = linked(block)
    with pytest.RaisesGroup(KeyboardInterrupt):
        async with Network(block):
            await block.send(signal.SIGINT)
            await trio.sleep_forever()
    assert len(collector) == 0


@real_time
async def test_a_worker_that_cannot_be_started_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if " worker " in thread.name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with Threads(2) as threads:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", fail)
            call = Call[int](str, executor=threads, name="call")
            with faults(RuntimeError) as found:
                await run(call, [1])
        assert str(found[0]) == "can't start new thread"
        network = await run(Call[int](str, executor=threads, concurrency=2, name="call"), range(9))
        assert network.balance()["call"].consumed == 9


def test_a_standard_process_pool_wants_a_function_that_can_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
        pytest.raises(TypeError, match="cannot be pickled, which is needed to send it to a process: define it at"),
    ):
        Call[int](lambda item: item, executor=pool)
