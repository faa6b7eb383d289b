"""Failures: each is seen by the program, or raised at the end."""

import gc
import logging
import threading
import weakref
from typing import Any

import pytest

from penstock.agents import Runtime, TaskHandle, TaskState
from penstock.agents.runtime.alarms import Alarms
from penstock.blocks import Fail, Retry, Skip, TimeLimitExceeded
from tests.agents.pipelines.recipes import comes_true
from tests.agents.runtime.gates import LONGEST, Gate


def fail(number: int = 0) -> None:
    raise ValueError(number)


def test_what_nobody_has_looked_at_is_raised_at_the_end() -> None:
    def main() -> None:
        with Runtime(threads=1) as runtime:
            runtime.submit(fail, 1, name="first")
            runtime.submit(int)
            runtime.submit(fail, 3, name="third")

    with pytest.raises(ExceptionGroup, match=r"2 tasks have failed: 'first', 'third'") as raised:
        main()
    assert [(type(error), error.args) for error in raised.value.exceptions] == [(ValueError, (1,)), (ValueError, (3,))]
    assert raised.value.exceptions[0].__notes__ == ["in task 'first', number 1"]


@pytest.mark.parametrize("look", ["get", "exception", "failed", "clear", "wait_all"])
def test_a_failure_that_was_looked_at_is_not_raised_again(look: str) -> None:
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(fail, 1, name="f")
        handle.wait()
        if look == "get":
            for _ in range(2):
                with pytest.raises(ValueError, match="1"):
                    handle.get()
        elif look == "exception":
            assert isinstance(handle.exception, ValueError)
        elif look == "failed":
            assert runtime.get_failed() == [handle]
            assert runtime.get_failed() == [handle]
        elif look == "clear":
            runtime.clear_failed()
            assert runtime.get_failed() == []
        else:
            for _ in range(2):
                with pytest.raises(ExceptionGroup, match="1 task has failed: 'f'"):
                    runtime.wait_all(raise_on_error=True)
    assert handle.state is TaskState.FAILED


def test_without_a_failure_nothing_is_raised() -> None:
    with Runtime(threads=1) as runtime:
        runtime.submit(int)
        assert runtime.wait_all(raise_on_error=True)
        assert runtime.get_failed() == []


def test_the_exception_of_the_body_comes_out_and_tells_of_the_others() -> None:
    gate = Gate()
    handles: list[TaskHandle[Any]] = []

    def main() -> None:
        with Runtime(threads=1, name="r") as runtime:
            runtime.submit(fail, name="broken").wait()
            handles.append(runtime.submit(gate, 1))
            gate.has_begun()
            handles.append(runtime.submit(gate, 2))
            threading.Thread(target=lambda: gate.open() if handles[1].wait() else None).start()
            raise KeyError("body")

    with pytest.raises(KeyError, match="body") as raised:
        main()
    assert raised.value.__notes__ == ["Runtime 'r': 1 task has failed: 'broken'"]
    assert [handle.state for handle in handles] == [TaskState.COMPLETED, TaskState.CANCELLED]
    assert gate.calls == [1]


def test_a_failure_that_is_the_exception_of_the_body_is_told_once() -> None:
    with pytest.raises(ValueError, match="5") as raised, Runtime(threads=1) as runtime:
        raise runtime.submit(fail, 5, name="f").exception or AssertionError
    assert raised.value.__notes__ == ["in task 'f', number 1"]


def test_the_first_thousand_are_kept_and_the_others_counted() -> None:
    def main() -> None:
        with Runtime(threads=2) as runtime:
            handles = [runtime.options(name="f").submit(fail, n) for n in range(2_000)]
            runtime.wait_all()
            assert runtime.get_progress().failed == 2_000
            assert len(runtime.get_progress().errors) == 1_000
            kept = runtime._core.tasks.kept
            unkept = next(handle for handle in reversed(handles) if handle not in kept)
            assert isinstance(unkept.exception, ValueError)
            assert isinstance(unkept.exception, ValueError)

    with pytest.raises(ExceptionGroup, match=r"1999 tasks have failed: 'f', .* and 1989 more") as raised:
        main()
    assert len(raised.value.exceptions) == 1_000


