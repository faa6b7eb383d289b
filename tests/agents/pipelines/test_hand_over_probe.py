"""The costs of hand-overs: how they are measured, and what the measurements of some runs mean."""

import math
import threading
from typing import Any

import pytest

from penstock.agents import HandOverCosts
from penstock.agents.pipelines.hand_over_probe import Lap, Seen, Work, hash_speed, measure_hand_over, parted, typical
from penstock.agents.plans.gauge import COARSE, Gauge
from penstock.agents.plans.hand_over_costs import CURVES


def test_it_measures_all_costs_of_threads_and_of_the_caller() -> None:
    gauge = Gauge()
    gauge.tick = 1e-6
    costs = measure_hand_over(gauge)
    for name in CURVES:
        numbers = getattr(costs, name)
        assert len(numbers) == 3
        assert all(math.isfinite(number) and number >= 0 for number in numbers)
        assert (numbers == getattr(HandOverCosts(), name)) is (name == "processes")
    assert "penstock run" not in [thread.name for thread in threading.enumerate()]


def test_a_clock_with_long_ticks_measures_nothing() -> None:
    gauge = Gauge()
    gauge.tick = COARSE
    assert measure_hand_over(gauge) == HandOverCosts()


class Clock:
    """Moves on by a second each time that it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_the_gaps_of_a_worker_are_what_lies_between_its_calls() -> None:
    clock = Clock()
    work = Work(b"", clock)
    assert work(1) == 1
    clock.now += 5
    assert work(2) == 2
    thread = threading.Thread(target=work, args=(3,))  # the first call of a worker has no gap
    thread.start()
    thread.join()
    assert work.gaps == [6]


def test_a_lap_is_from_one_item_to_another() -> None:
    clock = Clock()
    lap = Lap(2, 6, clock)
    for item in range(8):
        assert lap(item) == item
        clock.now += 2
    assert lap.each == pytest.approx(9 / 4)


def test_the_second_stage_tells_what_a_stage_costs() -> None:
    alone, worker_alone, stage, worker, source, caller = parted(
        single=Seen(loop=9.0, worker=5.0, caller=0.0),
        one=Seen(loop=8.0, worker=0.0, caller=1.0),
        two=Seen(loop=14.0, worker=4.0, caller=3.0),
    )
    assert (stage, source, alone) == (6.0, 2.0, 7.0)
    assert (worker_alone, worker, caller) == (5.0, 4.0, 2.0)


@pytest.mark.parametrize(("two", "stage"), [(7.0, 2.0), (40.0, 8.0)])
def test_an_impossible_difference_is_an_error_of_the_measurement(two: float, stage: float) -> None:
    seen = [Seen(loop=loop, worker=0.0, caller=0.0) for loop in (1.0, 8.0, two)]
    alone, _, found, _, source, _ = parted(*seen)
    assert (found, source) == (stage, 8.0 - stage)
    assert alone == max(0.25, 1.0 - source)


def test_medians_of_the_runs_count() -> None:
    assert typical((Seen(1, 5, 9), Seen(2, 4, 7), Seen(9, 1, 8))) == Seen(2, 4, 8)


def test_the_speed_of_the_work_is_that_of_the_fastest_try() -> None:
    gauge: Any = Gauge()
    gauge.wall = iter([0, 5, 10, 12, 20, 24, 30, 33, 40, 47]).__next__
    assert hash_speed(gauge) == 50_000
