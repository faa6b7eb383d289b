"""How far a runtime is: every field."""

import io
import sys
import threading

import attrs
import pytest

from penstock.agents import Progress, Runtime, TaskState
from penstock.agents.runtime import report_progress
from penstock.agents.runtime.progress import TaskProgress, WorkerProgress
from penstock.blocks import Retry
from penstock.blocks.reports.progress_display import Lines
from penstock.blocks.reports.progress_view import View
from tests.agents.pipelines.recipes import comes_true
from tests.agents.runtime.gates import LONGEST, Gate


def test_every_field_moves() -> None:
    gate, other = Gate(), Gate()
    with Runtime(threads=1, io_threads=1) as runtime:
        assert runtime.get_progress() == Progress(0, 0, 0, 0, 0, 0, 0, 0, (), (), ())

        def half(value: int) -> int:
            report_progress(1, of=4)
            gate(value)
            report_progress(7, of=4)
            other(value)
            return value

        first = runtime.submit(half, 1, name="half")
        gate.has_begun()
        runtime.submit(int, "x", name="broken")
        cancelled = runtime.submit(int, name="cancelled")
        cancelled.cancel()
        runtime.submit(int, first, name="user")
        runtime.submit(int, cancelled, name="not run")
        found = runtime.get_progress()
        assert (found.total, found.completed, found.running, found.queued) == (5, 0, 1, 1)
        assert (found.failed, found.waiting, found.cancelled, found.not_run) == (0, 1, 1, 1)
        assert found.workers == (WorkerProgress(0, False, "half", 1, "compute"),)
        running = found.tasks[-1]
        assert (running.task_id, running.name, running.state, running.progress_pct) == (
            1,
            "half",
            TaskState.RUNNING,
            25,
        )
        assert running.execution_duration_ms > 0
        assert running.queued_duration_ms >= 0
        assert [(task.name, task.state) for task in found.tasks[:-1]] == [
            ("cancelled", TaskState.CANCELLED),
            ("not run", TaskState.NOT_RUN),
        ]
        gate.open()
        other.has_begun()
        assert runtime.get_progress().tasks[-1].progress_pct == 100
        other.open()
        runtime.wait_all()
        found = runtime.get_progress()
        assert (found.completed, found.failed, found.running, found.queued) == (2, 1, 0, 0)
        assert found.errors == ("broken: ValueError: \"invalid literal for int() with base 10: 'x'\"",)
        comes_true(lambda: runtime.get_progress().workers == (WorkerProgress(0, True, "", 0, "compute"),))
        assert [task.progress_pct for task in found.tasks] == [100, 0, 0, 100, 0]
        runtime.clear_failed()
        assert (runtime.get_progress().errors, runtime.get_progress().failed) == ((), 1)


def test_a_task_that_has_just_ended_is_listed_once() -> None:
    found: list[Progress] = []

    def look(*_: object) -> None:
        found.append(runtime.get_progress())

    with Runtime(threads=1) as runtime:
        runtime.set_error_callback(look)  # its worker calls it
        runtime.submit(int, "x").wait()
        runtime.clear_failed()
    assert [task.state for task in found[0].tasks] == [TaskState.FAILED]


def test_it_is_also_a_dict() -> None:
    with Runtime(threads=1) as runtime:
        runtime.submit(int, name="one").get()
        found = runtime.get_progress().as_dict()
    assert {"total", "completed", "running", "queued", "failed", "workers", "tasks", "errors"} <= {*found}
    (task,) = found["tasks"]
    assert {*task} == {field.name for field in attrs.fields(TaskProgress)}
    assert (task["name"], task["state"], task["progress_pct"]) == ("one", "completed", 100.0)
    assert {*found["workers"][0]} == {"id", "idle", "task", "queue_depth", "pool"}


def test_the_list_of_tasks_is_bounded() -> None:
    with Runtime(threads=2) as runtime:
        for _ in range(3_000):
            runtime.submit(int)
        runtime.wait_all()
        found = runtime.get_progress()
    assert found.total == 3_000
    assert [task.task_id for task in found.tasks] == sorted(task.task_id for task in found.tasks)
    assert len(found.tasks) == 1_000


def test_what_waits_for_its_next_try_is_counted() -> None:
    with Runtime(threads=1) as runtime:
        handle = runtime.options(on_error=Retry(1, backoff=1_000)).submit(int, "x")
        comes_true(lambda: runtime.get_progress().waiting == 1)
        assert runtime.get_progress().running == 0
        assert handle.cancel()


@pytest.mark.parametrize(("done", "of"), [(-1, 1), (1, 0), (float("nan"), 1), ("x", 1)])
def test_a_wrong_report_is_refused(done: float, of: float) -> None:
    with pytest.raises(ValueError, match="report_progress: "):
        report_progress(done, of)


def test_a_report_outside_of_a_task_does_nothing() -> None:
    report_progress(1, of=2)
    with Runtime(threads=1, worker_init=lambda: report_progress(1)) as runtime:
        assert runtime.submit(int).get() == 0


def test_it_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr("penstock.agents.runtime.display.EVERY", 0.001)
    gate = Gate()
    drawn = threading.Event()
    draw = Lines.draw

    def draw_and_tell(lines: Lines, view: View) -> None:
        draw(lines, view)
        drawn.set()

    monkeypatch.setattr(Lines, "draw", draw_and_tell)
    with Runtime(threads=1, io_threads=1, progress=True, name="shown") as runtime:
        first = runtime.submit(gate, 1)
        runtime.submit(int, on="io").get()
        assert drawn.wait(LONGEST)
        gate.open()
        assert first.get() == 1
    assert shown.getvalue().splitlines()[-1].startswith("shown, done after ")
    assert "compute 1 of 1, io 1 of 1" in shown.getvalue()


def test_without_a_terminal_the_tasks_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(lines: Lines, view: object) -> None:
        raise OSError("the terminal has gone")

    monkeypatch.setattr(Lines, "begin", broken)
    with Runtime(threads=1, progress=True) as runtime:
        assert runtime.submit(int, "3").get() == 3


class Unspeakable(Exception):
    """Has no message."""

    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_exception_whose_str_raises_hides_no_progress() -> None:
    def fail() -> None:
        raise Unspeakable

    with Runtime(threads=1) as runtime:
        runtime.submit(fail, name="bad").wait(LONGEST)
        assert runtime.get_progress().errors == ("bad: Unspeakable, whose str raised ZeroDivisionError",)
        runtime.clear_failed()