def test_even_if_none_of_them_is_kept_they_are_told() -> None:
    def main() -> None:
        with Runtime(threads=1) as runtime:
            for _ in range(1_001):
                runtime.submit(fail)
            runtime.wait_all()
            runtime.get_failed()

    with pytest.raises(ExceptionGroup, match="1 task has failed") as raised:
        main()
    assert str(raised.value.exceptions[0]) == "the exceptions of these tasks were not kept"


def test_what_has_failed_keeps_no_arguments_alive() -> None:
    class Big:
        """An argument."""

    found: list[weakref.ref[Big]] = []

    def use(big: Big) -> None:
        found.append(weakref.ref(big))
        fail()

    with Runtime(threads=1) as runtime:
        handle = runtime.submit(use, Big())
        handle.wait()
        runtime.submit(int).get()
        error = handle.exception
        assert error is not None
        error.__traceback__ = None  # the frame of the user's function
        del error
        gc.disable()
        try:
            assert found[0]() is None
        finally:
            gc.enable()


def test_the_callback_is_told_in_the_thread_of_the_task(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, BaseException, threading.Thread]] = []

    def note(handle: TaskHandle[Any], error: BaseException) -> None:
        told.append((handle.name, error, threading.current_thread()))
        assert handle.done()
        raise RuntimeError("broken callback")

    with Runtime(threads=1) as runtime, caplog.at_level(logging.ERROR, logger="penstock"):
        runtime.set_error_callback(note)
        handle = runtime.submit(fail, name="f")
        thread = runtime.submit(threading.current_thread).get()
        assert told == [("f", handle.exception, thread)]
        assert "the error callback has raised: RuntimeError('broken callback')" in caplog.text
        runtime.set_error_callback(None)
        runtime.submit(fail, 2)
        runtime.wait_all()
        assert len(told) == 1
        assert len(runtime.get_failed()) == 2
        with pytest.raises(TypeError, match="callback must be a function or None"):
            runtime.set_error_callback(3)  # type: ignore[arg-type]


