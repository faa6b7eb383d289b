"""When the system gives fewer workers than are wanted: the run goes on with those that can be had."""

import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any

import pytest

from penstock.blocks import Call, Network, Threads, Transformer
from penstock.blocks.executors.stream import Stream
from penstock.blocks.executors.threads import ThreadBackend
from penstock.blocks.executors.work import Outcome, Task
from penstock.blocks.executors.worker import NotStarted, WorkerBackend
from penstock.blocks.executors.worker_options import WorkerOptions
from tests.blocks.executors.kinds import SECONDS, Gauge
from tests.blocks.tools import contents, linked, run

real_time = pytest.mark.usefixtures("real_time")


class Scarce:
    """Threads for workers, until there are no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        self.most = most
        self.asked = 0
        self.error = RuntimeError("can't start new thread")
        self._start = threading.Thread.start
        monkeypatch.setattr(threading.Thread, "start", lambda thread: self.start(thread))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]

    def start(self, thread: threading.Thread) -> None:
        if " worker " in thread.name:
            self.asked += 1
            if self.asked > self.most:
                raise self.error
        self._start(thread)


@real_time
async def test_if_the_system_gives_fewer_workers_the_run_goes_on_with_these(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scarce = Scarce(monkeypatch, 2)
    gauge = Gauge(is_open=False)
    with Threads(4, name="pool") as threads:
        async with Network(call := Call(gauge, executor=threads, concurrency=4)):
            for n in range(50):
                await call.send(n)
            await gauge.wait_begun(2)
            gauge.open()
        assert sorted(gauge.began) == list(range(50))
        assert gauge.most == 2
        assert scarce.asked == 3
        why = 'RuntimeError("can\'t start new thread")'
        message = f"Threads 'pool' goes on with 2 of 4 workers: no more can be started: {why}"
        assert [record.getMessage() for record in caplog.records if "goes on" in record.getMessage()] == [message]
        scarce.most = 10
        await run(Call(str, executor=threads, concurrency=4), range(50))
        assert len(list(threads.map(abs, range(20)))) == 20


def test_a_call_that_would_wait_for_a_worker_that_cannot_be_had_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Threads(2)
    Scarce(monkeypatch, 1)

    def inner() -> object:
        return threads.submit(abs, -1).result(SECONDS)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        threads.submit(inner).result(SECONDS)


class Unready(ThreadBackend):
    """Does not get ready, or is lost before its first job, or the second one."""

    def __init__(self, fails: list[str]) -> None:
        super().__init__(WorkerOptions("pool"), 1)
        self.fails = fails

    def open(self) -> None:
        super().open()
        if "open" in self.fails:
            raise NotStarted(OSError("no handle left"))

    def perform(self, task: Task, items: Sequence[Any], stream: Stream | None = None) -> Outcome:
        if "perform" in self.fails:
            raise NotStarted(OSError("no handle left"))
        return super().perform(task, items, stream)


class Unlucky(Threads):
    """All workers but some cannot be got ready."""

    def __init__(self, *args: Any, fails: str, lucky: int = 1) -> None:
        super().__init__(*args)
        self.fails = fails
        self.lucky = lucky

    def _backend(self, number: int) -> WorkerBackend:
        return Unready([] if number <= self.lucky else [self.fails])


@real_time
@pytest.mark.parametrize("fails", ["open", "perform"])
@pytest.mark.parametrize("workers", [2, 4])
async def test_the_job_of_a_worker_that_does_not_get_ready_is_done_by_others(fails: str, workers: int) -> None:
    executor = Unlucky(workers, fails=fails)
    gauge = Gauge(is_open=False)
    block = Transformer[int, int](gauge, executor=executor, concurrency=workers)
    collector = linked(block)
    async with Network(block):
        for n in range(50):
            await block.send(n)
        await gauge.wait_begun(1)
        gauge.open()
    assert contents(collector) == list(range(50))
    assert gauge.most == 1
    with executor:
        futures = [executor.submit(abs, -n) for n in range(9)]
        assert [future.result(SECONDS) for future in futures] == list(range(9))


@real_time
async def test_if_all_fail_that_start_at_once_one_is_tried_by_itself() -> None:
    numbers: list[int] = []
    barrier = threading.Barrier(3)

    class Many(Unready):
        def open(self) -> None:
            if self.fails:
                barrier.wait(SECONDS)
            super().open()

    class Crowded(Threads):
        def _backend(self, number: int) -> WorkerBackend:
            numbers.append(number)
            return Many(["open"] if len(numbers) <= 3 else [])

    call = Call[int](abs, executor=Crowded(3), concurrency=3)
    network = await run(call, range(9))
    assert network.balance()["abs"].consumed == 9
    assert len(numbers) == 4


@real_time
@pytest.mark.parametrize("fails", ["open", "perform"])
async def test_if_no_worker_gets_ready_that_is_a_fault(fails: str) -> None:
    executor = Unlucky(3, fails=fails, lucky=0)
    call = Call[int](str, executor=executor, concurrency=3, on_error="skip")
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match="no handle left")):
        await run(call, range(9))
    with pytest.raises(OSError, match="no handle left"):
        executor.submit(abs, -1).result(SECONDS)


def test_a_future_that_was_given_back_can_be_taken_back() -> None:
    gauge = Gauge(is_open=False)
    executor = Unlucky(2, fails="perform")
    first = executor.submit(gauge, 1)
    assert gauge.wait(1)
    second = executor.submit(gauge, 2)
    while executor._scheduler.size > 1 or not second.running():
        threading.Event().wait(0.001)
    executor.shutdown(wait=False, cancel_futures=True)
    assert isinstance(second.exception(SECONDS), CancelledError)
    gauge.open()
    assert first.result(SECONDS) == 1


def test_a_worker_that_is_ended_while_it_gets_ready_gives_nothing_back() -> None:
    opening, go_on = threading.Event(), threading.Event()

    class Late(Unready):
        def open(self) -> None:
            opening.set()
            assert go_on.wait(SECONDS)
            super().open()

    class Leaving(Threads):
        def _backend(self, number: int) -> WorkerBackend:
            return Late(["open"])

    executor = Leaving(2)
    future = executor.submit(abs, -1)
    assert opening.wait(SECONDS)
    (queue,) = executor._scheduler._calls.values()
    executor._scheduler.abandon(queue)
    go_on.set()
    assert isinstance(future.exception(SECONDS), OSError)
