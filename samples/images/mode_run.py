"""Runs one mode as the command line says, and writes its manifest, recordings and diagrams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

import attrs
import trio
from rich.console import Console

from penstock.agents import Plan as PlanOfStages
from penstock.samples.images.contact_sheet import sheet_name
from penstock.samples.images.cut import find_plan
from penstock.samples.images.jobs import Jobs
from penstock.samples.images.manifest import write_manifest
from penstock.samples.images.model import MadePicture, Model
from penstock.samples.images.options import Options
from penstock.samples.images.predict import schedule
from penstock.samples.images.progress import ProgressDisplay, Reported
from penstock.samples.images.record import Failure, Job, Phase
from penstock.samples.images.report import RunReport
from penstock.samples.images.resume import Plan, make_plan, no_longer_belongs
from penstock.samples.images.run import Outcome, RunResult, run
from penstock.samples.images.settings import Mode, Settings, SheetPlan, Workers
from penstock.samples.images.stop import Stop
from penstock.samples.observing import file_of_mode
from penstock.samples.watch import Watch

__all__ = ["files_of", "run_mode", "settings_of"]


async def run_mode(
    mode: Mode,
    options: Options,
    jobs: Jobs,
    folder: Path,
    screen: Console,
    reported: Reported,
    stop: Stop,
    executor: Executor | None,
    made: Mapping[Path, MadePicture | Failure] | None = None,
) -> RunReport:
    """Run `jobs` in `mode`, with a contact sheet, recordings and diagrams; return the report.

    With pictures that were `made` beforehand, run the model.
    """
    watch = Watch(files_of(options.record, mode, options), files_of(options.diagram, mode, options), options.time_limit)
    settings = settings_of(options, folder, len(jobs))
    if made is not None:
        settings = attrs.evolve(settings, sheet=None, model=Model(options.times, made))
    plan = await trio.to_thread.run_sync(make_plan, jobs, settings, options.resume)
    if not plan.jobs and (folder / sheet_name(1)).exists():
        settings = attrs.evolve(settings, sheet=None)  # the sheet would be the same
    if mode is Mode.PLANNED and plan.jobs:
        settings = attrs.evolve(settings, plan=await _planned(plan.jobs, settings, options, screen, stop))
    with ProgressDisplay(screen, mode, len(plan.jobs), reported) as display:
        result = await run(
            mode, plan.jobs, settings, display, stop, executor, watch, kept=plan.on_sheet(settings.output)
        )
    manifest, problems, stale = await trio.to_thread.run_sync(_leave_manifest, plan, result, settings, options.resume)
    return RunReport(
        result,
        folder,
        *_workers_of(mode, options),
        saved=await trio.to_thread.run_sync(watch.save),
        network=watch.report() if options.report else None,
        kept=len(plan.kept),
        manifest=manifest,
        problems=problems,
        stale=stale,
        predicted=schedule(mode, settings, options.times.by_phase, len(plan.jobs)).last if options.model else None,
    )


async def _planned(
    jobs: Sequence[Job], settings: Settings, options: Options, screen: Console, stop: Stop
) -> PlanOfStages | None:
    """Measure the phases, show the best plan, and return it; None if the measurement was stopped."""
    with screen.status("measuring the phases"), stop.watched():
        found = await find_plan(jobs, settings, options.workers, options.executor is Workers.PROCESSES)
        screen.print(str(found), highlight=False, markup=False, soft_wrap=True)
        return found
    return None


def _leave_manifest(
    plan: Plan, result: RunResult, settings: Settings, resumes: bool
) -> tuple[tuple[Path, ...], tuple[str, ...], tuple[str, ...]]:
    """Write the manifest; return its files, its problems, and the thumbnails that no longer belong to a picture."""
    ended = result.outcome is Outcome.DONE and resumes
    stale = no_longer_belongs(settings.output, plan, result) if ended else []
    try:
        manifest = write_manifest(settings.output, plan.entries(result), settings)
    except OSError as error:
        return (), (f"manifest not written: {error.strerror or error}",), tuple(stale)
    return tuple(manifest), (), tuple(stale)


def files_of(paths: Sequence[Path], mode: Mode, options: Options) -> list[Path]:
    """Return the files of one mode."""
    return [file_of_mode(path, mode.value) if options.compare else path for path in paths]


def settings_of(options: Options, folder: Path, count: int) -> Settings:
    """Return the settings of a run of `count` images."""
    return Settings(
        output=folder,
        size=options.size,
        noise=options.noise,
        layers=options.layers,
        on_error=options.on_error,
        filters=options.filters,
        governor=options.governor,
        at_once=options.at_once,
        sheet=SheetPlan.for_images(count),
    )


def _workers_of(mode: Mode, options: Options) -> tuple[Workers | None, int]:
    """Return the kind of workers, and how many images can be worked on at once."""
    match mode:
        case Mode.SEQUENTIAL:
            return None, 1
        case Mode.LOAD_BALANCED if options.model:
            return None, len(Phase) - 1 + options.filters
        case _ if options.model:
            return None, len(Phase)
        case Mode.CONTROL_FLOW:
            return None, len(Phase)
        case Mode.DATA_FLOW | Mode.LOAD_BALANCED | Mode.PLANNED:
            return options.executor, options.workers
