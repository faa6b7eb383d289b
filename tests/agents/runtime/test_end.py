"""The end of a runtime: nothing is left running, whichever way it comes."""

import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Executor, Future
from textwrap import dedent
from typing import Any

import pytest

from penstock.agents import NotRun, Runtime, TaskHandle, TaskState
from penstock.agents.runtime import alarms, state_lock
from tests.agents.pipelines.recipes import comes_true
from tests.agents.runtime.gates import LONGEST, Gate
from tests.blocks.executors.test_forked import can_fork, in_a_fork


def threads_of_penstock() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("penstock")]


def test_after_the_end_no_thread_is_left_and_nothing_is_accepted() -> None:
    with Runtime(threads=3, io_threads=2, name="r") as runtime:
        for n in range(20):
            runtime.submit(int, n, on="io" if n % 2 else "compute")
    assert not [thread for thread in threads_of_penstock() if "compute" in thread.name or " io " in thread.name]
    with pytest.raises(RuntimeError, match="Runtime 'r': it has ended, so 'int' cannot be submitted"):
        runtime.submit(int)
    runtime.shutdown()
    assert repr(runtime) == "<Runtime 'r', 20 of 20 tasks have ended>"


def test_a_runtime_that_was_not_used_ends() -> None:
    with Runtime():
        pass
    Runtime().shutdown()


def test_shutdown_waits_for_all_tasks() -> None:
    gate = Gate()
    runtime = Runtime(threads=1)
    handles = [runtime.submit(gate, n) for n in range(3)]
    gate.has_begun()
    threading.Timer(0.0, gate.open).start()
    runtime.shutdown()
    assert [handle.get() for handle in handles] == [0, 1, 2]


@pytest.mark.parametrize("options", [{"wait": False}, {"timeout": 0.001}])
def test_shutdown_without_patience_cancels_what_has_not_begun(options: dict[str, Any]) -> None:
    gate = Gate()
    runtime = Runtime(threads=1)
    first, second = runtime.submit(gate, 1), runtime.submit(gate, 2)
    third = runtime.submit(int, second)
    gate.has_begun()
    runtime.shutdown(**options)
    assert (first.state, second.state, third.state) == (TaskState.RUNNING, TaskState.CANCELLED, TaskState.NOT_RUN)
    gate.open()
    assert first.get(LONGEST) == 1
    comes_true(lambda: not [thread for thread in threads_of_penstock() if "compute" in thread.name])


def test_shutdown_raises_what_nobody_has_looked_at() -> None:
    runtime = Runtime(threads=1)
    runtime.submit(int, "x", name="x")
    with pytest.raises(ExceptionGroup, match="1 task has failed: 'x'"):
        runtime.shutdown()
    runtime.shutdown()


def test_a_task_that_submits_after_the_end_is_told() -> None:
    gate = Gate()
    runtime = Runtime(threads=1)

    def late() -> None:
        gate()
        runtime.submit(int)

    handle = runtime.submit(late)
    gate.has_begun()
    runtime.shutdown(wait=False)
    gate.open()
    with pytest.raises(RuntimeError, match="it has ended"):
        handle.get(LONGEST)


def test_a_runtime_to_which_nothing_refers_ends_after_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    before = {*threads_of_penstock()}
    told: list[BaseException | None] = []

    def tell(found: threading.ExceptHookArgs) -> None:
        told.append(found.exc_value)

    monkeypatch.setattr(threading, "excepthook", tell)
    runtime = Runtime(threads=1, name="dropped")
    handle = runtime.submit(gate, 1)
    runtime.submit(int, "x", name="broken")
    gate.has_begun()
    del runtime
    gc.collect()
    gate.open()
    assert handle.get(LONGEST) == 1
    comes_true(lambda: {*threads_of_penstock()} <= before and bool(told))
    assert "1 task has failed: 'broken'" in str(told[0])


