"""Submitting functions, and what their handles tell."""

import functools
import math
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from penstock.agents import NotRun, Runtime, TaskState
from tests.agents.runtime.gates import LONGEST, Gate

variable: ContextVar[str] = ContextVar("variable", default="outside")


class Pipeline:
    """Has a method."""

    def run(self) -> str:
        return "run"

    def __call__(self) -> str:
        return "called"


def double(number: int, times: int = 2) -> int:
    return number * times


def test_a_function_runs_in_another_thread_with_its_arguments() -> None:
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(double, 4, times=3)
        assert handle.get(LONGEST) == 12
        assert handle.get() == 12
        assert (handle.done(), handle.exception, handle.state) == (True, None, TaskState.COMPLETED)
        assert runtime.submit(threading.current_thread).get() is not threading.current_thread()


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (double, "double"),
        (Pipeline().run, "Pipeline.run"),
        (lambda: None, "<lambda>"),
        (functools.partial(functools.partial(double, 1), 2), "double"),
        (Pipeline(), "Pipeline"),
        (functools.partial(Pipeline()), "Pipeline"),
        (sum, "sum"),
    ],
)
def test_a_task_has_the_name_of_its_function(function: Callable[..., Any], name: str) -> None:
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(function)
        handle.wait()
        assert handle.name == name
        assert handle.task_id == 1
        assert runtime.submit(double, 1, name="mine").name == "mine"
        runtime.get_failed()
        assert repr(runtime.submit(double, 1, name="twice")).startswith("<TaskHandle 'twice', ")


def greet(name: str, on: str = "Monday") -> str:
    return f"{name} on {on}"


class Greeter:
    """Has a method with a parameter of that name."""

    def greet(self, name: str) -> str:
        return name


def test_a_function_with_a_parameter_of_the_name_of_an_option_needs_options() -> None:
    with Runtime(threads=1) as runtime:
        assert runtime.submit(greet, "Ada").get() == "Ada on Monday"
        for function in (greet, Greeter().greet, functools.partial(greet)):
            with pytest.raises(TypeError, match=r"has a parameter 'name' itself; write runtime\.options\(name=…\)"):
                runtime.submit(function, name="Ada")
        with pytest.raises(TypeError, match="has a parameter 'on' itself"):
            runtime.submit(greet, "Ada", on="io")
        assert runtime.submit(greet, "Ada", name="task").name == "task"  # its own is filled already
        options = runtime.options(name="greeting", on="io")
        handle = options.submit(greet, name="Ada", on="Friday")
        assert (handle.get(), handle.name) == ("Ada on Friday", "greeting")
        assert options.submit(sum, [1, 2]).get() == 3
        assert runtime.submit(sum, [1], name="built in").get() == 1


def test_it_sees_the_context_variables_of_its_submitter() -> None:
    with Runtime(threads=1) as runtime:
        token = variable.set("inside")
        handle = runtime.submit(variable.get)
        variable.reset(token)
        assert handle.get() == "inside"
        runtime.submit(variable.set, "elsewhere").get()
        assert runtime.submit(variable.get).get() == "outside"


def test_a_thread_is_set_up_once() -> None:
    local = threading.local()

    def set_up() -> None:
        local.value = getattr(local, "value", 0) + 1

    with Runtime(threads=1, worker_init=set_up) as runtime:
        assert [runtime.submit(lambda: local.value).get() for _ in range(3)] == [1, 1, 1]


async def later() -> int:
    return 1


