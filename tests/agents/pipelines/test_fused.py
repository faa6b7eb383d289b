"""The functions in one stage of a plan are counted and timed one by one, and an error or a recording names them."""

import pickle
import time
from typing import Any

import pytest

from penstock.agents import Pipeline, Plan, PlanStage
from penstock.agents.pipelines import fused as module
from penstock.agents.pipelines.fused import Fused, FusedTask, Mark
from penstock.agents.pipelines.fused_meter import FusedMeter, Report, next_after
from penstock.blocks import Recording
from tests.agents.pipelines.recipes import fail_some, inc, invert, is_wanted, same


class Clock:
    """A clock on which each look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def long_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function seems to take a second."""
    monkeypatch.setattr(module, "perf_counter", Clock())


STAGE = Plan([PlanStage("inc", "str")])


@pytest.mark.usefixtures("long_calls")
@pytest.mark.parametrize("plan", [STAGE, Plan([PlanStage("inc", "str", executor="loop")])])
def test_the_statistics_and_the_report_name_each_function_of_a_stage(plan: Plan) -> None:
    pipeline = Pipeline(inc).filter(is_wanted).map(str).planned(plan)
    with pipeline.run(range(6)) as results:
        assert list(results) == ["1", "2", "4", "5"]
        network = results.network
    parts = network.statistics()["inc + is_wanted + str"].parts
    assert [(part.name, part.calls, part.service.count) for part in parts] == [
        ("inc", 6, 6),
        ("is_wanted", 6, 6),
        ("str", 4, 4),
    ]
    assert all(part.service.mean == 1.0 for part in parts)
    assert [line.split()[1] for line in str(network.report()).splitlines() if line.startswith("·")] == [
        "inc",
        "is_wanted",
        "str",
    ]


def slow_inc(item: int) -> int:
    """Take so long that each call is measured."""
    end = time.perf_counter() + 0.003
    while time.perf_counter() < end:
        pass
    return item + 1


IN_PROCESSES = Plan([PlanStage("slow_inc", "str", executor="processes", workers=2)])


@pytest.mark.parametrize("is_recorded", [False, True])
def test_from_processes_the_numbers_come_home_with_the_results(is_recorded: bool) -> None:
    pipeline = Pipeline(slow_inc).filter(is_wanted).map(str).planned(IN_PROCESSES)
    recording = Recording() if is_recorded else None
    with pipeline.run(range(6), recording=recording) if recording else pipeline.run(range(6)) as results:
        assert list(results) == ["1", "2", "4", "5"]
        parts = results.network.statistics()["slow_inc + is_wanted + str"].parts
    assert [(part.name, part.calls, part.service.count) for part in parts] == [
        ("slow_inc", 6, 6),
        ("is_wanted", 6, 6),
        ("str", 4, 4),
    ]
    assert parts[0].service.mean >= 0.003


def test_from_processes_drops_are_counted_where_no_time_is_measured() -> None:
    pipeline = Pipeline(inc).filter(is_wanted).map(str).planned(Plan([PlanStage("inc", "str", executor="processes")]))
    with pipeline.run(range(3000)) as results:
        wanted = len(list(results))
        parts = results.network.statistics()["inc + is_wanted + str"].parts
    assert [part.calls for part in parts] == [3000, 3000, wanted]
    assert 1 <= parts[0].service.count < 3000


def sent(thing: Any) -> Any:
    """What arrives in another process."""
    return pickle.loads(pickle.dumps(thing))


TASKS = (FusedTask("inc", "map", inc), FusedTask("is_wanted", "filter", is_wanted), FusedTask("same", "tap", same))


@pytest.mark.usefixtures("long_calls")
def test_a_report_is_counted_when_it_is_unpickled_and_only_once() -> None:
    fused = Fused(TASKS, FusedMeter(3))
    away: Fused = sent(fused)
    reports = [away(item) for item in range(3)]
    assert all(type(report) is Report for report in reports)
    assert away.part_statistics(3) == ()
    data = pickle.dumps(reports)
    for _ in range(2):  # what cannot be read at once is read again, one by one
        assert pickle.loads(data) == [1, 2, Mark.DROPPED]
    assert [(part.calls, part.service.count) for part in fused.part_statistics(3)] == [(3, 3), (3, 3), (2, 2)]


