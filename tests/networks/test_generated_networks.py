"""Networks of any shape keep the laws: nothing is lost, order and bounds hold, and every run ends.

The laws themselves are in `harness.py` (after every step of every task) and in `plans.py` (after the run).
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.networks.harness import SCHEDULES, Schedule
from tests.networks.healthy_runs import check_healthy
from tests.networks.plans import Plan, Run
from tests.networks.strategies import plans


def check(plan: Plan, schedule: Schedule) -> Run:
    """Run a plan once and check everything."""
    run = Run(plan, schedule)
    run.go()
    run.check()
    return run


@given(plans(), SCHEDULES)
def test_a_healthy_network_delivers_everything_and_ends(plan: Plan, schedule: Schedule) -> None:
    check(plan, schedule)


@given(plans(trouble="handled"), SCHEDULES, st.integers(0, 400))
def test_a_healthy_network_raises_no_alarm(plan: Plan, schedule: Schedule, step: int) -> None:
    check_healthy(plan, schedule, step)


@given(plans(trouble="handled"), SCHEDULES)
def test_policies_keep_every_item_accounted_for(plan: Plan, schedule: Schedule) -> None:
    check(plan, schedule)


@given(plans(trouble="faults"), SCHEDULES)
def test_a_fault_anywhere_ends_the_run_and_is_reported(plan: Plan, schedule: Schedule) -> None:
    check(plan, schedule)


@given(plans(incidents=True), SCHEDULES)
def test_a_cancellation_at_any_checkpoint_ends_the_run_and_loses_no_count(plan: Plan, schedule: Schedule) -> None:
    check(plan, schedule)


@given(plans(trouble="faults", incidents=True), SCHEDULES)
def test_faults_and_cancellations_may_meet(plan: Plan, schedule: Schedule) -> None:
    check(plan, schedule)


@given(plans(trouble="handled"), SCHEDULES)
def test_the_same_choices_give_the_same_run(plan: Plan, schedule: Schedule) -> None:
    first, second = check(plan, schedule), check(plan, schedule)
    assert first.watch.trace == second.watch.trace
    assert first.results == second.results
    assert str(first.network.balance()) == str(second.network.balance())


# With real threads a failure cannot be repeated at will: few examples, of which each run has others.


@given(plans(threads=True), SCHEDULES)
@settings(max_examples=30)
def test_with_threads_a_healthy_network_delivers_everything_and_ends(plan: Plan, schedule: Schedule) -> None:
    check(plan, schedule)


@given(plans(trouble="handled", threads=True), SCHEDULES)
@settings(max_examples=30)
def test_with_threads_policies_keep_every_item_accounted_for(plan: Plan, schedule: Schedule) -> None:
    check(plan, schedule)


@given(plans(trouble="faults", incidents=True, threads=True), SCHEDULES)
@settings(max_examples=30)
def test_with_threads_faults_and_cancellations_may_meet(plan: Plan, schedule: Schedule) -> None:
    check(plan, schedule)
