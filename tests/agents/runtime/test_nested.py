"""Tasks that wait for tasks: with any number of threads they never hang, and a circle is told."""

import threading
from typing import Any

import pytest

from penstock.agents import NotRun, Runtime, TaskHandle, TaskState
from penstock.blocks import Stalled, Threads
from tests.agents.pipelines.recipes import comes_true
from tests.agents.runtime.gates import LONGEST, Gate


def sum_and_1(one: int, other: int) -> int:
    return one + other + 1


SIZES = pytest.mark.parametrize("threads", [1, 2, 8])


def fib(runtime: Runtime, n: int) -> int:
    if n < 2:
        return n
    first, second = runtime.submit(fib, runtime, n - 1), runtime.submit(fib, runtime, n - 2)
    return first.get() + second.get()


@SIZES
def test_a_tree_of_waits_ends(threads: int) -> None:
    with Runtime(threads=threads) as runtime:
        assert runtime.submit(fib, runtime, 12).get(LONGEST) == 144
        assert not runtime.get_progress().queued


@SIZES
def test_a_task_may_wait_for_one_whose_inputs_have_not_begun(threads: int) -> None:
    with Runtime(threads=threads) as runtime:

        def outer() -> int:
            handle = runtime.submit(int, "0")
            for _ in range(50):
                handle = runtime.submit(sum_and_1, handle, handle)
            return handle.get()

        assert runtime.submit(outer).get(LONGEST) == 2**50 - 1


@SIZES
def test_a_depth_of_a_thousand_tasks_ends(threads: int) -> None:
    with Runtime(threads=threads) as runtime:

        def down(n: int) -> int:
            return 0 if not n else 1 + runtime.submit(down, n - 1).get()

        assert runtime.submit(down, 1_000).get(LONGEST) == 1_000


def test_only_the_task_that_is_awaited_runs_on_the_spot() -> None:
    ran: list[str] = []
    with Runtime(threads=1) as runtime:

        def outer() -> None:
            runtime.submit(ran.append, "other")
            wanted = runtime.submit(ran.append, "wanted")
            here = runtime.submit(threading.current_thread)
            assert wanted.wait()
            assert ran == ["wanted"]
            assert here.get() is threading.current_thread()
            assert here.wait()

        runtime.submit(outer).get(LONGEST)
    assert ran == ["wanted", "other"]


def test_another_worker_runs_while_a_task_waits_for_one_elsewhere() -> None:
    gate = Gate()
    with Runtime(threads=2) as runtime:
        slow = runtime.submit(gate, 1)
        gate.has_begun()
        begun = threading.Event()

        def outer() -> int:
            begun.set()
            number: int = slow.get()
            return number

        waiting = runtime.submit(outer)
        assert begun.wait(LONGEST)
        assert runtime.submit(int, "7").get(LONGEST) == 7
        gate.open()
        assert waiting.get() == 1
        assert runtime.submit(int, "8").get() == 8
        runtime.submit(int).get()
        assert len(runtime.get_progress().workers) <= 3


def test_a_wait_with_a_time_limit_keeps_it() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:

        def outer() -> tuple[bool, int]:
            inner = runtime.submit(gate, 3)
            ended = inner.wait(0.001)
            gate.open()
            return ended, inner.get(LONGEST)

        assert runtime.submit(outer).get(LONGEST) == (False, 3)


def test_a_task_may_wait_for_a_task_on_another_pool() -> None:
    with Runtime(threads=1, io_threads=1) as runtime:

        def outer(n: int) -> int:
            return 0 if not n else 1 + runtime.submit(outer, n - 1, on="io" if n % 2 else "compute").get()

        assert runtime.submit(outer, 20).get(LONGEST) == 20


def test_a_task_may_wait_for_a_task_of_another_runtime() -> None:
    with Runtime(threads=1) as one, Runtime(threads=1) as other:
        assert one.submit(lambda: other.submit(lambda: one.submit(int, "3").get()).get()).get(LONGEST) == 3


def test_a_task_may_have_a_runtime_of_its_own() -> None:
    def inner() -> int:
        with Runtime(threads=1) as runtime:
            runtime.submit(int)
            return runtime.submit(int, "4").get()

    with Runtime(threads=1) as runtime:
        assert runtime.submit(inner).get(LONGEST) == 4


