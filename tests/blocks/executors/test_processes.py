"""Processes as the executor of blocks, as an ordinary executor, and as a guest of the system that leaves nothing."""

import math
import operator
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio

from penstock.blocks import Activity, Network, Processes, Recording, Transformer, TransformMany, WorkerDied
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.process_functions import SECONDS
from tests.blocks.tools import contents, faults, linked, run


@pytest.fixture(autouse=True, scope="module")
def _importable() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])
        yield


@pytest.fixture(scope="module")
def two() -> Iterator[Processes]:
    """Two processes that many tests share; they run already."""
    with Processes(2, name="two") as processes:
        for future in [processes.submit(os.getpid), processes.submit(os.getpid)]:
            future.result(SECONDS)
        yield processes


# With blocks


async def test_a_transformer_has_its_results_in_order(two: Processes, real_time: None) -> None:
    double: Transformer[int, int] = Transformer(operator.neg, executor=two, concurrency=2)
    results = linked(double)
    await run(double, range(2000))
    assert contents(results) == [-n for n in range(2000)]


async def test_arrays_go_through(two: Processes, real_time: None) -> None:
    double: Transformer[Any, Any] = Transformer(functions.double_in_place, executor=two, concurrency=2)
    results = linked(double)
    await run(double, [np.full(100_000, n) for n in range(50)])
    assert [array[-1] for array in contents(results)] == [2 * n for n in range(50)]


async def test_a_transform_many_reads_its_outputs_there(two: Processes, real_time: None) -> None:
    count: TransformMany[int, int] = TransformMany(functions.up_to, executor=two)
    results = linked(count)
    await run(count, [2, 0, 3])
    assert contents(results) == [0, 1, 0, 1, 2]


async def test_a_recording_tells_the_processes_apart(two: Processes, real_time: None) -> None:
    first = Transformer(functions.double_in_place, executor=two, concurrency=2, name="double")
    second = TransformMany(functions.halves, executor=two, time_limit=60, name="halves")
    first.link_target(second)
    collector = linked(second)
    recording = Recording()
    await run(first, [np.full(100_000, n) for n in range(6)], recording=recording)
    assert [int(half[0]) for half in contents(collector)] == [2 * n for n in range(6) for _ in range(2)]
    for stage, workers in (("double", {"double 1", "double 2"}), ("halves", {"halves"})):
        spans = [span for span in recording.spans if span.stage == stage and span.activity is Activity.WORK]
        assert sorted(span.item for span in spans) == [1, 2, 3, 4, 5, 6]
        assert {span.worker for span in spans} <= workers
        assert all(0 <= span.start < span.end <= recording.seconds for span in spans)


async def test_one_item_that_kills_its_process_is_one_item_that_fails(real_time: None) -> None:
    block: Transformer[int, int] = Transformer(
        functions.die_by_signal, executor=Processes(2), concurrency=2, on_error="skip"
    )
    results = linked(block)
    items = [*range(1, 300), -1, *range(300, 600)]
    network = await run(block, items)
    assert contents(results) == list(range(1, 600))
    assert network.balance()[block.name].dropped == {"skipped": 1}


async def test_or_a_fault(real_time: None) -> None:
    with faults(WorkerDied) as found:
        block: Transformer[int, int] = Transformer(functions.die_by_signal, executor=Processes(1), name="deadly")
        await run(block, [-1])
    assert "transformer 'deadly': worker process" in str(found[0])


async def test_what_worker_init_raises_is_a_fault(real_time: None) -> None:
    executor = Processes(1, worker_init=functions.broken_init)
    block: Transformer[int, int] = Transformer(operator.neg, executor=executor, on_error="skip")
    with faults(KeyError):
        await run(block, [1])


async def test_the_workers_have_their_state(real_time: None) -> None:
    block: Transformer[int, Any] = Transformer(functions.state, executor=Processes(1, worker_init=functions.model))
    results = linked(block)
    await run(block, [0])
    assert contents(results) == ["model"]


async def test_processes_of_a_network_that_is_stopped_can_be_killed(real_time: None, tmp_path: Path) -> None:
    path = tmp_path / "begun"
    os.mkfifo(path)
    executor = Processes(1, abandon_on_cancel=True)
    with trio.CancelScope() as scope:
        async with Network(block := Transformer(functions.begin_and_wait, executor=executor)):
            await block.send(str(path))
            await trio.to_thread.run_sync(open_and_read, path)
            scope.cancel()
    assert scope.cancelled_caught


