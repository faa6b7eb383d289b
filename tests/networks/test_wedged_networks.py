"""Networks that are built to get stuck always say so, name the culprit, and say what helps, which does help."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.networks.harness import SCHEDULES, Schedule
from tests.networks.wedged_runs import HEALTHY_PARTS, Healthy, check_cure, check_wedge
from tests.networks.wedges import WEDGES

SEEDS = st.integers(0, 1000)
FEW = settings(max_examples=max(6, settings().max_examples // 20))  # for each of them


@pytest.mark.parametrize("wedge", WEDGES)
@FEW
@given(HEALTHY_PARTS, SEEDS, SCHEDULES)
def test_a_standstill_is_reported_with_its_culprit(wedge: str, healthy: Healthy, seed: int, schedule: Schedule) -> None:
    check_wedge(wedge, healthy, seed, schedule)


@pytest.mark.parametrize("wedge", WEDGES)
@settings(FEW, max_examples=3)
@given(HEALTHY_PARTS, SEEDS, SCHEDULES)
def test_what_is_advised_frees_the_network(wedge: str, healthy: Healthy, seed: int, schedule: Schedule) -> None:
    check_cure(wedge, healthy, seed, schedule)
