"""Plans: what they say, what they refuse, and how they are saved."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.agents import HandOverCosts, Plan, PlanStage, PlanTask
from penstock.blocks.base.cpus import usable_cpus


def task(name: str, seconds: float, lock: float | None = 0.0, **more: Any) -> PlanTask:
    return PlanTask(name=name, seconds=seconds, lock_seconds=lock, **more)


FILM = [
    task("load", 0.002),
    task("scale", 0.009, 0.001),
    task("stabilise", 0.003, is_stateful=True),
    task("encode", 0.005, in_processes=False),
]


NONE = (0.0, 0.0, 0.0)
OF_STAGES = HandOverCosts(
    threads_loop=(2e-6, 1.2e-5, 5.2e-5),
    threads_worker=NONE,
    single_loop=(2e-6, 1.2e-5, 5.2e-5),
    single_worker=NONE,
    caller_loop=NONE,
    caller=NONE,
)
"""Only the stages cost something, and not their workers."""


def test_it_says_what_it_predicts_and_why_it_cannot_be_faster() -> None:
    plan = Plan.fastest(FILM, 4)
    assert str(plan).splitlines() == [
        "3 stages with 6 workers",
        "one item every 4.83 ms, 207/s, 3.97 times as fast as one core; 4 of 4 cores busy",
        "stage         workers  executor     time  busy",
        "load … scale        3  threads   11.1 ms   76%",
        "stabilise           1  threads   3.08 ms   64%",
        "encode              2  threads   5.08 ms   53%",
        "It cannot be faster: there are 4 cores; with 5, one item every 3.87 ms.",
    ]
    assert [stage.name for stage in plan.stages] == ["load … scale", "stabilise", "encode"]


def test_a_plan_by_hand_says_what_it_is() -> None:
    plan = Plan([PlanStage("load", "scale", workers=2, buffer=8), PlanStage("encode", executor="loop")])
    assert str(plan).splitlines() == [
        "2 stages with 2 workers",
        "stage         workers  executor  buffer",
        "load … scale        2  threads        8",
        "encode                 loop",
    ]
    assert str(Plan([PlanStage("load")])).startswith("1 stage with 1 worker\n")


@pytest.mark.parametrize(
    ("tasks", "cores", "bottleneck", "why"),
    [
        ([task("a", 0.01)], 1, "cores", "there is 1 core; with 2, one item every 5.03 ms"),
        (
            [task("a", 0.01, 0.01, in_processes=False)],
            4,
            "lock",
            "'a' holds the interpreter lock for 10.1 ms an item; 'a' stays in this process",
        ),
        (
            [task("a", 0.01, 0.01, copy_seconds=1.0), task("b", 0.01, 0.01, copy_seconds=1.0)],
            4,
            "lock",
            "'a' and 'b' hold the interpreter lock for 20.1 ms an item",
        ),
        (
            [task("a", 0.01, is_stateful=True)],
            4,
            "stage",
            "'a' needs its state, so one worker does 'a', in 10.1 ms an item",
        ),
        (
            [task("a", 0.01, is_stateful=True), task("b", 0.0, is_stateful=True)],
            4,
            "stage",
            "'a' and 'b' need their state, so one worker does 'a' and 'b', in 10.1 ms an item",
        ),
        (
            [task("load", 1.0, processor_seconds=0.01)],
            4,
            "stage",
            "'load' takes 1 s an item, even with 64 workers",
        ),
        (
            [task("a", 0.01, 0.01, in_processes=False), task("b", 1e-5, 1e-5, is_stateful=True)],
            4,
            "lock",
            "'a' and 'b' hold the interpreter lock for 10.1 ms an item; 'a' stays in this process",
        ),
        (
            [task("ask", 0.02, is_fixed=True, processor_seconds=1e-4)],
            4,
            "stage",
            "'ask' runs as it is written, and takes 20 ms an item",
        ),
        (
            [task("a", 0.002, is_fixed=True), task("b", 0.002, is_fixed=True), task("c", 0.001)],
            8,
            "loop",
            "'a' and 'b' hold the loop for 4.05 ms an item",
        ),
        ([task("a", 1e-6)], 4, "loop", "'a' holds the loop for 1.3 µs an item"),
        ([task("a", 1e-8)], 4, "hand-over", "the loop needs 310 ns an item to hand it over"),
        ([task("a", 1e-8, is_fixed=True)], 4, "hand-over", "the hand-over to 'a' takes longer than the work"),
        (
            [task("a", 1e-8, is_fixed=True), task("b", 1e-8, is_alone=True)],
            4,
            "hand-over",
            "the loop needs 620 ns an item to hand it over",
        ),
        (
            [task("a", 0.01, 0.01, copy_seconds=0.003)],
            20,
            "hand-over",
            "handing items over holds the interpreter lock for 1.61 ms an item",
        ),
    ],
)
def test_why_it_cannot_be_faster(tasks: list[PlanTask], cores: int, bottleneck: str, why: str) -> None:
    plan = Plan.fastest(tasks, cores, hand_over=OF_STAGES)
    assert (plan.bottleneck, plan.why) == (bottleneck, why)


def test_the_hand_over_to_the_caller_may_take_most_of_the_time() -> None:
    plan = Plan.fastest([task("a", 1e-8)], 4)
    assert plan.bottleneck == "hand-over"
    assert plan.why == "handing items over holds the interpreter lock for 1.8 µs an item"


def test_it_is_made_for_the_cores_that_this_process_may_use() -> None:
    assert Plan.fastest([task("a", 0.01)]).cores == usable_cpus()


def test_what_is_not_known_of_the_lock_is_assumed_and_said() -> None:
    tasks = [task("a", 0.01, None, in_processes=False), task("ask", 0.001, None, is_fixed=True)]
    plan = Plan.fastest(tasks, 4)
    assert plan.bottleneck == "lock"
    assert plan.period == pytest.approx(0.011, rel=0.02)
    assert plan.notes == (
        "assumed, not measured: 'a' and 'ask' hold the interpreter lock for 100% of the processor time; give "
        "assume_lock= if you know it",
    )
    assert Plan.fastest(tasks, 4, assume_lock=0.1).period == pytest.approx(0.00275, rel=0.02)


def test_the_notes_of_the_caller_come_first() -> None:
    assert Plan.fastest([task("a", 0.01)], notes=["the machine was busy"]).notes == ("the machine was busy",)


@pytest.mark.parametrize(
    "plan", [Plan.fastest(FILM, 4), Plan([PlanStage("a", workers=2, cpus=[0, 1]), PlanStage("b")])]
)
def test_a_saved_plan_is_loaded_as_it_was(plan: Plan, tmp_path: Path) -> None:
    plan.save(tmp_path / "plan.json")
    assert Plan.load(str(tmp_path / "plan.json")) == plan


def test_wrong_costs_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Plan\.fastest: hand_over must be HandOverCosts, got 0\.1"):
        Plan.fastest(FILM, hand_over=0.1)  # type: ignore[arg-type]  # a mistake of a user
    with pytest.raises(ValueError, match=r"HandOverCosts: a cost must be 3 numbers, got \(1, 2\)"):
        HandOverCosts(caller=(1, 2))
    with pytest.raises(ValueError, match="HandOverCosts: caller_loop must be a number >= 0, got -1"):
        HandOverCosts(caller_loop=(1, -1, 2))


any_plan: Any = Plan
any_stage: Any = PlanStage
"""The classes without the types of their arguments."""
EMPTY: dict[str, object] = {}


def changed(**fields: object) -> str:
    stage = {"first": "a", "last": "a", "workers": 1, "executor": "threads", "buffer": None, "seconds": None}
    return json.dumps({"format": "penstock plan", "version": 1, "stages": [stage], **fields})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected a plan as JSON, got invalid JSON"),
        ("[" * 100_000, "expected a plan as JSON, got invalid JSON"),
        ("[1]", r"expected a plan that was written with save\(\), got another JSON file"),
        ('{"format": "penstock profile"}', r"expected a plan that was written with save\(\), got another JSON file"),
        (changed(version=2), "this plan has version 2, and this Penstock reads version 1"),
        (changed(stages=1), r"this plan is damaged \(stages must be a list, got 1\)"),
        (changed(stages=[1]), r"damaged \(stages\[0\] must be an object, got 1\)"),
        (changed(stages=[EMPTY]), r"damaged \(.*missing 1 required positional argument: 'first'\)"),
        (changed(stages=[{"first": "a", "colour": 1}]), r"damaged \(stages\[0\] has an unknown field 'colour'\)"),
        (
            changed(stages=[{"first": "a", "workers": 0}]),
            r"damaged \(PlanStage 'a': workers must be an int >= 1, got 0\)",
        ),
        (changed(period="long"), r"damaged \(Plan: period must be a number >= 0, got 'long'\)"),
        (changed(why=3), r"damaged \(Plan: why and notes must be texts, got 3\)"),
        (changed(stages=[]), "damaged .*needs one stage or more"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        Plan.load(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Plan.load(tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Plan([]), ValueError, "Plan: needs one stage or more, got none"),
        (lambda: any_plan(["a"]), TypeError, "Plan: each stage must be a PlanStage, got 'a'"),
        (lambda: Plan([PlanStage("a")], cores=0), ValueError, "Plan: cores must be an int >= 1, got 0"),
        (
            lambda: any_stage(print),
            TypeError,
            "PlanStage: first must be the name of a task, got <built-in function print>",
        ),
        (lambda: any_stage("a", 2), TypeError, "PlanStage: last must be the name of a task, got 2"),
        (lambda: PlanStage("a", workers=0), ValueError, "PlanStage 'a': workers must be an int >= 1, got 0"),
        (lambda: PlanStage("a", workers=3, buffer=2), ValueError, "PlanStage 'a': buffer must be an int >= 3, got 2"),
        (lambda: PlanStage("a", cpus=[]), ValueError, "cpus must be numbers of processors for threads or processes"),
        (
            lambda: PlanStage("a", cpus=[0], executor="loop"),
            ValueError,
            "cpus must be numbers of processors for threads",
        ),
        (
            lambda: any_stage("a", executor="gpu"),
            ValueError,
            "executor must be one of 'threads', 'processes', 'loop', 'as written', got 'gpu'",
        ),
        (
            lambda: PlanStage("a", executor="loop", workers=2),
            ValueError,
            "executor='loop' has no workers, got workers=2",
        ),
        (lambda: PlanStage("a", seconds=-1), ValueError, "seconds must be a number >= 0, got -1"),
        (lambda: PlanTask(name="", seconds=1), TypeError, "PlanTask: name must be a text, got ''"),
        (lambda: task("a", -1), ValueError, "PlanTask 'a': seconds must be a number >= 0, got -1"),
        (lambda: task("a", 1, 2), ValueError, "lock_seconds must be at most the seconds of the task, 1, got 2"),
        (lambda: task("a", 1, is_alone=1), TypeError, "is_alone must be True or False, got 1"),
        (lambda: Plan.fastest([]), ValueError, "Plan.fastest: needs one task or more, got none"),
        (lambda: any_plan.fastest(["a"]), TypeError, "Plan.fastest: each task must be a PlanTask, got 'a'"),
        (lambda: Plan.fastest([task("a", 1)] * 2), ValueError, "needs a name of its own, but 'a' comes 2 times"),
        (lambda: Plan.fastest(FILM, 0), ValueError, "Plan.fastest: cores must be an int >= 1, got 0"),
        (lambda: Plan.fastest(FILM, 2, assume_lock=1.5), ValueError, "assume_lock must be between 0 and 1, got 1.5"),
        (lambda: Plan.fastest(FILM, 2, item_copy_seconds=-1), ValueError, "item_copy_seconds must be a number >= 0"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


def test_items_that_cannot_be_pickled_stay_here() -> None:
    plan = Plan.fastest([task("a", 0.01, 0.01)], 2, item_copy_seconds=None)
    assert [stage.executor for stage in plan.stages] == ["threads"]


def test_processes_can_be_declined() -> None:
    tasks = [task("a", 0.01, 0.01)]
    assert [stage.executor for stage in Plan.fastest(tasks, 2).stages] == ["processes"]
    plan = Plan.fastest(tasks, 2, processes=False)
    assert [stage.executor for stage in plan.stages] == ["threads"]
    assert plan.why == "'a' holds the interpreter lock for 10.2 ms an item; 'a' stays in this process"
