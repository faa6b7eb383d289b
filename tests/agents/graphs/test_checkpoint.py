"""Checkpoints: a graph that was killed goes on where it was."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from penstock.agents import Checkpoint, CheckpointReport, Ended, Results, Task, TaskGraph, TasksFailed, optional
from penstock.agents.graphs import stored
from penstock.blocks import Processes, Threads

CALLS: list[str] = []
"""The calls of the functions below."""
BROKEN: set[Any] = set()
"""What fails."""


@pytest.fixture(autouse=True)
def _nothing_was_called() -> Iterator[None]:
    CALLS.clear()
    BROKEN.clear()
    yield
    BROKEN.clear()


def double(number: int) -> int:
    CALLS.append(f"double {number}")
    if number in BROKEN:
        raise OSError(number)
    return 2 * number


async def triple(number: int) -> int:
    CALLS.append(f"triple {number}")
    await trio.lowlevel.checkpoint()
    return 3 * number


def total(numbers: list[int]) -> int:
    CALLS.append(f"total {numbers}")
    return sum(numbers)


def times(factor: int, number: int) -> int:
    CALLS.append(f"times {factor} {number}")
    return factor * number


def kind(value: Any) -> str:
    CALLS.append("kind")
    return type(value).__name__


def ended(how: Ended[int]) -> str:
    CALLS.append("ended")
    return repr(how.error)


def lock() -> Any:
    return threading.Lock()


@attrs.define
class Scale:
    """A function with a value in it."""

    factor: int

    def __call__(self, number: int) -> int:
        CALLS.append(f"scale {self.factor}")
        return self.factor * number


@attrs.define
class Point:
    """A result."""

    x: int


def point() -> Point:
    return Point(1)


def calls() -> list[str]:
    """The calls since the last look."""
    found = sorted(CALLS)
    CALLS.clear()
    return found


def run(checkpoint: Checkpoint, executor: Any = None, count: int = 4, **options: Any) -> tuple[Task[int], Results]:
    graph = TaskGraph("g", executor=executor)
    numbers = graph.map(triple, graph.map(double, range(count)))
    result = graph.call(double, graph.reduce(total, numbers, split_every=2))
    return result, graph.run_sync(checkpoint=checkpoint, **options)


@pytest.mark.parametrize("make", [lambda: None, lambda: Threads(2)])
def test_what_was_done_before_a_failure_is_not_done_again(tmp_path: Path, make: Any) -> None:
    checkpoint = Checkpoint(tmp_path / "new" / "folder")
    BROKEN.add(2)
    with pytest.raises(TasksFailed) as failed:
        run(checkpoint, make(), on_error="continue")
    before = calls()
    assert {"double 0", "triple 0", "double 1", "triple 2", "total [0, 6]", "double 3", "triple 6"} <= {*before}
    assert failed.value.results.checkpoint == CheckpointReport(loaded=0, saved=7, redone={})
    BROKEN.clear()
    task, results = run(checkpoint, make())
    assert results[task] == 2 * 6 * (0 + 1 + 2 + 3)
    assert calls() == ["double 2", "double 36", "total [12, 18]", "total [6, 30]", "triple 4"]
    assert results.checkpoint == CheckpointReport(loaded=7, saved=5, redone={})
    task, results = run(checkpoint, make())
    assert (results[task], calls()) == (72, [])
    assert results.checkpoint == CheckpointReport(loaded=12, saved=0, redone={})


def test_a_task_more_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    run(Checkpoint(tmp_path), count=2)
    calls()
    run(Checkpoint(tmp_path), count=3)
    assert calls() == ["double 18", "double 2", "total [6, 12]", "triple 4"]


def test_processes_write_their_results_themselves(tmp_path: Path) -> None:
    for loaded, executor in ((0, Processes(1)), (5, None)):
        graph = TaskGraph(executor=executor)
        task = graph.fan_in(sum, graph.map(abs, range(4)))
        results = graph.run_sync(checkpoint=Checkpoint(tmp_path))
        assert results[task] == 6
        assert results.checkpoint == CheckpointReport(loaded, 5 - loaded, {})


def test_a_lazy_map_goes_on(tmp_path: Path) -> None:
    def go() -> tuple[int, int, Any]:
        graph = TaskGraph()
        reduced = graph.reduce(total, graph.map(double, range(20), lazy=True))
        listed = graph.call(total, graph.map(triple, iter(range(20)), lazy=True))
        task = graph.call(times, reduced, listed)
        results = graph.run_sync(checkpoint=Checkpoint(tmp_path))
        return results[task], len(calls()), results.checkpoint

    assert go() == (190 * 2 * 190 * 3, 46, CheckpointReport(0, 46, {}))
    assert go() == (190 * 2 * 190 * 3, 0, CheckpointReport(46, 0, {}))


def test_another_version_runs_again_and_what_has_other_inputs(tmp_path: Path) -> None:
    run(Checkpoint(tmp_path))
    calls()
    run(Checkpoint(tmp_path, version={"total": 2, "double": 1}))
    assert calls() == ["total [0, 6]", "total [12, 18]", "total [6, 30]"]
    run(Checkpoint(tmp_path, version="other"), count=1)
    assert len(calls()) == 3
    with pytest.raises(ValueError, match="version has 'totl', but no task has this name; near to it: 'total'"):
        run(Checkpoint(tmp_path, version={"totl": 2}))
    with pytest.raises(ValueError, match=r"no task has this name; there are '\w+', '\w+', '\w+'$"):
        run(Checkpoint(tmp_path, version={"xyz": 2}))


def test_values_that_are_bound_to_a_function_count(tmp_path: Path) -> None:
    def go(function: Any) -> list[str]:
        graph = TaskGraph()
        graph.call(function, 5, name="work")
        graph.run_sync(checkpoint=Checkpoint(tmp_path))
        return calls()

    for expected in (1, 0):
        for function in (double, Scale(2), Scale(3), partial(times, 2), partial(times, 3)):
            assert len(go(function)) == expected


def test_equal_tasks_have_results_of_their_own(tmp_path: Path) -> None:
    for expected in (2, 0):
        graph = TaskGraph()
        numbers = graph.map(double, [1, 1])
        results = graph.run_sync(checkpoint=Checkpoint(tmp_path))
        assert (results[numbers], len(calls())) == ([2, 2], expected)


def test_sets_are_found_whatever_their_order_is(tmp_path: Path) -> None:
    words = ["one", "two", "three", "four", "five"]
    for expected in (4, 0):
        words.reverse()
        graph = TaskGraph()
        for value in ({*words}, frozenset(words), [{frozenset(words[:3]), 1}] if expected else [{1, frozenset("x")}]):
            graph.call(kind, value)
        graph.call(kind, words[0][:0] + "x")
        graph.run_sync(checkpoint=Checkpoint(tmp_path))
        assert len(calls()) == (expected or 1)


def test_a_task_that_knows_of_a_failure_is_run_every_time(tmp_path: Path) -> None:
    BROKEN.add(1)
    for _ in range(2):
        graph = TaskGraph()
        graph.call(kind, graph.call(ended, optional(graph.call(double, 1))))
        with pytest.raises(TasksFailed):
            graph.run_sync(on_error="continue", checkpoint=Checkpoint(tmp_path))
        assert calls() == ["double 1", "ended", "kind"]
    BROKEN.clear()
    for _ in range(2):
        graph = TaskGraph()
        graph.call(kind, graph.call(ended, optional(graph.call(double, 1))))
        graph.run_sync(checkpoint=Checkpoint(tmp_path))
    assert calls() == ["double 1", "ended", "kind"]


def one_file(folder: Path) -> Path:
    (file,) = folder.glob("*/*.pickle")
    return file


@pytest.mark.parametrize("function", [double, triple])
@pytest.mark.parametrize("harm", [b"", b"something else", None])
def test_a_damaged_file_is_made_again_and_told(tmp_path: Path, function: Any, harm: bytes | None) -> None:
    def go() -> CheckpointReport | None:
        graph = TaskGraph()
        graph.call(function, 3, name="work")
        return graph.run_sync(checkpoint=Checkpoint(tmp_path)).checkpoint

    go()
    file = one_file(tmp_path)
    data = file.read_bytes()
    file.write_bytes(data[:-1] if harm is None else harm)
    assert go() == CheckpointReport(0, 1, {"work": "its file was damaged"})
    assert one_file(tmp_path).read_bytes() == data
    assert go() == CheckpointReport(1, 0, {})


def test_a_result_whose_class_has_gone_is_made_again_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def go() -> CheckpointReport:
        graph = TaskGraph()
        graph.call(point)
        found = graph.run_sync(checkpoint=Checkpoint(tmp_path)).checkpoint
        assert found is not None
        return found

    go()
    with monkeypatch.context() as patch:
        patch.setattr(f"{__name__}.Point", None)
        with pytest.raises(TasksFailed) as failed:
            go()
    assert "TypeError" in repr(failed.value.exceptions[0])
    file = one_file(tmp_path)
    pickled = b"cnowhere\nThing\n."
    file.write_bytes(stored.HEAD + sha256(pickled).digest() + pickled)
    report = go()
    assert "its file could not be read: ModuleNotFoundError" in report.redone["point"]
    assert go() == CheckpointReport(1, 0, {})


def test_what_cannot_be_pickled_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    graph = TaskGraph()
    graph.call(lambda: 1, name="short")
    with pytest.raises(TypeError, match=r"the function of task 'short' from others.*define it with `def` at the top"):
        graph.run_sync(checkpoint=checkpoint)
    graph = TaskGraph()
    graph.call(lock)
    graph.call(kind, threading.Lock(), name="locked")
    with pytest.raises(TasksFailed) as failed:
        graph.run_sync(on_error="continue", checkpoint=checkpoint)
    result, argument = sorted(map(str, failed.value.exceptions), reverse=True)
    assert "the result of task 'lock' cannot be pickled, so a checkpoint cannot keep it" in result
    assert "let the tasks that need it make files, locks and connections themselves" in result
    assert "the result of <task 'locked'>, because its arguments cannot be pickled" in argument
    assert list(tmp_path.glob("*/*")) == []


def test_a_folder_that_cannot_be_written_is_told_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    graph = TaskGraph()
    task = graph.call(double, 1)
    with pytest.raises(OSError, match="file") as raised:
        graph.run_sync(checkpoint=Checkpoint(tmp_path / "file" / "folder"))
    assert "results cannot be written to this folder; give another one" in raised.value.__notes__[0]
    assert calls() == []
    assert graph.run_sync(checkpoint=Checkpoint(tmp_path / "other"))[task] == 2


def test_a_result_that_cannot_be_written_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    graph = TaskGraph()
    graph.call(double, 1)
    with pytest.raises(TasksFailed) as failed:
        graph.run_sync(checkpoint=Checkpoint(tmp_path))
    assert failed.value.exceptions[0].__notes__ == [
        "while the result of task 'double' was written to the folder of the checkpoint",
        "in <task 'double'> with 1",
    ]
    assert list(tmp_path.glob("*/*")) == []


def test_wrong_checkpoints_are_refused(tmp_path: Path) -> None:
    graph = TaskGraph("g")
    with pytest.raises(TypeError, match="TaskGraph 'g': checkpoint must be a Checkpoint or None, got 'folder'"):
        graph.run_sync(checkpoint="folder")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Checkpoint: folder must be a path, got 3"):
        Checkpoint(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="version must be a text, a number, or a dict of these by name, got 1"):
        Checkpoint("folder", version=1.5)  # type: ignore[arg-type]
    assert repr(Checkpoint(tmp_path)) == f"Checkpoint('{tmp_path}')"
    assert TaskGraph().run_sync().checkpoint is None


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["None", "Threads(2)", "Processes(2)"])
def test_a_program_that_was_killed_goes_on(tmp_path: Path, executor: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(f"""
        import os, signal
        from penstock.agents import Checkpoint, TaskGraph
        from penstock.blocks import Processes, Threads

        PARENT = "penstock-test-parent"

        def double(number):
            with open("log", "a") as log:
                log.write(f"{{number}}\\n")
            if number == 50 and not os.path.exists("killed"):
                open("killed", "w").close()
                os.kill(int(os.environ[PARENT]), signal.SIGKILL)
            return 2 * number

        if __name__ == "__main__":
            os.environ[PARENT] = str(os.getpid())
            graph = TaskGraph(executor={executor})
            total = graph.reduce(sum, graph.map(double, range(100)))
            results = graph.run_sync(checkpoint=Checkpoint("results"))
            print(results[total], results.checkpoint.loaded >= 20, results.checkpoint.redone)
        """)
    )

    def go() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, env=os.environ
        )

    assert go().returncode == -9
    done = go()
    assert (done.stdout, done.returncode) == (f"{2 * sum(range(100))} True {{}}\n", 0), done.stderr
    log = (tmp_path / "log").read_text().split()
    assert {*log} == {*map(str, range(100))}
    assert len(log) < 100 + 70  # those that were out when it was killed are run again


def test_an_empty_folder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Checkpoint: folder is empty; for the working directory, give '\.'"):
        Checkpoint("")
