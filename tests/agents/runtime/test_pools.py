"""Pools of processes, other executors, and a pool as an executor."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any

import pytest
import trio

from penstock.agents import NotRun, Runtime, TaskState
from penstock.blocks import Retry, Threads, TimeLimitExceeded, Transformer
from tests.agents.runtime.gates import LONGEST, Gate
from tests.blocks.tools import contents, linked, run


def square(number: int) -> int:
    return number * number


def test_functions_run_in_processes() -> None:
    with Runtime(threads=1, processes=1) as runtime:
        handle = runtime.submit(square, 5, on="processes")
        assert handle.get(LONGEST) == 25
        assert runtime.submit(square, handle, on="processes").get(LONGEST) == 625
        assert runtime._core._begin_processes() is runtime._core.pool("processes")  # as a second thread does
        assert runtime.submit(os.getpid, on="processes").get(LONGEST) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            runtime.submit(int, "x", on="processes").get(LONGEST)
        (worker,) = (worker for worker in runtime.get_progress().workers if worker.pool == "processes")
        assert worker.idle


class AtOnce(Executor):
    """Runs a call within `submit`."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Closed(Executor):
    """Accepts nothing."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise RuntimeError("closed")


def test_any_executor_has_a_pool_of_its_name() -> None:
    with ThreadPoolExecutor(2) as pool, Runtime(executors={"pool": pool, "at once": AtOnce()}) as runtime:
        for on in ("pool", "at once"):
            numbers = [runtime.submit(square, n, on=on) for n in range(2_000)]
            assert runtime.submit(sum, numbers, on=on).get(LONGEST) == sum(n * n for n in range(2_000))
        flaky: Iterator[Any] = iter([ValueError(1), ValueError(2), 5])

        def next_one() -> Any:
            item = next(flaky)
            if isinstance(item, Exception):
                raise item
            return item

        assert runtime.options(on="pool", on_error=Retry(2)).submit(next_one).get(LONGEST) == 5
    assert pool.submit is not None


def test_what_an_executor_refuses_has_failed() -> None:
    with Runtime(executors={"closed": Closed()}) as runtime, pytest.raises(RuntimeError, match="closed"):
        runtime.submit(int, on="closed").get(LONGEST)


def test_an_executor_gets_no_more_than_twice_its_workers() -> None:
    gate = Gate()
    with Threads(1) as threads, Runtime(executors={"t": threads}) as runtime:
        tasks = [runtime.submit(gate, n, on="t", name=f"t{n}") for n in range(4)]
        gate.has_begun()
        progress = runtime.get_progress()
        assert (progress.running, progress.queued) == (2, 2)
        (worker,) = progress.workers
        assert (worker.idle, {*worker.task.split(", ")}, worker.queue_depth) == (False, {"t0", "t1"}, 2)
        assert tasks[3].cancel()
        assert not tasks[0].cancel()
        assert tasks[2].state is TaskState.QUEUED
        gate.open()
        assert [task.get(LONGEST) for task in tasks[:3]] == [0, 1, 2]
    assert sorted(gate.calls) == [0, 1, 2]


def test_a_time_limit_counts_for_an_executor_too() -> None:
    gate = Gate()
    with Threads(1) as threads, Runtime(executors={"t": threads}) as runtime:
        with pytest.raises(TimeLimitExceeded):
            runtime.options(on="t", time_limit=0.001).submit(gate, 1).get(LONGEST)
        gate.open()


def test_a_pool_is_an_executor_of_the_standard_library() -> None:
    gate = Gate()
    with Runtime(threads=1, name="r") as runtime:
        executor = runtime.as_executor()
        assert repr(executor) == "<executor of pool 'compute' of Runtime 'r'>"
        first = executor.submit(gate, 1)
        gate.has_begun()
        second, third = executor.submit(gate, 2), executor.submit(int, "x")
        assert not first.cancel()
        assert second.cancel()
        assert second.cancelled()
        gate.open()
        wait_for([first, second, third], LONGEST)
        assert first.result() == 1
        assert isinstance(third.exception(), ValueError)
        assert [*executor.map(square, range(5))] == [0, 1, 4, 9, 16]
        executor.shutdown()
        assert executor.submit(int, "4").result(LONGEST) == 4


def test_a_future_that_was_cancelled_meanwhile_stays_so() -> None:
    with Runtime(threads=1) as runtime:
        functions: list[Callable[[], int]] = [int, lambda: 1 // 0]
        for function in functions:
            future: Any = runtime.as_executor().submit(function)
            future.task.wait()
            other: Any = type(future)()
            other.task = future.task
            cancel: Callable[[Any], bool] = vars(Future)["cancel"]
            cancel(other)
            other.resolve()
            assert other.cancelled()


@pytest.mark.usefixtures("real_time")
async def test_blocks_can_use_a_pool() -> None:
    with Runtime(threads=2) as runtime:
        block = Transformer[int, int](square, concurrency=2, executor=runtime.as_executor())
        collector = linked(block)
        await run(block, range(100))
        assert contents(collector) == [n * n for n in range(100)]
        await trio.lowlevel.checkpoint()


def test_an_executor_that_is_slow_to_begin_is_used_by_one_thread_at_a_time() -> None:
    gate = Gate()

    class Slow(AtOnce):
        """The first submission takes long."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if not gate.calls:
                gate()
            return super().submit(fn, *args, **kwargs)

    with Runtime(executors={"slow": Slow()}) as runtime:
        thread = threading.Thread(target=lambda: runtime.submit(int, on="slow"))
        thread.start()
        gate.has_begun()
        second = runtime.submit(int, "2", on="slow")
        assert second.state is TaskState.QUEUED
        gate.open()
        assert second.get(LONGEST) == 2
        thread.join()


def test_a_cancelled_task_of_an_executor_is_not_run() -> None:
    gate = Gate()
    with ThreadPoolExecutor(1) as pool, Runtime(executors={"pool": pool}) as runtime:
        tasks = [runtime.submit(gate, n, on="pool") for n in range(3)]
        gate.has_begun()
        assert tasks[2].cancel()
        gate.open()
        with pytest.raises(NotRun):
            tasks[2].get(LONGEST)
    assert gate.calls == [0, 1]