@pytest.mark.parametrize(
    ("function", "message"),
    [(later, "returned a coroutine, which has not run; a Runtime runs plain"), (3, "needs a function, got 3")],
)
def test_what_it_cannot_run_is_refused(function: Any, message: str) -> None:
    with Runtime(threads=1) as runtime, pytest.raises(TypeError, match=message):
        runtime.submit(function).get()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"threads": 0}, ValueError, r"Runtime 'r': threads must be an int >= 1, got 0"),
        ({"io_threads": 0.5}, ValueError, r"io_threads must be an int >= 1"),
        ({"processes": True}, ValueError, r"processes must be an int >= 1"),
        ({"worker_init": 1}, TypeError, r"worker_init must be a function or None"),
        ({"executors": {"io": object()}}, ValueError, r"there is a pool 'io' already"),
        ({"executors": {"processes": object()}}, ValueError, r"there is a pool 'processes' already"),
        ({"executors": {"gpu": 3}}, TypeError, r"executor 'gpu' must be an executor, got 3"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Runtime(name="r", **options)


def test_there_must_be_such_a_pool() -> None:
    with (
        Runtime(name="r") as runtime,
        pytest.raises(ValueError, match="there is no pool 'gpu'; there are compute,"),
    ):
        runtime.submit(double, 1, on="gpu")


def test_a_get_with_a_time_limit_leaves_the_task_alone() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(gate, 5, name="slow")
        gate.has_begun()
        with pytest.raises(TimeoutError, match=r"task 'slow' has not ended after 0\.001 s; it goes on"):
            handle.get(0.001)
        assert not handle.wait(0.001)
        assert not runtime.wait(handle, 0.0)
        assert not runtime.wait_all(timeout=0.001)
        assert (handle.state, handle.exception, handle.cancel()) == (TaskState.RUNNING, None, False)
        gate.open()
        assert runtime.wait([handle], LONGEST)
        assert handle.get() == 5
        assert not handle.cancel()


def test_a_task_that_has_not_begun_can_be_cancelled() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        first = runtime.submit(gate, 1)
        gate.has_begun()
        others = [runtime.submit(gate, n) for n in range(2, 6)]
        assert others[1].cancel()
        assert others[1].cancel()
        assert others[3].cancel()
        assert others[1].state is TaskState.CANCELLED
        gate.open()
        assert [first.get(), others[0].get(), others[2].get()] == [1, 2, 4]
        for cancelled in (others[1], others[3]):
            with pytest.raises(NotRun, match="task 'Gate' was cancelled before it ran"):
                cancelled.get()
            assert isinstance(cancelled.exception, NotRun)
    assert gate.calls == [1, 2, 4]


def test_many_cancelled_tasks_leave_no_trace_in_the_queue() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        runtime.submit(gate)
        gate.has_begun()
        tasks = [runtime.submit(double, n) for n in range(1_000)]
        assert all(task.cancel() for task in tasks[:-1])
        progress = runtime.get_progress()
        assert (progress.queued, progress.cancelled) == (1, 999)
        assert len(runtime._core.pools["compute"]._queue) < 100
        gate.open()
        assert tasks[-1].get() == 1_998


def test_a_thread_that_cannot_be_set_up_fails_its_tasks() -> None:
    def broken() -> None:
        raise OSError("no device")

    with Runtime(threads=1, worker_init=broken) as runtime:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="worker_init has failed in thread 'penstock compute 0'") as raised:
                runtime.submit(int).get(LONGEST)
            assert isinstance(raised.value.__cause__, OSError)


def test_only_handles_can_be_waited_for_and_only_for_a_number_of_seconds() -> None:
    gate = Gate()
    with Runtime(threads=1, name="r") as runtime:
        task = runtime.submit(gate)
        wrong: Any = [task, 3]
        with pytest.raises(TypeError, match=r"Runtime 'r': wait needs handles, which submit\(\) returns, got 3"):
            runtime.wait(wrong)
        with pytest.raises(TypeError, match=r"Runtime 'r': wait needs handles, which submit\(\) returns, got 3"):
            runtime.wait(wrong[1])
        wait_all = functools.partial(runtime.wait_all, False)
        for seconds in ("1", math.nan):
            timeout: Any = seconds
            for wait in (functools.partial(runtime.wait, task), task.wait, task.get, wait_all):
                with pytest.raises(ValueError, match="timeout must be a number of seconds, or None for no limit, got"):
                    wait(timeout)
        gate.open()
        assert runtime.wait(task, math.inf)