class Flaky:
    """Fails some times."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times = times
        self.calls = 0
        self.error = error

    def __call__(self, value: int = 1) -> int:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return value


@pytest.mark.parametrize("backoff", [0.0, 0.001])
def test_a_task_is_tried_again(backoff: float) -> None:
    flaky = Flaky(3, ValueError("again"))
    with Runtime(threads=1) as runtime:
        options = runtime.options(on_error=Retry(3, backoff=backoff), name="flaky")
        assert options.submit(flaky, runtime.submit(int, "4")).get(LONGEST) == 4
        assert flaky.calls == 4
        flaky = Flaky(4, ValueError("again"))
        with pytest.raises(ValueError, match="again"):
            options.submit(flaky).get(LONGEST)
        assert flaky.calls == 4
        other = Flaky(1, KeyError("other"))
        with pytest.raises(KeyError):
            runtime.options(on_error=Retry(3, on=ValueError)).submit(other).get(LONGEST)


def test_between_two_tries_no_worker_waits_and_the_task_can_be_cancelled() -> None:
    flaky = Flaky(1, ValueError("again"))
    with Runtime(threads=1) as runtime:
        handle = runtime.options(on_error=Retry(1, backoff=1_000)).submit(flaky)
        comes_true(lambda: flaky.calls == 1 and handle.state is TaskState.WAITING)
        assert runtime.submit(int, "3").get() == 3
        assert runtime.get_progress().waiting == 1
        assert handle.cancel()
        runtime._core.tasks._try_now(handle)  # type: ignore[arg-type]  # the alarm comes too late
    assert (flaky.calls, handle.state) == (1, TaskState.CANCELLED)


def test_a_next_try_waits_for_a_worker() -> None:
    gate, flaky = Gate(), Flaky(1, ValueError("again"))
    with Runtime(threads=1) as runtime:
        runtime.submit(gate)
        gate.has_begun()
        other: Any = runtime.options(on_error=Retry(1, backoff=1_000), on="io").submit(flaky)
        comes_true(lambda: other.state is TaskState.WAITING)
        other.pool = runtime._core.pool("compute")
        runtime._core.tasks._try_now(other)
        assert other.state is TaskState.QUEUED
        gate.open()
        assert other.get(LONGEST) == 1


def test_a_broken_policy_is_told() -> None:
    def broken(error: Exception) -> bool:
        raise KeyError("broken policy")

    with Runtime(threads=1) as runtime:
        handle = runtime.options(on_error=Retry(1, on=broken)).submit(fail, 3)
        with pytest.raises(KeyError, match="broken policy") as raised:
            handle.get(LONGEST)
        assert isinstance(raised.value.__context__, ValueError)


@pytest.mark.parametrize("policy", [None, "fail", Fail()])
def test_by_default_it_is_not_tried_again(policy: Any) -> None:
    flaky = Flaky(1, ValueError("no"))
    with Runtime(threads=1) as runtime, pytest.raises(ValueError, match="no"):
        runtime.options(on_error=policy).submit(flaky).get(LONGEST)
    assert flaky.calls == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"on_error": Skip()}, TypeError, r"on_error must be Retry or None, because a task has no item to drop"),
        ({"on_error": "skip"}, TypeError, r"on_error must be Retry or None"),
        ({"on_error": Retry(1, then=Skip())}, TypeError, r"a Retry of a task can only end in a failure, got then=Skip"),
        ({"time_limit": 0}, ValueError, r"Runtime.options: time_limit must be a number > 0, got 0"),
        ({"on": "gpu"}, ValueError, r"there is no pool 'gpu'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with Runtime() as runtime, pytest.raises(error, match=message):
        runtime.options(**options)


def test_what_takes_too_long_has_failed_and_its_late_result_is_discarded() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        handle = runtime.options(time_limit=0.001, name="slow").submit(gate, 1)
        user = runtime.submit(int, handle)
        with pytest.raises(TimeLimitExceeded, match=r"task 'slow' was not done within its time limit of 0\.001 s"):
            handle.get(LONGEST)
        assert user.wait(LONGEST)
        assert user.state is TaskState.NOT_RUN
        gate.open()
        assert runtime.options(time_limit=LONGEST).submit(int, "3").get() == 3
        assert handle.state is TaskState.FAILED
        progress = runtime.get_progress()
        assert (progress.completed, progress.failed, progress.not_run, progress.total) == (1, 1, 1, 3)


def test_what_fails_after_its_time_has_failed_once() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        handle = runtime.options(time_limit=0.001).submit(gate, ValueError("late"))
        assert isinstance(handle.wait(LONGEST) and handle.exception, TimeLimitExceeded)
        gate.open()
        runtime.submit(int).get()
        assert runtime.get_progress().failed == 1


def test_what_takes_too_long_is_tried_again() -> None:
    gate = Gate()
    with Runtime(threads=2) as runtime:
        handle = runtime.options(time_limit=0.01, on_error=Retry(1)).submit(gate, 1)
        with pytest.raises(TimeLimitExceeded):
            handle.get(LONGEST)
        assert gate.calls == [1, 1]
        gate.open()


def test_time_limits_of_tasks_that_have_ended_keep_nothing() -> None:
    with Runtime(threads=1) as runtime:
        options = runtime.options(time_limit=1_000)
        for n in range(1_000):
            assert options.submit(int, n).get(LONGEST) == n
        runtime.submit(int).get()
        assert len(runtime._core.tasks.alarms._due) < 200


def test_an_alarm_that_was_cancelled_is_passed_over() -> None:
    clock = Alarms()
    rang: list[int] = []
    first = clock.after(0.1, lambda: rang.append(1))  # a busy machine may take some milliseconds to cancel it
    clock.cancel(first)
    clock.cancel(first)
    clock.after(0.101, lambda: rang.append(2))
    comes_true(lambda: rang == [2])
    clock.end()
