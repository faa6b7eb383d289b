"""Handles as arguments: a task runs when the tasks that it needs have ended."""

from typing import Any

import pytest

from penstock.agents import NotRun, Runtime, TaskState
from tests.agents.runtime.gates import Gate


def add(*numbers: int) -> int:
    return sum(numbers)


def same(value: Any) -> Any:
    return value


def second_of(one: Any, other: Any) -> Any:
    return other


def fail() -> int:
    raise ValueError("no")


def test_a_handle_stands_for_its_result() -> None:
    with Runtime(threads=1) as runtime:
        one, two = runtime.submit(int, "1"), runtime.submit(int, "2")
        assert runtime.submit(add, one, two, 3).get() == 6
        assert runtime.submit(sum, [one, two, 3]).get() == 6
        assert runtime.submit(sum, (one, two)).get() == 3
        assert runtime.submit(dict, a=one, b=2).get() == {"a": 1, "b": 2}
        assert runtime.submit(dict, {"a": one, "b": 2}).get() == {"a": 1, "b": 2}
        assert runtime.submit(add, one, one).get() == 2


def test_what_holds_no_handle_is_handed_on_as_it_is() -> None:
    with Runtime(threads=1) as runtime:
        items = [[runtime.submit(int, "1")]]
        assert runtime.submit(same, items).get() is items
        one = runtime.submit(int, "1")
        assert runtime.submit(second_of, one, items).get() is items


def test_no_worker_waits_for_an_input() -> None:
    gate = Gate()
    with Runtime(threads=2) as runtime:
        slow = runtime.submit(gate, 5)
        gate.has_begun()
        waiting = [runtime.submit(add, slow, n) for n in range(10)]
        assert {task.state for task in waiting} == {TaskState.WAITING}
        assert runtime.submit(add, 1, 2).get() == 3
        assert runtime.get_progress().waiting == 10
        gate.open()
        assert [task.get() for task in waiting] == [5 + n for n in range(10)]
        assert runtime.get_progress().waiting == 0


def test_a_chain_of_ten_thousand_handles_ends() -> None:
    with Runtime(threads=2) as runtime:
        gate = Gate()
        handle = runtime.submit(gate, 0)
        for _ in range(10_000):
            handle = runtime.submit(add, handle, 1)
        gate.open()
        assert handle.get() == 10_000


def test_what_needs_a_task_that_fails_is_not_run() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        error = ValueError("no")
        first = runtime.submit(gate, error, name="first")
        second = runtime.submit(add, first, name="second")
        third = runtime.submit(add, second, 1, name="third")
        gate.open()
        with pytest.raises(NotRun, match="'third' was not run, because task 'first', which it needs, has") as raised:
            third.get()
        assert raised.value.__cause__ is error
        late = runtime.submit(add, second, name="late")
        assert (late.state, third.state, second.state) == (TaskState.NOT_RUN,) * 3
        assert isinstance(late.exception, NotRun)
        assert not late.cancel()
        assert [task.name for task in runtime.get_failed()] == ["first"]
        progress = runtime.get_progress()
        assert (progress.failed, progress.not_run, progress.total) == (1, 3, 4)


def test_what_needs_a_cancelled_task_is_not_run() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        runtime.submit(gate)
        gate.has_begun()
        first = runtime.submit(add, 1, name="first")
        second = runtime.submit(add, first, name="second")
        third = runtime.submit(add, second, name="third")
        assert third.cancel()
        assert first.cancel()
        gate.open()
        with pytest.raises(NotRun, match="because task 'first', which it needs, was cancelled") as raised:
            second.get()
        assert raised.value.__cause__ is None
        assert third.state is TaskState.CANCELLED


def test_a_task_of_another_runtime_can_be_an_input() -> None:
    gate = Gate()
    with Runtime(threads=1) as one, Runtime(threads=1) as other:
        slow = one.submit(gate, 2)
        sums = [other.submit(add, slow, n) for n in (1, 2)]
        gate.open()
        broken = one.submit(fail, name="broken")
        broken.wait()
        not_run = other.submit(add, broken)
        assert [task.get() for task in sums] == [3, 4]
        assert not_run.state is TaskState.NOT_RUN
        assert broken.exception is not None
        assert (one.get_progress().not_run, other.get_progress().not_run) == (0, 1)


def test_results_are_freed_with_the_last_handle() -> None:
    import weakref

    class Big:
        """A result."""

    found: list[weakref.ref[Any]] = []

    def make() -> Big:
        big = Big()
        found.append(weakref.ref(big))
        return big

    with Runtime(threads=1) as runtime:
        handle = runtime.submit(make)
        user = runtime.submit(id, handle)
        user.get()
        runtime.submit(int).get()  # the worker has left the task before
        assert found[0]() is not None
        del handle
        assert found[0]() is None