def open_and_read(path: Path) -> None:
    """Wait until a call in a process has begun."""
    with path.open() as file:
        assert file.read(5) == "begun"


@pytest.mark.parametrize("kind", [Transformer, TransformMany])
def test_a_function_that_cannot_be_pickled_is_refused_at_once(
    two: Processes, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)

    def odd(item: int) -> int:
        return item

    with pytest.raises(TypeError, match=r"'odd'.*<locals>.*cannot be pickled.*top level of a module.*or use Threads"):
        kind(odd, executor=two, name="odd")


def test_and_so_is_a_worker_init(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(TypeError, match=r"Processes 'odd': worker_init: .*cannot be pickled"):
        Processes(1, worker_init=lambda: None, name="odd")


# As an ordinary executor


def test_it_is_an_executor(two: Processes) -> None:
    assert two.submit(math.hypot, 3, 4).result(SECONDS) == 5
    assert list(two.map(pow, range(20), range(20), timeout=SECONDS)) == [n**n for n in range(20)]
    assert isinstance(two.submit(math.sqrt, -1).exception(SECONDS), ValueError)
    assert isinstance(two.submit(lambda: None).exception(SECONDS), Exception)


def test_it_says_what_it_is() -> None:
    assert repr(Processes(3, name="cpu")) == "<Processes 'cpu', 0 of 3 workers>"
    with pytest.raises(ValueError, match="Processes 'cpu': workers must be an int >= 1, got 0"):
        Processes(0, name="cpu")


def test_the_processes_are_others_than_this_one(two: Processes) -> None:
    assert two.submit(os.getpid).result(SECONDS) != os.getpid()


# As a guest of the system

HEAD = """
import math, os, sys, time, threading
from penstock.blocks import Processes

def work(path):
    with open(path, "w") as file:
        file.write("begun")
    threading.Event().wait()

def double(x):
    print("worker prints", flush=True)
    return 2 * x
"""


def program(tmp_path: Path, text: str, *args: str) -> subprocess.Popen[str]:
    """Start a script in a session of its own."""
    script = tmp_path / "script.py"
    script.write_text(HEAD + text)
    return subprocess.Popen(
        [sys.executable, str(script), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_functions_of_a_script_can_be_used_and_print(tmp_path: Path) -> None:
    process = program(tmp_path, "if __name__ == '__main__':\n    print(Processes(1).submit(double, 4).result())")
    assert process.communicate(timeout=SECONDS) == ("worker prints\n8\n", "")


def test_a_script_that_does_not_guard_its_start_is_told_so(tmp_path: Path) -> None:
    process = program(tmp_path, "Processes(1).submit(double, 4).result()")
    out, error = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert out == ""
    assert error.count("WorkerDied: Processes 'Processes-1': a worker process ended before it was ready") == 1


WAITS = """
if __name__ == "__main__":
    processes = Processes(2)
    futures = [processes.submit(work, path) for path in sys.argv[1:]]
    futures[0].result()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_the_program_ends_however_the_processes_do_and_say_nothing(tmp_path: Path, number: int) -> None:
    """The processes have the program's stdout and stderr: these end when the last of them has ended."""
    paths = [tmp_path / name for name in ("first", "second")]
    for path in paths:
        os.mkfifo(path)
    process = program(tmp_path, WAITS, *map(str, paths))
    for path in paths:
        open_and_read(path)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as Ctrl-C does
    else:
        process.send_signal(number)
    out, error = process.communicate(timeout=SECONDS)
    assert out == ""
    assert error.count("Traceback") == error.count("KeyboardInterrupt") == (number == signal.SIGINT)
    assert process.returncode == -number


def test_a_program_can_end_while_processes_work(tmp_path: Path) -> None:
    path = tmp_path / "begun"
    os.mkfifo(path)
    text = """
if __name__ == "__main__":
    Processes(1).submit(work, sys.argv[1])
    open(sys.argv[1]).read(5)
"""
    process = program(tmp_path, text, str(path))
    assert process.communicate(timeout=SECONDS) == ("", "")
    assert process.returncode == 0
