"""The way out of a network that stops and waits for calls which do not return: Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Call, Network, Processes, Threads, Transformer
from penstock.blocks.functions import patience
from penstock.blocks.functions.patience import Patience, interrupts, is_trios
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.kinds import ByHand, Gauge
from tests.blocks.tools import faults, linked, notes, run

real_time = pytest.mark.usefixtures("real_time")
KINDS: dict[str, Callable[[int], Executor]] = {"threads": Threads, "standard": ThreadPoolExecutor}


async def press_when_it_waits(times: int = 1) -> None:
    """Press Ctrl-C when a network that was stopped waits for its calls."""
    for _ in range(times):
        while signal.getsignal(signal.SIGINT) != interrupts._handle:  # nothing tells
            await trio.lowlevel.checkpoint()
        await wait_all_tasks_blocked()
        signal.raise_signal(signal.SIGINT)


@contextmanager
def handler(handle: Any) -> Generator[None]:
    before = signal.signal(signal.SIGINT, handle)
    yield
    signal.signal(signal.SIGINT, before)


@real_time
@pytest.mark.parametrize("kind", KINDS)
async def test_ctrl_c_ends_the_wait_for_a_call_that_does_not_return(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    gauge = Gauge(is_open=False)
    usual = signal.getsignal(signal.SIGINT)
    with KINDS[kind](1) as executor:
        call = Call(gauge, executor=executor, name="slow")
        async with trio.open_nursery() as nursery:
            with faults(KeyboardInterrupt) as found:
                async with Network(call) as network:
                    for n in range(3):
                        await call.send(n)
                    await gauge.wait_begun(1)
                    nursery.start_soon(press_when_it_waits)
                    network.cancel()
        assert gauge.began == [0]
        message = "call 'slow' waited for the calls that run in its executor"
        assert message in notes(found[0])[0]
        assert notes(found[0])[0].endswith("these are left to themselves")
        assert message in caplog.text
        assert network.balance()["slow"].discarded == 3
        assert signal.getsignal(signal.SIGINT) == usual
        gauge.open()


@real_time
async def test_it_does_so_when_ctrl_c_was_the_reason_to_stop() -> None:
    gauge = Gauge(is_open=False)
    call = Call(gauge, executor=Threads(1))
    async with trio.open_nursery() as nursery:
        with faults(KeyboardInterrupt, KeyboardInterrupt):
            async with Network(call):
                await call.send(1)
                await gauge.wait_begun(1)
                nursery.start_soon(press_when_it_waits)
                raise KeyboardInterrupt
    gauge.open()


@real_time
async def test_one_ctrl_c_ends_the_waits_of_all_blocks() -> None:
    gauge = Gauge(is_open=False)
    calls = [Call(gauge, executor=Threads(1)) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        with faults(*[KeyboardInterrupt] * 3):
            async with Network(*calls) as network:
                for call in calls:
                    await call.send(1)
                await gauge.wait_begun(3)
                nursery.start_soon(press_when_it_waits)
                network.cancel()
    gauge.open()


@real_time
async def test_with_processes_the_call_is_killed(tmp_path: Path) -> None:
    path = functions.named_pipe(tmp_path)
    call = Call(functions.begin_and_wait, executor=Processes(1))
    async with trio.open_nursery() as nursery:
        with faults(KeyboardInterrupt) as found:
            async with Network(call) as network:
                await call.send(str(path))
                assert await trio.to_thread.run_sync(path.read_text) == "begun"
                nursery.start_soon(press_when_it_waits)
                network.cancel()
    assert notes(found[0])[0].endswith("the processes were killed")


@real_time
@pytest.mark.parametrize("abandon_on_cancel", [False, True])
async def test_a_process_that_does_not_get_ready_is_ended_by_any_stop(abandon_on_cancel: bool) -> None:
    processes = Processes(2, worker_init=functions.never_ready, abandon_on_cancel=abandon_on_cancel)
    block = Transformer[int, int](abs, executor=processes, concurrency=2)
    linked(block)
    async with Network(block) as network:
        for n in range(5):
            await block.send(n)
        await wait_all_tasks_blocked()
        network.cancel()
    assert network.balance()["abs"].discarded == 5
    with faults(ValueError):
        async with Network(call := Call[int](abs, executor=processes)):
            await call.send(1)
            raise ValueError


async def test_a_program_keeps_a_handler_of_its_own() -> None:
    heard: list[int] = []
    executor = ByHand()
    call = Call(str, executor=executor)

    def handle(*_: object) -> None:
        heard.append(1)
        executor.all[0].end()

    async def press() -> None:
        await wait_all_tasks_blocked()
        signal.raise_signal(signal.SIGINT)

    with handler(handle):
        async with trio.open_nursery() as nursery, Network(call) as network:
            await call.send(1)
            await wait_all_tasks_blocked()
            executor.all[0].begin()
            nursery.start_soon(press)
            network.cancel()
    assert heard == [1]


async def test_a_handler_that_was_set_meanwhile_stays() -> None:
    def handle(*_: object) -> None: ...

    usual = signal.getsignal(signal.SIGINT)
    with interrupts.heard(lambda: None), interrupts.heard(lambda: None):
        assert is_trios(usual)
        assert not is_trios(signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, handle)
    assert signal.getsignal(signal.SIGINT) is handle
    signal.signal(signal.SIGINT, usual)


def test_in_a_thread_no_handler_is_set() -> None:
    usual = signal.getsignal(signal.SIGINT)
    seen: list[Any] = []

    def look() -> None:
        with interrupts.heard(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [usual]


async def test_ctrl_c_right_after_the_end_of_a_wait_changes_nothing() -> None:
    ended = Patience(lambda: None)
    ended.is_over.set()
    await ended.wait()
    ended._interrupt()
    assert not ended.was_interrupted


async def test_a_long_wait_is_told_of_once() -> None:
    said: list[float] = []
    long = Patience(lambda: said.append(trio.current_time()))
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(long.wait)
        await trio.sleep(100)
        long.is_over.set()
    assert said == [start + patience.SECONDS]


@real_time
async def test_a_network_in_a_thread_ends_with_its_calls_as_before() -> None:
    def main() -> None:
        trio.run(run, Call(str, executor=Threads(1)), [1])

    await trio.to_thread.run_sync(main)
