"""Threads as an ordinary executor: futures, shutdown, and workers that exist only while they are used."""

import subprocess
import sys
import threading
from concurrent.futures import CancelledError, Executor, Future, wait
from queue import SimpleQueue

import pytest

from penstock.blocks import Threads
from penstock.blocks.executors.lane import Job
from penstock.blocks.executors.work import Task
from penstock.blocks.executors.wrapped_call import call
from tests.blocks.executors.kinds import SECONDS, Gauge


def here() -> threading.Thread:
    return threading.current_thread()


def gone(thread: threading.Thread) -> bool:
    """Whether a worker goes."""
    thread.join(SECONDS)
    return not thread.is_alive()


def add(*args: int, **kwargs: int) -> int:
    return sum(args) + sum(kwargs.values())


def fail(error: BaseException) -> None:
    raise error


# Futures


def test_it_calls_a_function_with_its_arguments_in_a_worker() -> None:
    threads = Threads(2)
    assert isinstance(threads, Executor)
    assert threads.submit(add, 1, 2, three=3).result(SECONDS) == 6
    assert threads.submit(here).result(SECONDS) is not here()


def test_a_result_may_be_none() -> None:
    assert Threads(1).submit(dict[int, int]().get, 1).result(SECONDS) is None


def test_map_gives_the_results_in_order() -> None:
    assert list(Threads(3).map(add, range(50), range(50), timeout=SECONDS)) == [2 * n for n in range(50)]


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_whatever_the_function_raises_is_in_the_future(error: BaseException) -> None:
    threads = Threads(1)
    assert threads.submit(fail, error).exception(SECONDS) is error
    assert threads.submit(add, 1).result(SECONDS) == 1


def test_stop_iteration_comes_out_as_itself() -> None:
    assert isinstance(Threads(1).submit(next, iter(())).exception(SECONDS), StopIteration)
    assert isinstance(call((next, (iter(()),), {})), StopIteration)  # as a process does it
    assert call((max, (1, 2), {"key": abs})) == (2,)


def test_a_worker_that_goes_from_call_to_call_does_not_pass_over_a_user_that_comes_later() -> None:
    order: list[str] = []
    gauge = Gauge(is_open=False)
    home: SimpleQueue[Job] = SimpleQueue()
    with Threads(1) as threads:
        threads.submit(gauge, 0)
        assert gauge.wait(1)
        futures = [threads.submit(order.append, "future") for _ in range(4)]
        queue = threads._scheduler.open("later", 1, home.put)
        threads._scheduler.submit(queue, Job(Task(order.append), ["later"], None, (0,)))
        gauge.open()
        wait(futures, SECONDS)
        assert home.get(timeout=SECONDS).error is None
        threads._scheduler.release(queue)
    assert order.index("later") <= 1
    assert len(order) == 5


def test_calls_that_are_taken_back_while_another_user_has_the_worker_leave_nothing_behind() -> None:
    gauge = Gauge(is_open=False)
    home: SimpleQueue[Job] = SimpleQueue()
    threads = Threads(1)
    queue = threads._scheduler.open("other", 1, home.put)
    threads._scheduler.submit(queue, Job(Task(gauge), [0], None, (0,)))
    assert gauge.wait(1)
    futures = [threads.submit(abs, -n) for n in range(3)]
    threads.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in futures)
    assert not threads._scheduler._calls
    gauge.open()
    assert home.get(timeout=SECONDS).error is None
    threads._scheduler.release(queue)
    assert not threads._scheduler._users


def test_calls_from_one_place_are_one_user_however_often_all_are_done() -> None:
    with Threads(1) as threads:
        for n in range(3):
            assert threads.submit(abs, -n).result(SECONDS) == n
            assert wait([threads.submit(abs, -n) for _ in range(3)], SECONDS).not_done == set()
        assert len(threads._scheduler._calls) == 1
    outside = Threads(1)
    assert outside.submit(abs, -1).result(SECONDS) == 1
    outside.shutdown()
    assert not outside._scheduler._calls


def test_a_coroutine_is_a_result_like_any_other() -> None:
    async def give() -> None: ...

    coroutine = Threads(1).submit(give).result(SECONDS)
    coroutine.close()  # type: ignore[attr-defined, unused-ignore]  # that is what it is


def test_as_many_calls_run_at_once_as_there_are_workers() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(3)
    futures = [threads.submit(gauge, n) for n in range(7)]
    assert gauge.wait(3)
    assert "3 of 3 workers" in repr(threads)
    gauge.open()
    wait(futures, SECONDS)
    assert sorted(gauge.began[:3]) == [0, 1, 2]
    assert sorted(gauge.began) == list(range(7))
    assert gauge.most == 3
    assert len(gauge.threads) == 3


def test_no_more_workers_are_started_than_are_needed() -> None:
    with Threads(3) as threads:
        threads.submit(here).result(SECONDS)
        assert "1 of 3 workers" in repr(threads)


def test_a_future_that_has_not_begun_can_be_cancelled() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(1)
    first, second, third = (threads.submit(gauge, n) for n in range(3))
    assert gauge.wait(1)
    assert second.cancel()
    assert not first.cancel()
    gauge.open()
    assert third.result(SECONDS) == 2
    assert gauge.began == [0, 2]
    with pytest.raises(CancelledError):
        second.result(SECONDS)


