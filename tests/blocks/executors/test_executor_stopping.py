"""Networks that are stopped while an executor works for them: what is queued, what runs, what is left behind."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Call, Network, Retry, Threads, Transformer, TransformMany
from tests.blocks.executors.kinds import SECONDS, ByHand, Gauge, OnLoop, is_set, turns
from tests.blocks.tools import contents, faults, linked, run

pytestmark = pytest.mark.usefixtures("real_time")

KINDS: dict[str, Callable[[int], Any]] = {"threads": Threads, "standard": ThreadPoolExecutor}
every_kind = pytest.mark.parametrize("kind", KINDS)


class Stop:
    """A way to stop a network from its body."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.scope = trio.CancelScope()
        self.called = trio.Event()

    def __call__(self, network: Network) -> None:
        self.called.set()
        if self.how == "network":
            network.cancel()
        elif self.how == "shutdown":
            network.shutdown.cancel()
        elif self.how == "scope":
            self.scope.cancel()
        else:
            raise KeyError("body")

    async def run(self, work: Callable[[], Any]) -> None:
        """Run something that is stopped in this way."""
        with self.scope:
            if self.how == "body":
                with faults(KeyError):
                    await work()
            else:
                await work()


every_stop = pytest.mark.parametrize("how", ["network", "shutdown", "scope", "body"])


@every_stop
@every_kind
async def test_what_is_queued_never_runs_and_what_runs_is_waited_for(kind: str, how: str) -> None:
    gauge = Gauge(is_open=False)
    stop = Stop(how)
    ended = trio.Event()
    with KINDS[kind](2) as executor:
        block = Transformer(gauge, executor=executor, concurrency=2, name="block")
        linked(block)
        network = Network(block)

        async def body() -> None:
            async with network:
                for n in range(20):
                    await block.send(n)
                await gauge.wait_begun(2)
                stop(network)
                await trio.sleep_forever()

        async def work() -> None:
            await stop.run(body)
            ended.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            await stop.called.wait()
            await wait_all_tasks_blocked()
            assert not ended.is_set()
            gauge.open()
        later = Gauge()
        await run(Call(later, executor=executor), range(3))
    assert sorted(gauge.began) == [0, 1]
    assert later.began == [0, 1, 2]
    balance = network.balance()["block"]
    assert (balance.accepted, balance.discarded) == (20, 20)
    assert network.balance().ok


@every_stop
async def test_with_abandon_on_cancel_the_network_ends_at_once(how: str) -> None:
    gauge = Gauge(is_open=False)
    stop = Stop(how)
    threads = Threads(2, abandon_on_cancel=True)
    block = Transformer(gauge, executor=threads, concurrency=2, name="block")
    linked(block)
    network = Network(block)

    async def body() -> None:
        async with network:
            for n in range(20):
                await block.send(n)
            await gauge.wait_begun(2)
            stop(network)
            await trio.sleep_forever()

    await stop.run(body)
    assert sorted(gauge.began) == [0, 1]
    assert network.balance()["block"].discarded == 20
    assert repr(threads).endswith("0 of 2 workers>")

    later = Gauge()
    await run(Call(later, executor=threads, concurrency=2), range(100))
    assert sorted(later.began) == list(range(100))
    assert all(thread.is_alive() for thread in gauge.threads)
    gauge.open()
    for thread in gauge.threads:
        await trio.to_thread.run_sync(thread.join, SECONDS)
        assert not thread.is_alive()
    await turns()  # what came home late does no harm
    assert sorted(gauge.began) == [0, 1]


async def test_abandoned_workers_leave_room_for_those_who_share_the_crew() -> None:
    stuck, other = Gauge(is_open=False), Gauge()
    with Threads(1, abandon_on_cancel=True) as threads:
        call = Call[int](other, executor=threads, name="other")
        async with Network(call):
            async with Network(first := Call[int](stuck, executor=threads, name="stuck")) as network:
                for n in range(3):
                    await first.send(n)
                await stuck.wait_begun(1)
                for n in range(5):
                    await call.send(n)
                assert other.began == []
                network.cancel()
            await other.wait_begun(5)
        assert other.began == list(range(5))
        assert "1 of 1 workers" in repr(threads)
        stuck.open()
    assert stuck.began == [0]


async def test_abandoned_work_that_comes_home_after_the_loop_has_ended_harms_nobody() -> None:
    gauge = Gauge(is_open=False)

    async def main() -> None:
        call = Call(gauge, executor=Threads(1, abandon_on_cancel=True))
        async with Network(call) as network:
            await call.send(1)
            await gauge.wait_begun(1)
            network.cancel()

    await trio.to_thread.run_sync(trio.run, main)
    gauge.open()
    (thread,) = gauge.threads
    await trio.to_thread.run_sync(thread.join, SECONDS)
    assert not thread.is_alive()


@every_kind
@pytest.mark.parametrize("on_error", ["fail", "skip"])
async def test_what_fails_while_stopping_does_not_come_out(kind: str, on_error: Any) -> None:
    gauge = Gauge(is_open=False, function=lambda item: 1 / 0)
    with KINDS[kind](1) as executor:
        call = Call(gauge, executor=executor, on_error=on_error, name="call")
        async with Network(call) as network, trio.open_nursery() as nursery:
            await call.send(1)
            await gauge.wait_begun(1)
            nursery.start_soon(open_when_cancelled, gauge)
            await wait_all_tasks_blocked()
            network.cancel()
    assert network.balance()["call"].discarded == 1


async def open_when_cancelled(gauge: Gauge) -> None:
    """Let calls go on when every task of the network has learned that it was stopped."""
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await wait_all_tasks_blocked()
        gauge.open()


