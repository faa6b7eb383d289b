"""The phases in the stages of a plan: the same thumbnails and failures, whatever the stages are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import attrs
import pytest
import trio

from penstock.agents import Plan, PlanStage
from penstock.samples.images.cut import find_plan, phases_of
from penstock.samples.images.files import find_pictures
from penstock.samples.images.jobs import list_jobs
from penstock.samples.images.observer import Observer
from penstock.samples.images.record import Failure, ImageInfo, Phase
from penstock.samples.images.run import Outcome, run
from penstock.samples.images.settings import Mode, Settings
from penstock.samples.images.stop import Stop


class Listener(Observer, Protocol):
    """What the fixture `listener` is."""

    progress: list[tuple[Phase, int]]
    images: list[ImageInfo]
    failures: list[Failure]
    hook: Callable[[ImageInfo], None]


def stages(text: str) -> Plan:
    """Make a plan of "load-scale:2 noise-output:loop"."""
    made: list[PlanStage] = []
    for part in text.split():
        names, _, how = part.partition(":")
        first, _, last = names.partition("-")
        more: dict[str, Any] = {"workers": int(how)} if how.isdigit() else {"executor": how} if how else {}
        made.append(PlanStage(first, last or first, **more))
    return Plan(made)


PLANS = [
    "load-output:3",
    "load scale noise output",
    "load:2 scale-noise:2 output:loop",
    "load-scale:loop noise-output:2",
]


@pytest.mark.parametrize("text", [*PLANS, pytest.param("load-noise:processes output", marks=pytest.mark.slow)])
async def test_the_thumbnails_do_not_depend_on_the_stages(
    text: str, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    jobs = list_jobs(find_pictures(photo_folder), repeat=2)
    expected = await run(Mode.SEQUENTIAL, jobs, settings, listener, Stop())
    listener.progress.clear()
    result = await run(Mode.PLANNED, jobs, attrs.evolve(settings, plan=stages(text)), listener, Stop())
    assert result.outcome is Outcome.DONE
    assert [image.digest for image in result.finished] == [image.digest for image in expected.finished]
    assert [[stamp.phase for stamp in image.stamps] for image in result.finished] == [list(Phase)] * 12
    assert sorted(listener.progress, key=lambda p: (p[1], list(Phase).index(p[0]))) == [
        (phase, number) for number in range(1, 13) for phase in Phase
    ]


@pytest.mark.parametrize("text", PLANS[:2])
async def test_a_bad_file_is_named_with_its_phase(
    text: str, dirty_folder: Path, bad_files: dict[str, str], settings: Settings, listener: Listener
) -> None:
    jobs = list_jobs(find_pictures(dirty_folder))
    result = await run(Mode.PLANNED, jobs, attrs.evolve(settings, plan=stages(text)), listener, Stop())
    assert [failure.path.name for failure in result.failures] == list(bad_files)
    assert {failure.phase for failure in result.failures} == {Phase.LOAD}


def test_the_phases_of_the_stages() -> None:
    found = phases_of(stages("load-scale:2 noise output"))
    assert found == [[Phase.LOAD, Phase.SCALE], [Phase.NOISE], [Phase.OUTPUT]]


def test_the_plan_is_made_from_some_pictures_and_leaves_nothing_behind(dirty_folder: Path, settings: Settings) -> None:
    jobs = list_jobs(find_pictures(dirty_folder), repeat=2)
    before = sorted(dirty_folder.iterdir())
    plan = trio.run(find_plan, jobs, settings, 2, False)
    assert [phase for phases in phases_of(plan) for phase in phases] == list(Phase)
    assert {stage.executor for stage in plan.stages} <= {"threads", "loop"}
    assert any("calls of 'load' raised" in note for note in plan.notes)
    assert list(settings.output.iterdir()) == []
    assert sorted(dirty_folder.iterdir()) == before