def test_a_future_can_be_submitted_by_the_callback_of_another() -> None:
    threads = Threads(1)
    second: Future[Future[int]] = Future()

    def follow(first: Future[int]) -> None:
        second.set_result(threads.submit(add, first.result(), 1))

    threads.submit(add, 1).add_done_callback(follow)
    assert second.result(SECONDS).result(SECONDS) == 2


# How long workers live


def test_the_workers_go_with_the_last_future() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(3)
    assert repr(threads).endswith("0 of 3 workers>")
    futures = [threads.submit(gauge, n) for n in range(3)]
    assert gauge.wait(3)
    gauge.open()
    wait(futures, SECONDS)
    assert all(map(gone, gauge.threads))
    assert repr(threads).endswith("0 of 3 workers>")


def test_the_workers_go_also_when_the_last_future_was_cancelled() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(1)
    threads.submit(gauge, 0)
    assert gauge.wait(1)
    assert threads.submit(gauge, 1).cancel()
    gauge.open()
    assert all(map(gone, gauge.threads))


def test_it_can_be_used_again_after_its_workers_have_gone() -> None:
    threads = Threads(1)
    for _ in range(3):
        assert gone(threads.submit(here).result(SECONDS))


def test_within_with_the_workers_stay() -> None:
    with Threads(1) as threads:
        worker = threads.submit(here).result(SECONDS)
        assert all(threads.submit(here).result(SECONDS) is worker for _ in range(5))
        assert worker.is_alive()
    assert not worker.is_alive()
    assert repr(threads) == f"<Threads {threads.name!r}, shut down>"


def test_with_an_exception_the_workers_go_too() -> None:
    threads = Threads(1)
    workers: list[threading.Thread] = []

    def fail_inside() -> None:
        with threads:
            workers.append(threads.submit(here).result(SECONDS))
            raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    assert not workers[0].is_alive()


# Shutdown


def test_shutdown_waits_for_what_was_handed_over() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(1)
    futures = [threads.submit(gauge, n) for n in range(3)]
    assert gauge.wait(1)
    opener = threading.Thread(target=gauge.open)
    opener.start()
    threads.shutdown()
    assert [future.result(0) for future in futures] == [0, 1, 2]
    assert not any(worker.is_alive() for worker in gauge.threads)
    opener.join()


def test_shutdown_need_not_wait() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(1)
    futures = [threads.submit(gauge, n) for n in range(3)]
    threads.shutdown(wait=False)
    gauge.open()
    assert [future.result(SECONDS) for future in futures] == [0, 1, 2]
    assert all(map(gone, gauge.threads))


def test_shutdown_can_take_back_what_has_not_begun() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(1)
    futures = [threads.submit(gauge, n) for n in range(4)]
    assert gauge.wait(1)
    assert futures[2].cancel()
    threads.shutdown(wait=False, cancel_futures=True)
    assert [future.cancelled() for future in futures] == [False, True, True, True]
    assert wait(futures[1:], 0).not_done == set()
    gauge.open()
    assert futures[0].result(SECONDS) == 0
    assert gauge.began == [0]
    assert all(map(gone, gauge.threads))


@pytest.mark.parametrize("idle", [True, False])
def test_after_shutdown_it_takes_no_more(idle: bool) -> None:
    threads = Threads(1, name="pool")
    threads.__enter__()
    if idle:
        assert threads.submit(add).result(SECONDS) == 0
    threads.shutdown()
    threads.shutdown()
    with pytest.raises(RuntimeError, match="Threads 'pool' was shut down and takes no more work"):
        threads.submit(add)
    with threads, pytest.raises(RuntimeError, match="was shut down"):
        threads.submit(add)


def test_a_worker_can_shut_its_executor_down() -> None:
    threads = Threads(1)
    assert threads.submit(threads.shutdown).result(SECONDS) is None


def test_it_can_be_shut_down_while_a_worker_is_being_started(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Threads(1)
    start = threading.Thread.start
    other = threading.Thread(target=threads.shutdown)

    def start_late(thread: threading.Thread) -> None:
        if " worker " in thread.name:
            start(other)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    assert threads.submit(add, 1).result(SECONDS) == 1
    assert gone(other)


# The end of the interpreter

PROGRAM = """
import threading
from penstock.blocks import Threads

began = threading.Event()

def block():
    began.set()
    threading.Event().wait()

{use}
print("end", flush=True)
"""
USES = {
    "idle": "threads = Threads(2).__enter__(); threads.submit(int).result()",
    "blocked": "threads = Threads(1); threads.submit(block); began.wait()",
    "blocked and with work queued": "threads = Threads(1); [threads.submit(block) for _ in range(3)]; began.wait()",
    "shut down while blocked": (
        "threads = Threads(1); threads.submit(block); began.wait(); threads.shutdown(wait=False, cancel_futures=True)"
    ),
    "abandoned": """
import trio
from penstock.blocks import Call, Network

async def main():
    call = Call(lambda item: block(), executor=Threads(1, abandon_on_cancel=True))
    async with Network(call) as network:
        await call.send(1)
        await trio.to_thread.run_sync(began.wait)
        network.cancel()

trio.run(main)
""",
}


@pytest.mark.parametrize("use", USES)
def test_no_worker_keeps_the_interpreter_from_its_end(use: str) -> None:
    program = PROGRAM.format(use=USES[use])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
