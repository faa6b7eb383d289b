"""What comes of a hand-over: `perform`, without an executor."""

import ctypes
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from penstock.blocks.executors import work
from penstock.blocks.executors.work import Outcome, Task, perform
from tests.blocks.executors.kinds import Time
from tests.blocks.tools import Fussy


def kinds(outcome: Outcome) -> list[tuple[int, type[BaseException]]]:
    """Where something failed, and of what."""
    return [(place, type(error)) for place, error in outcome.failures]


def test_the_function_is_called_with_each_item_in_order() -> None:
    outcome = perform(Task(Fussy()), [1, 2, 3])
    assert (outcome.results, outcome.failures, outcome.done) == ([10, 20, 30], [], 3)


def test_nothing_comes_of_nothing() -> None:
    for task in (Task(Fussy()), Task(Fussy(), expands=True)):
        assert (perform(task, []).results, perform(task, []).done) == ([], 0)


def test_a_strict_task_begins_no_item_after_the_first_failure() -> None:
    function = Fussy(2)
    outcome = perform(Task(function), [1, 2, 3])
    assert (outcome.results, kinds(outcome), outcome.done) == ([10], [(1, ValueError)], 2)
    assert function.calls == [1, 2]


@pytest.mark.parametrize("bad", [(1,), (4,), (1, 2), (1, 4), (2, 3), (1, 2, 3, 4)], ids=str)
def test_a_task_that_is_not_strict_goes_on(bad: tuple[int, ...]) -> None:
    function = Fussy(*bad)
    outcome = perform(Task(function, is_strict=False), [1, 2, 3, 4])
    assert outcome.results == [10 * item for item in (1, 2, 3, 4) if item not in bad]
    assert kinds(outcome) == [(item - 1, ValueError) for item in bad]
    assert function.calls == [1, 2, 3, 4]
    assert outcome.done == 4


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_ends_every_task(kind: type[BaseException]) -> None:
    calls: list[int] = []

    def function(item: int) -> int:
        calls.append(item)
        if item == 2:
            raise kind
        return item

    outcome = perform(Task(function, is_strict=False), [1, 2, 3])
    assert (outcome.results, kinds(outcome), calls) == ([1], [(1, kind)], [1, 2])


def stop(item: int) -> int:
    if item == 2:
        raise StopIteration
    return item


def stopping_list(item: int) -> list[int]:
    return [stop(item)]


@pytest.mark.parametrize(("function", "expands"), [(stop, False), (stopping_list, True)])
def test_stop_iteration_is_a_failure_and_not_the_end(function: Any, expands: bool) -> None:
    outcome = perform(Task(function, expands, is_strict=False, name="call 'c'"), [1, 2, 3, 2])
    assert outcome.results == ([[1], [3]] if expands else [1, 3])
    assert kinds(outcome) == [(1, RuntimeError), (3, RuntimeError)]
    assert str(outcome.failures[0][1]) == "the function of call 'c' raised StopIteration"


def some(item: int) -> Iterator[int]:
    for number in range(item):
        if number == 2:
            raise ValueError(item)
        yield number


def test_a_task_that_expands_gives_a_list_an_item() -> None:
    outcome = perform(Task(some, expands=True), [0, 1, 2])
    assert outcome.results == [[], [0], [0, 1]]


def test_an_item_that_fails_amid_its_outputs_gives_none() -> None:
    outcome = perform(Task(some, expands=True, is_strict=False), [3, 1])
    assert (outcome.results, kinds(outcome)) == ([[0]], [(0, ValueError)])


def test_a_function_that_gives_nothing_to_iterate_fails() -> None:
    def nothing(item: int) -> Any:
        return None

    assert kinds(perform(Task(nothing, expands=True), [1])) == [(0, TypeError)]


async def give(item: int) -> int:
    return item


async def generate(item: int) -> AsyncIterator[int]:
    yield item


@pytest.mark.parametrize("bad", [(0,), (3,), (0, 2), (0, 1, 2, 3)], ids=str)
@pytest.mark.parametrize("expands", [False, True])
def test_coroutines_are_failures_that_say_what_to_do(bad: tuple[int, ...], expands: bool) -> None:
    def function(item: int) -> Any:
        return give(item) if item in bad else [item]

    outcome = perform(Task(function, expands, is_strict=False, name="call 'c'"), range(4))
    assert outcome.results == [[item] for item in range(4) if item not in bad]
    assert kinds(outcome) == [(item, TypeError) for item in bad]
    message = str(outcome.failures[0][1])
    assert message.startswith("the function of call 'c' returned a coroutine; pass the `async def` function itself")


def test_coroutines_beside_other_failures_keep_their_places() -> None:
    def function(item: int) -> Any:
        if item == 1:
            raise ValueError(item)
        return give(item) if item in (0, 3) else item

    outcome = perform(Task(function, is_strict=False), range(4))
    assert outcome.results == [2]
    assert kinds(outcome) == [(0, TypeError), (1, ValueError), (3, TypeError)]


def test_an_asynchronous_generator_is_a_failure_too() -> None:
    assert kinds(perform(Task(generate, expands=True), [1])) == [(0, TypeError)]


def test_it_takes_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    walls, cpus = iter([1.0, 5.0]), iter([2.0, 2.5])
    monkeypatch.setattr(work, "perf_counter", lambda: next(walls))
    monkeypatch.setattr(work, "thread_time", lambda: next(cpus))
    outcome = perform(Task(Fussy()), [1])
    assert (outcome.seconds, outcome.cpu) == (4.0, 0.5)


@pytest.mark.parametrize("expands", [False, True])
def test_a_hand_over_that_takes_too_long_begins_no_further_items(
    expands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Time(monkeypatch)
    slow = time.taking(1.0)
    outcome = perform(Task(lambda item: [slow(item)], expands, limit=2.0), range(1000))
    assert 1 < outcome.done <= work.SLICE
    assert outcome.results == [[item] for item in range(outcome.done)]
    assert outcome.seconds == outcome.done


def test_the_first_item_of_a_hand_over_is_always_begun() -> None:
    assert perform(Task(Fussy(), limit=0.0), [1, 2]).results[:1] == [10]
    assert perform(Task(Fussy(1), limit=0.0, is_strict=False), [1]).done == 1


def test_a_hand_over_that_takes_no_longer_than_expected_is_done_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    Time(monkeypatch)
    function = Fussy(*range(0, 1000, 7))
    outcome = perform(Task(function, is_strict=False, limit=0.001), range(1000))
    assert outcome.done == 1000
    assert [place for place, _ in outcome.failures] == list(range(0, 1000, 7))
    assert function.calls == list(range(1000))


def test_stop_iteration_at_the_end_of_a_slice_is_a_failure_there() -> None:
    def stop_at_last(item: int) -> int:
        if item % work.SLICE == work.SLICE - 1:
            raise StopIteration
        return item

    outcome = perform(Task(stop_at_last, is_strict=False), range(3 * work.SLICE))
    assert [place for place, _ in outcome.failures] == [n * work.SLICE - 1 for n in (1, 2, 3)]
    assert outcome.done == 3 * work.SLICE


def test_an_interrupt_after_the_last_call_is_a_failure_of_the_last_item() -> None:
    interrupt = getattr(ctypes.CDLL(None), "raise")  # in C, so that Python sees the signal only after the call
    outcome = perform(Task(interrupt), [signal.SIGINT])
    assert kinds(outcome) == [(0, KeyboardInterrupt)]
    assert outcome.done == 1