def program(text: str, *, signals: int = 0) -> tuple[int, str, str]:
    """Run a program; interrupt it each time it prints a line that says so."""
    running = subprocess.Popen(
        [sys.executable, "-c", dedent(text)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    with running:
        for _ in range(signals):
            assert running.stdout.readline() == "interrupt me\n"
            running.send_signal(signal.SIGINT)
        try:
            out, err = running.communicate(timeout=LONGEST)
        finally:
            running.kill()
    return running.returncode, out, err


def test_a_program_ends_after_the_tasks_of_its_default_runtime() -> None:
    code, out, err = program("""
        import sys, time
        from penstock.agents import runtime

        def work(n):
            time.sleep(0.001)
            sys.stdout.write(f"{n}\\n")
            return 1 // n

        for n in (2, 1, 0):
            runtime.submit(work, n)
    """)
    assert (code, sorted(out.split())) == (0, ["0", "1", "2"])
    assert "1 task has failed: 'work'" in err
    assert "ZeroDivisionError" in err


posix = pytest.mark.skipif(os.name != "posix", reason="the system has no SIGINT for children")


@posix
def test_ctrl_c_leaves_a_get_and_cancels_what_has_not_begun() -> None:
    code, out, err = program(
        """
        import threading
        from penstock.agents import Runtime

        go_on = threading.Event()
        with Runtime(threads=1) as runtime:
            first = runtime.submit(go_on.wait, 30)
            second = runtime.submit(print, "not this")
            try:
                print("interrupt me", flush=True)
                first.get()
            except KeyboardInterrupt:
                threading.Thread(target=lambda: (second.wait(), go_on.set())).start()
                raise
            finally:
                print(first.state.value, flush=True)
        """,
        signals=1,
    )
    assert (code, out) == (-signal.SIGINT, "running\n")
    assert err.rstrip().endswith("KeyboardInterrupt")


@posix
def test_a_second_ctrl_c_leaves_what_runs() -> None:
    code, out, _ = program(
        """
        import threading, time
        from penstock.agents import Runtime
        from penstock.agents.runtime.runtime_core import RuntimeCore

        close = RuntimeCore._close

        def close_slowly(core, is_patient):
            print("interrupt me", flush=True)
            close(core, is_patient)

        RuntimeCore._close = close_slowly
        with Runtime(threads=1) as runtime:
            first = runtime.submit(time.sleep, 1000)
            second = runtime.submit(print, "not this")
            print("interrupt me", flush=True)
            first.get()  # so that the first signal comes here, and not on the way out
        """,
        signals=2,
    )
    assert (code, out) == (-signal.SIGINT, "")


@can_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_runtime_without_tasks() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        running = runtime.submit(gate, 1)
        gate.has_begun()
        queued = runtime.submit(gate, 2)
        waiting = runtime.submit(int, running)

        def work() -> None:
            for task in (running, queued, waiting):
                with pytest.raises(NotRun, match="ends in the process from which this one was forked; submit it"):
                    task.get()
            with pytest.raises(NotRun, match="because task 'Gate', which it needs, ends in the process from which"):
                runtime.submit(int, running).get()
            assert runtime.submit(int, "3").get(LONGEST) == 3
            assert runtime.wait_all(timeout=LONGEST)
            assert runtime.get_progress().queued == 0

        assert in_a_fork(work) == 0
        gate.open()
        assert waiting.get() == 1


def test_a_wait_that_gives_up_as_the_last_task_ends_leaves_nothing() -> None:
    with Runtime(threads=1) as runtime:
        gate = Gate()
        runtime.submit(gate)
        runtime._core.tasks.not_on_drained(gate.open)  # it was called already
        gate.open()
        assert runtime.wait_all(timeout=LONGEST)


def test_an_alarm_that_is_not_due_is_forgotten_at_the_end() -> None:
    clock = alarms.Alarms()
    rang: list[int] = []
    clock.after(1_000, lambda: rang.append(1))
    clock.after(0, lambda: rang.append(2))
    comes_true(lambda: rang == [2])
    clock.end()
    comes_true(lambda: not [thread for thread in threads_of_penstock() if thread.name == "penstock alarms"])
    assert rang == [2]


def test_without_threads_a_submission_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    runtime = Runtime(threads=2)
    monkeypatch.setattr(threading.Thread, "start", cannot)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        runtime.submit(int)
    monkeypatch.undo()
    assert runtime.submit(int, "2").get(LONGEST) == 2
    gate = Gate()
    handle = runtime.submit(gate, 3)
    gate.has_begun()
    monkeypatch.setattr(threading.Thread, "start", cannot)
    queued = [runtime.submit(int, n) for n in range(3)]
    monkeypatch.undo()
    gate.open()
    assert [task.get(LONGEST) for task in (handle, *queued)] == [3, 0, 1, 2]
    runtime.shutdown()


def test_what_a_task_submits_before_it_ends_is_waited_for() -> None:
    with Runtime(threads=1) as runtime:
        runtime.submit(lambda: runtime.submit(lambda: runtime.submit(int, "1", name="last")))
    progress = runtime.get_progress()
    assert (progress.completed, [task.name for task in progress.tasks][-1]) == (3, "last")
    with pytest.raises(NotRun):
        raise NotRun


def test_what_is_done_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    class Never(Executor):
        """Begins no call."""

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            return Future()

    def start(thread: threading.Thread) -> None:
        """Start no thread."""

    monkeypatch.setattr(threading.Thread, "start", start)
    runtime = Runtime(threads=1, executors={"never": Never()})
    tasks: list[TaskHandle[int]] = []
    for on in ("compute", "never"):
        for _ in range(100):
            tasks.append(runtime.submit(int, on=on))
            tasks.append(runtime.submit(int, tasks[-1], on=on))
    monkeypatch.undo()
    runtime._core.begin_anew()
    for task in tasks:
        with pytest.raises(NotRun, match="'int' ends in the process from which this one was forked; submit it again"):
            task.get()
    with pytest.raises(NotRun, match="because task 'int', which it needs, ends in the process from which"):
        runtime.submit(int, tasks[0]).get()
    progress = runtime.get_progress()
    assert (progress.total, progress.queued, progress.running, progress.waiting) == (1, 0, 0, 0)
    assert runtime.submit(int, "3").get(LONGEST) == 3
    runtime.shutdown()
    state_lock.lock.acquire()  # as a thread that does not exist in the child
    state_lock.free_after_fork.begin_anew()
    state_lock.free_after_fork.begin_anew()
    assert not state_lock.lock.locked()
