"""What a worker of Threads and Processes does at its end: it calls `worker_exit`."""

import logging
import os
import signal
import sys
import threading
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trio

from penstock.blocks import Network, Processes, Threads, Transformer, WorkerDied, worker_number, worker_state
from penstock.blocks.executors import process_child
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.kinds import SECONDS, Gauge
from tests.blocks.tools import contents, faults, linked, notes, run

Kind = type[Threads] | type[Processes]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])


@pytest.fixture(params=[Threads, pytest.param(Processes, marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


def ends(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What `exit_logged` has logged."""
    return [record.getMessage() for record in caplog.records if record.name == functions.log.name]


async def test_each_worker_calls_it_once_at_its_end_with_its_state(
    kind: Kind, caplog: pytest.LogCaptureFixture, real_time: None
) -> None:
    executor = kind(2, worker_init=functions.model, worker_exit=functions.exit_logged)
    for _ in range(2):
        caplog.clear()
        block = Transformer(functions.state, executor=executor, concurrency=2)
        results = linked(block)
        await run(block, [0])
        assert contents(results) == ["model"]
        assert ends(caplog) == ["worker 0 with model ends"]
    caplog.clear()
    with executor:
        assert executor.submit(functions.state, 0).result(SECONDS) == "model"
        assert ends(caplog) == []
    assert ends(caplog) == ["worker 0 with model ends"]


def test_so_do_workers_that_stand_in_for_others() -> None:
    numbers: list[int] = []
    with Threads(1, worker_exit=lambda: numbers.append(worker_number())) as threads:
        assert threads.submit(lambda: threads.submit(worker_number).result(SECONDS)).result(SECONDS) == 1
    assert sorted(numbers) == [0, 1]


async def test_a_network_that_is_cancelled_waits_for_it(real_time: None) -> None:
    ended: list[Any] = []
    gauge = Gauge(is_open=False)
    threads = Threads(1, worker_init=object, worker_exit=lambda: ended.append(worker_state()))
    async with Network(block := Transformer(gauge, executor=threads)) as network:
        linked(block)
        await block.send(1)
        await gauge.wait_begun(1)
        network.cancel()
        gauge.open()
    assert len(ended) == 1


@pytest.mark.parametrize("policy", ["fail", "skip"])
async def test_its_exception_is_a_fault_of_the_network(
    kind: Kind, policy: Any, caplog: pytest.LogCaptureFixture, real_time: None
) -> None:
    executor = kind(1, worker_exit=functions.exit_broken, name="pool")
    block: Transformer[int, int] = Transformer(abs, executor=executor, on_error=policy)
    results = linked(block)
    with faults(KeyError) as found:
        await run(block, [1, 2])
    assert contents(results) == [1, 2]
    assert f"in worker_exit of {kind.__name__} 'pool'" in notes(found[0])
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == f"{kind.__name__} 'pool': worker_exit failed"


async def test_so_it_is_if_the_network_fails_for_another_reason(kind: Kind, real_time: None) -> None:
    executor = kind(1, worker_exit=functions.exit_broken)
    block: Transformer[Any, int] = Transformer(abs, executor=executor)
    with faults(TypeError, KeyError):
        await run(block, ["text"])


def test_a_with_raises_it_and_so_does_shutdown(kind: Kind) -> None:
    with pytest.raises(KeyError, match="exit"), kind(1, worker_exit=functions.exit_broken) as executor:
        executor.submit(abs, 1).result(SECONDS)
    other = kind(1, worker_exit=functions.exit_broken).__enter__()
    other.submit(abs, 1).result(SECONDS)
    with pytest.raises(KeyError, match="exit"):
        other.shutdown()
    other.shutdown()  # it was raised


def test_those_of_several_workers_are_raised_together() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(2, worker_exit=functions.exit_broken, name="pool")
    threads.__enter__()
    for n in range(2):
        threads.submit(gauge, n)
    assert gauge.wait(2)
    gauge.open()
    with pytest.raises(BaseExceptionGroup, match="worker_exit of Threads 'pool'") as found:
        threads.shutdown()
    assert [type(error) for error in found.value.exceptions] == [KeyError, KeyError]


async def test_after_a_worker_init_that_failed_it_is_not_called(kind: Kind, real_time: None) -> None:
    executor = kind(1, worker_init=functions.broken_init, worker_exit=functions.exit_never)
    block: Transformer[int, int] = Transformer(abs, executor=executor)
    with faults(KeyError):
        await run(block, [1])


def test_a_coroutine_or_an_iterable_that_was_not_read_is_an_error() -> None:
    async def exit_later() -> None: ...

    with pytest.raises(TypeError, match="worker_exit"), Threads(1, worker_exit=lambda: exit_later()) as threads:
        threads.submit(abs, 1).result(SECONDS)


def test_what_cannot_be_called_or_sent_is_refused_at_once(kind: Kind) -> None:
    async def exit_later() -> None: ...

    for wrong in (3, exit_later):
        with pytest.raises(TypeError, match=rf"{kind.__name__} 'pool': worker_exit must be a"):
            kind(1, worker_exit=wrong, name="pool")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match=r"Processes 'pool': worker_exit: .*cannot be pickled"):
        Processes(1, worker_exit=threading.Lock().release, name="pool")


# Processes that end in other ways


@pytest.mark.slow
async def test_a_process_that_is_killed_does_not_call_it(real_time: None, tmp_path: Path) -> None:
    path = functions.named_pipe(tmp_path)
    executor = Processes(1, worker_exit=functions.exit_broken, abandon_on_cancel=True)
    async with Network(block := Transformer(functions.begin_and_wait, executor=executor)) as network:
        linked(block)
        await block.send(str(path))
        assert await trio.to_thread.run_sync(path.read_text) == "begun"
        network.cancel()


@pytest.mark.slow
def test_nor_does_one_that_has_died_before() -> None:
    with Processes(1, worker_exit=functions.exit_broken) as executor:
        pid = executor.submit(os.getpid).result(SECONDS)
        with open(os.pidfd_open(pid)) as handle:
            os.kill(pid, signal.SIGKILL)
            assert wait([handle.fileno()], SECONDS)


@pytest.mark.slow
def test_if_a_process_dies_in_it_this_is_an_error() -> None:
    executor = Processes(1, worker_exit=functions.exit_deadly)
    message = r"process \d+ ended \(exit code 7\) while it called worker_exit"
    with pytest.raises(WorkerDied, match=message), executor:
        executor.submit(abs, 1).result(SECONDS)


@pytest.mark.slow
def test_the_wait_for_it_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_child, "EXIT_SECONDS", 0.1)
    executor = Processes(1, worker_exit=functions.exit_never)
    message = r"did not end within 0.1 s, and was killed while it called worker_exit"
    with pytest.raises(WorkerDied, match=message), executor:
        executor.submit(abs, 1).result(SECONDS)


def test_in_a_thread_it_may_leave_in_any_way() -> None:
    def leave() -> NoReturn:
        sys.exit(3)

    with pytest.raises(SystemExit), Threads(1, worker_exit=leave) as threads:
        threads.submit(threading.get_ident).result(SECONDS)