def test_reports_of_two_workers_are_both_counted() -> None:
    fused = Fused(TASKS, FusedMeter(3))
    for away in (sent(fused), sent(fused)):
        assert sent(away(0)) == 1
    assert fused.part_statistics(2)[0].service.count == 2


def test_a_report_of_a_run_that_has_ended_is_only_the_result() -> None:
    away = sent(Fused(TASKS, FusedMeter(3)))
    assert sent(away(0)) == 1


def test_a_call_that_fails_in_a_worker_is_not_the_last_one_that_is_measured() -> None:
    away = sent(Fused((FusedTask("invert", "map", invert),), FusedMeter(1)))
    with pytest.raises(ZeroDivisionError):
        away(0)
    assert 1 <= away.meter.left <= 4096


@pytest.mark.usefixtures("long_calls")
def test_each_run_has_its_own_numbers() -> None:
    pipeline = Pipeline(inc).map(str).planned(STAGE)
    for count in (3, 5):
        with pipeline.run(range(count)) as results:
            list(results)
            (part, _) = results.network.statistics()["inc + str"].parts
        assert part.calls == count


def test_of_quick_calls_only_a_few_are_timed_and_all_are_counted() -> None:
    pipeline = Pipeline(inc).filter(is_wanted).map(str).planned(STAGE)
    with pipeline.run(range(3000)) as results:
        wanted = len(list(results))
        parts = results.network.statistics()["inc + is_wanted + str"].parts
    assert [part.calls for part in parts] == [3000, 3000, wanted]
    assert 1 <= parts[0].service.count < 3000


def test_the_next_call_that_is_timed_depends_on_how_long_the_last_one_took() -> None:
    lefts = [next_after([seconds / 2, seconds / 2]) for seconds in (1.0, 1e-3, 1e-6, 0.0)]
    assert lefts == [1, 3, 2001, 4096]


def test_a_stage_of_one_function_has_no_parts() -> None:
    with Pipeline(inc).planned(Plan([PlanStage("inc")])).run(range(3)) as results:
        list(results)
        assert results.network.statistics()["inc"].parts == ()


@pytest.mark.parametrize("is_measured", [True, False])
def test_an_error_names_the_function_whether_the_call_is_measured_or_not(is_measured: bool) -> None:
    tasks = (FusedTask("inc", "map", inc), FusedTask("fail_some", "map", fail_some))
    meter = FusedMeter(2)
    if not is_measured:
        meter.left = 10
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the notes are what matters
        Fused(tasks, meter)(2)
    assert caught.value.__notes__ == ["in the task 'fail_some'"]
    assert [part.calls for part in Fused(tasks, meter).part_statistics(1)] == [1, 1]


def test_without_a_meter_as_in_another_process_nothing_is_measured() -> None:
    fused = Fused((FusedTask("inc", "map", inc), FusedTask("same", "tap", same), FusedTask("f", "filter", is_wanted)))
    copy: Fused = pickle.loads(pickle.dumps(fused))
    assert copy == fused
    assert [copy(item) for item in range(3)] == [1, 2, Mark.DROPPED]
    assert copy.part_statistics(3) == ()


def test_a_predicate_may_return_anything_that_is_true_or_false() -> None:
    answers: list[Any] = [1, "", None, True, [0]]
    kept = Fused((FusedTask("answer", "filter", lambda item: answers[item]),))
    assert [kept(item) for item in range(5)] == [0, Mark.DROPPED, Mark.DROPPED, 3, 4]


def test_a_recording_names_the_functions_of_a_stage() -> None:
    recording = Recording()
    with Pipeline(inc).map(str).planned(STAGE).run(range(3), recording=recording) as results:
        list(results)
    assert {span.stage for span in recording.spans} >= {"inc + str"}