@every_kind
async def test_a_fault_of_another_block_waits_for_what_runs_here(kind: str) -> None:
    gauge = Gauge(is_open=False)

    def fail(item: int) -> None:
        raise ValueError(item)

    with KINDS[kind](1) as executor:
        call = Call[int](gauge, executor=executor, name="slow")
        failing = Call[int](fail, name="failing")
        with faults(ValueError):
            async with Network(call, failing) as network, trio.open_nursery() as nursery:
                for n in range(3):
                    await call.send(n)
                await gauge.wait_begun(1)
                nursery.start_soon(open_when_cancelled, gauge)
                await wait_all_tasks_blocked()
                await failing.send(1)
    assert gauge.began == [0]
    assert network.balance()["slow"].discarded == 3


@every_kind
async def test_two_calls_that_fail_at_once_are_one_fault(kind: str) -> None:
    barrier = threading.Barrier(2)

    def fail(item: int) -> None:
        if item < 2:
            barrier.wait(SECONDS)
            raise ValueError(item)

    with KINDS[kind](2) as executor:
        call = Call[int](fail, executor=executor, concurrency=2, name="failing")
        with faults(ValueError):
            async with Network(call) as network:
                for n in range(10):
                    await call.send(n)
    balance = network.balance()["failing"]
    assert (balance.dropped, balance.consumed + balance.discarded) == ({"fault": 1}, balance.accepted - 1)


@every_kind
async def test_a_network_that_is_cancelled_before_it_starts_ends(kind: str) -> None:
    with KINDS[kind](1) as executor:
        call = Call[int](str, executor=executor, name="call")
        for n in range(3):
            call.send_nowait(n)
        network = Network(call)
        network.cancel()
        async with network:
            pass
    balance = network.balance()["call"]
    assert balance.discarded + balance.consumed == 3


async def test_results_that_are_home_when_the_network_stops_are_discarded() -> None:
    executor = ByHand()
    block = Transformer[int, int](abs, executor=executor, concurrency=3, name="block")
    collector = linked(block)
    async with Network(block) as network:
        for n in range(3):
            await block.send(n)
        await wait_all_tasks_blocked()
        executor.all[1].run()
        await wait_all_tasks_blocked()  # waits for the first
        executor.all[0].run()
        executor.all[2].begin()
        network.cancel()
        executor.all[2].end()
    assert len(collector) == 0
    assert network.balance()["block"].discarded == 3


async def test_work_that_cannot_be_cancelled_any_more_is_waited_for_also_if_much_is_out() -> None:
    executor = ByHand()
    block = TransformMany[int, int](lambda item: [item], executor=executor, concurrency=3, name="block")
    linked(block)
    cancelled, ended = trio.Event(), trio.Event()

    async def work() -> None:
        async with Network(block) as network:
            for n in range(9):
                await block.send(n)
            await wait_all_tasks_blocked()
            executor.all[0].begin()
            executor.all[2].begin()
            network.cancel()
            cancelled.set()
        ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await cancelled.wait()
        for place in (0, 2):
            await wait_all_tasks_blocked()
            assert not ended.is_set()
            executor.all[place].end()
    assert [one.future.cancelled() for one in executor.all] == [False, True, False]


async def test_a_network_that_stops_during_a_pause_of_a_retry_ends_at_once() -> None:
    def fail(item: int) -> None:
        raise ValueError(item)

    call = Call[int](fail, executor=OnLoop(), on_error=Retry(1, backoff=1000.0), name="call")
    async with Network(call) as network:
        for n in range(3):
            await call.send(n)
        await wait_all_tasks_blocked()
        network.cancel()
    assert network.balance()["call"].discarded == 3


async def test_what_comes_home_at_the_moment_of_the_stop_is_discarded_and_no_fault() -> None:
    def fail(item: int) -> None:
        raise ValueError(item)

    def stop(_: int) -> None:
        executor.all[0].run()
        call._core.wake()  # its step comes before the pump hears of the stop
        network.cancel()

    executor = ByHand()
    call, stopper = Call[int](fail, executor=executor, name="call"), Call[int](stop)
    async with Network(call, stopper) as network:
        await call.send(1)
        await wait_all_tasks_blocked()
        await stopper.send(1)
        await trio.sleep_forever()
    assert network.balance()["call"].discarded == 1


@every_kind
async def test_a_network_runs_with_workers_that_are_there_already(kind: str) -> None:
    done = threading.Event()
    with KINDS[kind](1) as executor:
        executor.submit(done.set)
        await is_set(done)
        block = Transformer[int, int](abs, executor=executor)
        collector = linked(block)
        await run(block, range(10))
        assert executor.submit(abs, -1).result(SECONDS) == 1
    assert contents(collector) == list(range(10))


async def test_the_network_leaves_no_worker_behind() -> None:
    gauge = Gauge()
    threads = Threads(4)
    await run(Call(gauge, executor=threads, concurrency=4), range(1000))
    assert not any(thread.is_alive() for thread in gauge.threads)
    assert repr(threads).endswith("0 of 4 workers>")


async def test_nothing_is_handed_to_an_executor_that_was_given_back() -> None:
    """A stage that gives its result in the same turn of the loop in which the network is cancelled."""
    for _ in range(30):  # trio chooses at random which task comes first in a turn
        executor, go = ByHand(), trio.Event()

        async def wait(item: int, go: trio.Event = go) -> int:
            await go.wait()
            return item

        first = Transformer(wait, concurrency=1)
        second = Transformer[int, int](abs, executor=executor)
        first.link_target(second)
        linked(second)
        network = Network(first)
        with trio.CancelScope() as scope:
            async with network:
                await first.send(1)
                await wait_all_tasks_blocked()
                go.set()
                scope.cancel()
        assert network.balance().ok
        assert all(hand_over.future.done() for hand_over in executor.all)
