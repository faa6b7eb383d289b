"""Calls that are measured where they are made."""

import os
import threading
from types import CoroutineType
from typing import Any, cast

import attrs
import pytest

from penstock.blocks import Recording
from penstock.blocks.executors.timed import Timed, TimedResult, times_of, untimed
from penstock.blocks.recording.tracer import within


async def wait(item: object) -> object:
    return item


def test_a_call_tells_who_made_it_and_when() -> None:
    timed = Timed(lambda n: n + 1, expands=False)(1)
    assert isinstance(timed, TimedResult)
    assert (timed.result, timed.worker) == (2, threading.current_thread().name)
    assert timed.start <= timed.end
    assert untimed(timed, expands=False) == (2, timed)


def test_outputs_are_read_to_their_end_while_time_is_taken() -> None:
    (timed,) = Timed(lambda n: iter(range(n)), expands=True)(3)
    assert timed.result == [0, 1, 2]
    assert untimed([timed], expands=True) == ([0, 1, 2], timed)


def test_in_another_process_that_is_who_made_it() -> None:
    timed = attrs.evolve(Timed(abs, expands=False), process=-1)(1)
    assert timed.worker == f"process {os.getpid()}"


@pytest.mark.parametrize(("result", "expands"), [(3, False), ([], True), ([1, 2], True)])
def test_what_was_not_timed_has_no_times(result: object, expands: bool) -> None:
    assert untimed(result, expands) == (result, None)


def test_a_call_that_fails_tells_it_once_through_its_exception() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        Timed(lambda n: 1 // n, expands=False)(0)
    times = times_of(caught.value)
    assert times is not None
    assert times[0] <= times[1]
    assert times[2] == threading.current_thread().name
    assert times_of(caught.value) is None


def test_a_coroutine_is_left_to_who_refuses_it() -> None:
    result = cast("CoroutineType[Any, Any, Any]", Timed(wait, expands=True)(1))
    assert type(result) is CoroutineType
    result.close()


@pytest.mark.parametrize(
    ("times", "moved"),
    [((2.0, 3.0), (2.0, 3.0)), ((102.0, 103.0), (8.0, 9.0)), ((-5.0, -3.0), (7.0, 9.0)), ((0.0, 50.0), (1.0, 9.0))],
)
def test_times_by_another_clock_are_moved_to_where_they_can_have_been(
    times: tuple[float, float], moved: tuple[float, float]
) -> None:
    assert within(times, 1.0, 9.0) == moved


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, None])
def test_a_recording_keeps_at_least_one_span(wrong: Any) -> None:
    with pytest.raises(ValueError, match="max_spans must be an int >= 1"):
        Recording(wrong)
