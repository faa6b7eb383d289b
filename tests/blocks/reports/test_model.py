"""The model behind suggestions and bottlenecks; most of it is tested by these."""

import pytest

from penstock.blocks import Stage
from penstock.blocks.reports.model import Model


def test_a_call_in_a_task_waits_for_its_turn_while_the_loop_is_busy() -> None:
    inline, task = Stage("inline", "loop", 1, 100, 10.0, 10.0), Stage("task", "tasks", 4, 100, 40.0, 0.0)
    assert Model([inline, task], 10.0, 2).service == {"inline": 10.0, "task": 0.0}
    assert Model([inline, task], 20.0, 2).service == {"inline": 10.0, "task": 40.0}


def test_what_one_stage_costs_is_what_a_run_gains_without_it() -> None:
    slow, quick = Stage("slow", "Threads", 2, 100, 8.0, 6.0), Stage("quick", "loop", 1, 100, 1.0, 1.0)
    model = Model([slow, quick], 4.0, 4)
    assert model.limit() == pytest.approx(4.0)
    assert model.limit({"slow": 4, "quick": 1}) == pytest.approx(2.0)
    assert model.limit_if(slow, 1.0) == pytest.approx(1.0)
    assert model.limit_if(slow, 10.0) == pytest.approx(4.0)  # never slower than it is
