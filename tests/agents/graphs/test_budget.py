"""How many tasks of a graph are with the blocks."""

from __future__ import annotations

import pytest

from penstock.agents.graphs.budget import LEAST_ON_LOOP, LEAST_OUT, MOST_OUT, Budget


def learned(budget: Budget, *seconds: float) -> int:
    for each in seconds:
        budget.learn(each)
    return budget.tasks


@pytest.mark.parametrize(
    ("seconds", "tasks"), [(0.0, MOST_OUT), (1e-6, MOST_OUT), (4e-5, 124), (1e-3, LEAST_OUT), (9.0, LEAST_OUT)]
)
def test_more_quick_tasks_than_slow_ones_are_with_an_executor(seconds: float, tasks: int) -> None:
    budget = Budget(4, is_on_loop=False)
    assert budget.tasks == LEAST_OUT
    assert learned(budget, *[seconds] * 40) == pytest.approx(tasks, abs=1)


def test_a_slow_task_after_quick_ones_counts_at_once() -> None:
    budget = Budget(4, is_on_loop=False)
    assert learned(budget, *[0.0] * 5_000) == MOST_OUT
    assert learned(budget, 1.0) == LEAST_OUT


def test_there_are_twice_as_many_as_run_at_once() -> None:
    for is_on_loop in (True, False):
        assert learned(Budget(1_000, is_on_loop=is_on_loop), *[1e-9] * 40) == 2_000


def test_on_the_loop_it_is_always_the_same() -> None:
    assert learned(Budget(1, is_on_loop=True), *[0.0] * 40) == LEAST_ON_LOOP
    assert learned(Budget(1, is_on_loop=True), 1.0) == LEAST_ON_LOOP