def test_a_task_that_waits_for_itself_is_told() -> None:
    with Runtime(threads=1) as runtime:
        mine: list[TaskHandle[Any]] = []
        ready = threading.Event()

        def wait() -> None:
            assert ready.wait(LONGEST)
            mine[0].get()

        mine.append(runtime.submit(wait, name="narcissus"))
        ready.set()
        with pytest.raises(Stalled, match="task 'narcissus', number 1, waits for task 'narcissus', number 1"):
            mine[0].get(LONGEST)


@SIZES
def test_a_circle_of_waits_is_told(threads: int) -> None:
    with Runtime(threads=threads) as runtime:
        handles: dict[str, TaskHandle[Any]] = {}
        ready = threading.Event()

        def wait_for(name: str) -> None:
            assert ready.wait(LONGEST)
            handles[name].get()

        handles["a"] = runtime.submit(wait_for, "b", name="a")
        handles["b"] = runtime.submit(wait_for, "c", name="b")
        handles["c"] = runtime.submit(wait_for, "a", name="c")
        ready.set()
        assert runtime.wait(handles.values(), LONGEST)
        errors = [handle.exception for handle in handles.values()]
        assert all(isinstance(error, Stalled) for error in errors)
        report = str(errors[0])
        for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
            numbers = {"a": 1, "b": 2, "c": 3}
            assert f"task '{one}', number {numbers[one]}, waits for task '{other}', number {numbers[other]}" in report


def test_a_wait_for_a_task_with_many_ways_to_its_inputs_looks_at_each_once() -> None:
    gate = Gate()
    with Runtime(threads=1, io_threads=1) as runtime:
        handle = runtime.submit(gate, 1, on="io")
        gate.has_begun()
        for _ in range(200):  # 2 to the power of 200 ways
            handle = runtime.submit(max, handle, handle)
        twice = runtime.submit(max, handle, runtime.submit(max, handle, handle))
        waiting = runtime.submit(twice.get)
        comes_true(lambda: bool(runtime.get_progress().running == 2))
        gate.open()
        assert waiting.get(LONGEST) == 1


def test_a_circle_through_an_input_is_told() -> None:
    with Runtime(threads=1) as runtime:
        ready = threading.Event()
        handles: list[TaskHandle[Any]] = []

        def wait() -> int:
            assert ready.wait(LONGEST)
            number: int = handles[0].get()
            return number

        first = runtime.submit(wait, name="first")
        handles.append(runtime.submit(int, first, name="second"))
        ready.set()
        with pytest.raises(Stalled, match="task 'first', number 1, waits for task 'second', number 2"):
            first.get(LONGEST)
        assert handles[0].state is TaskState.NOT_RUN


def test_a_task_may_wait_for_an_executor_of_blocks() -> None:
    with Runtime(threads=1) as runtime, Threads(1) as threads:

        def outer() -> int:
            return threads.submit(lambda: runtime.submit(int, "6").get()).result(LONGEST)

        assert runtime.submit(outer).get(LONGEST) == 6


def test_a_task_cannot_wait_for_all_tasks() -> None:
    with Runtime(threads=1) as runtime:
        with pytest.raises(RuntimeError, match="a task cannot wait for all tasks, because it is one of them"):
            runtime.submit(runtime.wait_all).get(LONGEST)
        with pytest.raises(RuntimeError, match="a task cannot wait for all tasks"):
            runtime.submit(runtime.shutdown).get(LONGEST)


def test_a_set_up_may_use_the_runtime() -> None:
    found: list[int] = []

    def set_up() -> None:
        if not found:
            found.append(0)
            found.append(runtime.submit(int, "5").get())

    with Runtime(threads=1, worker_init=set_up) as runtime:
        assert runtime.submit(int, "6").get(LONGEST) == 6
    assert found == [0, 5]


def test_a_task_that_runs_for_one_that_is_cancelled_meanwhile_cannot_wait_for_its_host() -> None:
    with Runtime(threads=1) as runtime:
        handles: dict[str, TaskHandle[Any]] = {}
        begun, cancelled = threading.Event(), threading.Event()

        def needed() -> None:
            begun.set()
            assert cancelled.wait(LONGEST)
            handles["host"].get()

        def host() -> None:
            handles["needed"] = runtime.submit(needed, name="needed")
            handles["wanted"] = runtime.submit(id, handles["needed"], name="wanted")
            handles["wanted"].get()

        handles["host"] = runtime.submit(host, name="host")
        assert begun.wait(LONGEST)
        assert handles["wanted"].cancel()
        cancelled.set()
        with pytest.raises(NotRun, match="'wanted' was cancelled"):
            handles["host"].get(LONGEST)
        assert isinstance(handles["needed"].exception, Stalled)
