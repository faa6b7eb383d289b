"""Runs one mode as the command line asks for it, and writes what shall remain of the run."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

import trio

from penstock.samples.images.observer import Observer
from penstock.samples.images.options import Options
from penstock.samples.images.record import Job, Phase
from penstock.samples.images.report import RunReport
from penstock.samples.images.run import Stop, run
from penstock.samples.images.settings import Mode, Settings, SheetPlan, Workers
from penstock.samples.observing import file_of_mode
from penstock.samples.watch import Watch

__all__ = ["files_of", "run_mode"]


async def run_mode(
    mode: Mode,
    options: Options,
    jobs: Sequence[Job],
    folder: Path,
    observer: Observer,
    stop: Stop,
    executor: Executor | None,
) -> RunReport:
    """Run `jobs` in `mode`, with a contact sheet, recordings and diagrams; return what is to be said of it."""
    watch = Watch(files_of(options.record, mode, options), files_of(options.diagram, mode, options), options.time_limit)
    settings = _settings(options, folder, len(jobs))
    result = await run(mode, jobs, settings, observer, stop, executor, watch)
    return RunReport(
        result,
        folder,
        *_workers_of(mode, options),
        saved=await trio.to_thread.run_sync(watch.save),
        network=watch.report() if options.report else None,
    )


def files_of(paths: Sequence[Path], mode: Mode, options: Options) -> list[Path]:
    """Return the files of one mode."""
    return [file_of_mode(path, mode.value) if options.compare else path for path in paths]


def _settings(options: Options, folder: Path, count: int) -> Settings:
    return Settings(
        output=folder,
        size=options.size,
        noise=options.noise,
        on_error=options.on_error,
        filters=options.filters,
        governor=options.governor,
        at_once=options.at_once,
        digits=max(4, len(str(count))),
        sheet=SheetPlan.for_images(count),
    )


def _workers_of(mode: Mode, options: Options) -> tuple[Workers | None, int]:
    """What the phases are called in, and how many images can be in work at a time."""
    match mode:
        case Mode.SEQUENTIAL:
            return None, 1
        case Mode.CONTROL_FLOW:
            return None, len(Phase)
        case Mode.DATA_FLOW | Mode.LOAD_BALANCED:
            return options.executor, options.workers
