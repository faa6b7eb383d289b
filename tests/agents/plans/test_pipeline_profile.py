"""Profiles: what they say, how they become plans, and how they are saved."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from penstock.agents import HandOverCosts, PipelineProfile, Plan, TaskProfile


def task(name: str, seconds: float, processor: float, lock: float | None, **more: Any) -> TaskProfile:
    return TaskProfile(name=name, seconds=seconds, processor_seconds=processor, lock_share=lock, **more)


PROFILE = PipelineProfile(
    tasks=(
        task("load", 0.002, 0.0015, 0.1, spread_seconds=1e-4, result_bytes=6e6),
        task("keep", 1e-6, 1e-6, None, copy_seconds=None, is_alone=True),
        task("count", 0.001, 0.001, 1.0, calls_per_item=0.5, is_stateful=True),
        task("save", 0.001, 0.001, 0.0, in_processes=False, failed=2),
        task("batch 3", 0.0, 0.0, 0.0, calls_per_item=0, is_fixed=True),
    ),
    items=50,
    item_bytes=5,
)


def test_it_shows_a_table() -> None:
    assert str(PROFILE).splitlines() == [
        "50 items of 5 B",
        "task        time   spread  processor  lock       result  calls",
        "load     2.00 ms   100 µs    1.50 ms   10%      5.7 MiB",
        "keep     1.00 µs  0.00 ns    1.00 µs     ?  not pickled         alone",
        "count    1.00 ms  0.00 ns    1.00 ms  100%          0 B    0.5  stateful",
        "save     1.00 ms  0.00 ns    1.00 ms    0%          0 B         not in processes",
        "batch 3  0.00 ns  0.00 ns    0.00 ns    0%          0 B      0  as written",
        "Note: 2 calls of 'save' raised; their items were tried again or left out.",
        "Note: no item came to 'batch 3', so it seems to cost nothing.",
    ]
    assert str(attrs.evolve(PROFILE, item_copy_seconds=None)).startswith("50 items\n")


def test_a_plan_counts_each_task_as_often_as_it_is_called_for_an_item() -> None:
    plan = PROFILE.plan(4)
    tasks = [task.plan_task for task in PROFILE.tasks]
    assert [task.seconds for task in tasks] == [0.002, 1e-6, 0.0005, 0.001, 0.0]
    assert tasks[2].lock_seconds == 0.0005
    assert plan == Plan.fastest(tasks, 4, notes=PROFILE.notes)
    assert [stage.name for stage in plan.stages] == ["load", "keep", "count", "save", "batch 3"]
    assert plan.notes[-1].startswith("assumed, not measured: 'keep' holds the interpreter lock for 100%")
    assert (
        PROFILE.plan(4, assume_lock=0.5).notes[-1].startswith("assumed, not measured: 'keep' holds the lock") is False
    )


def test_a_busy_machine_is_told() -> None:
    busy = attrs.evolve(PROFILE, free_cores=1.25)
    assert PROFILE.is_free
    assert not busy.is_free
    note = (
        "the machine was busy while the tasks were measured (1.2 of 2 cores were free), so the times may be too long; "
        "measure again when it is free"
    )
    assert busy.notes[0] == note
    assert busy.plan(2).notes[0] == note


def test_a_saved_profile_is_loaded_as_it_was(tmp_path: Path) -> None:
    measured = attrs.evolve(PROFILE, hand_over=HandOverCosts(caller=(1e-3, 2e-3, 3e-3)))
    measured.save(tmp_path / "profile.json")
    assert PipelineProfile.load(tmp_path / "profile.json") == measured


def test_a_file_without_the_costs_of_hand_overs_has_the_usual_ones(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(changed())
    assert PipelineProfile.load(path).hand_over == HandOverCosts()


def test_a_plan_counts_the_measured_hand_overs() -> None:
    slow = attrs.evolve(PROFILE, hand_over=HandOverCosts(caller=(1e-3, 2e-3, 3e-3)))
    before, after = PROFILE.plan(4).period, slow.plan(4).period
    assert before is not None
    assert after is not None
    assert after > before + 5e-4


def written(**fields: object) -> str:
    return json.dumps({"format": "penstock profile", "version": 1, "items": 3, **fields})


def changed(**fields: object) -> str:
    return written(tasks=[{"name": "a", "seconds": 1, **fields}])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", r"expected a profile that was written with save\(\)"),
        (changed(seconds="x"), r"damaged \(TaskProfile 'a': seconds must be a number >= 0, got 'x'\)"),
        (changed(lock_share=2), "lock_share must be between 0 and 1, got 2"),
        (changed(lock_share="all"), "lock_share must be a number >= 0, got 'all'"),
        (changed(name=3), r"damaged \(PlanTask: name must be a text, got 3\)"),
        (changed(is_fixed=1), "is_fixed must be True or False, got 1"),
        (written(tasks=[], hand_over=3), r"damaged \(hand_over must be an object, got 3\)"),
        (
            written(tasks=[], hand_over={"caller": [1]}),
            r"damaged \(HandOverCosts: a cost must be 3 numbers, got \(1,\)",
        ),
        (changed(colour=1), r"tasks\[0\] has an unknown field 'colour'"),
    ],
)
def test_a_file_that_is_no_profile_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        PipelineProfile.load(path)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"tasks": ["a"]}, TypeError, "PipelineProfile: each task must be a TaskProfile, got 'a'"),
        ({"items": 0}, ValueError, "PipelineProfile: items must be an int >= 1, got 0"),
        ({"item_bytes": -1}, ValueError, "item_bytes must be a number >= 0"),
        ({"item_copy_seconds": -1}, ValueError, "item_copy_seconds must be a number >= 0"),
        ({"hand_over": 0.1}, TypeError, "PipelineProfile: hand_over must be HandOverCosts, got 0.1"),
        ({"free_cores": None}, ValueError, "free_cores must be a number >= 0"),
    ],
)
def test_wrong_values_are_refused(fields: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        attrs.evolve(PROFILE, **fields)
    assert message in str(caught.value)


def test_a_profile_without_tasks_has_no_plan() -> None:
    with pytest.raises(ValueError, match="needs one task or more"):
        PipelineProfile(tasks=(), items=1).plan(2)
