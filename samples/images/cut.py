"""Measures the phases, and finds the best way to cut them into stages."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import attrs

from penstock.agents import Pipeline, Plan, PlanStage
from penstock.samples.images.phases import work_of
from penstock.samples.images.record import ImageInfo, Job, Phase
from penstock.samples.images.settings import Settings

__all__ = ["MEASURED", "find_plan", "phase_by_phase", "phases_of", "stage_name"]

MEASURED = 20
"""The phases are measured with up to this many pictures."""
_ASSUMED_LOCK = 0.2  # on a busy machine the lock cannot be measured; Pillow and NumPy release it while they work


async def find_plan(jobs: Sequence[Job], settings: Settings, cores: int, processes: bool) -> Plan:
    """Measure the phases with some of the pictures, and return the best plan; thumbnails go to a temporary folder.

    Args:
        jobs: the images, one or more.
        settings: the settings of the run.
        cores: the number of processors.
        processes: whether stages may run in processes.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True) as folder:
        profile = await _chain(attrs.evolve(settings, output=Path(folder))).profile(
            itertools.islice(jobs, MEASURED), count=MEASURED
        )
    # in the run, every stage has the same policy for failures, so the phases may share stages
    tasks = tuple(attrs.evolve(task, is_alone=False) for task in profile.tasks)
    return attrs.evolve(profile, tasks=tasks).plan(cores, assume_lock=_ASSUMED_LOCK, processes=processes)


def phases_of(plan: Plan) -> list[list[Phase]]:
    """Return the phases of each stage."""
    phases = list(Phase)
    return [phases[phases.index(Phase(stage.first)) : phases.index(Phase(stage.last)) + 1] for stage in plan.stages]


def phase_by_phase() -> Plan:
    """Return a plan with a stage per phase."""
    return Plan(PlanStage(phase.value) for phase in Phase)


def stage_name(phases: Sequence[Phase]) -> str:
    """Return the name of a stage."""
    return " + ".join(phase.value for phase in phases)


def _chain(settings: Settings) -> Pipeline[Job | ImageInfo, ImageInfo]:
    """The four phases; pictures that fail are left out."""
    first, *others = Phase
    chain = Pipeline(work_of(first, settings), name=first.value, on_error="skip")
    for phase in others:
        chain = chain.map(work_of(phase, settings), name=phase.value, on_error="skip")
    return chain
