"""Runs one mode over a list of jobs: the only interface between the pipelines and a user interface."""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor
from enum import Enum
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from penstock.blocks import Threads, TimeLimitExceeded
from penstock.samples.images.clock import clock
from penstock.samples.images.contact_sheet import SheetEntry, SheetPage
from penstock.samples.images.control_flow import run_control_flow
from penstock.samples.images.data_flow import run_data_flow
from penstock.samples.images.load_balanced import run_load_balanced
from penstock.samples.images.observer import Observer, Observers
from penstock.samples.images.planned import run_planned
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase, PhaseError, Stamp
from penstock.samples.images.recorded import recorded_by_hand
from penstock.samples.images.sequential import run_sequential
from penstock.samples.images.settings import Mode, Settings, usable_cpus
from penstock.samples.images.sheet_keeper import SheetKeeper
from penstock.samples.images.stop import Stop
from penstock.samples.images.unfinished import unfinished
from penstock.samples.watch import Watch

_E = TypeVar("_E", bound=Exception)

__all__ = ["Finished", "Outcome", "RunResult", "run"]


class Outcome(Enum):
    """How a run ended."""

    DONE = "done"  # every image came out or was skipped
    FAILED = "failed"  # an image failed, and the user wanted the run to end then, or all others would fail too
    STOPPED = "stopped"  # by the stop command
    LATE = "late"  # it took longer than the time limit


@attrs.frozen
class Finished:
    """An image that came out, without its pixels."""

    sequence: int
    number: int
    path: Path
    written: Path
    digest: str
    stamps: tuple[Stamp, ...]
    note: str = ""


@attrs.frozen
class RunResult:
    """The result of a run; `finished` and `failures` are in order of the sequence numbers.

    Args:
        seconds: wall-clock seconds, from the first load to the last thumbnail on disk.
        total: the number of jobs; larger than finished and failures together if the run ended early.
        pages: the pages of the contact sheet.
        late: the message of the time limit that ended the run, with where its images were; empty if none did.
    """

    mode: Mode
    outcome: Outcome
    seconds: float
    total: int
    finished: tuple[Finished, ...]
    failures: tuple[Failure, ...]
    pages: tuple[SheetPage, ...] = ()
    late: str = ""


async def run(
    mode: Mode,
    jobs: Sequence[Job],
    settings: Settings,
    observer: Observer,
    stop: Stop,
    executor: Executor | None = None,
    watch: Watch | None = None,
    keep: int | None = None,
    kept: Sequence[SheetEntry] = (),
) -> RunResult:
    """Run `jobs` in `mode`; `observer` is told of all events, and `stop` ends the run early.

    Failures of images are in the result, never raised. After any outcome, the thumbnails in `finished` are on disk,
    whole, and no others.

    Args:
        mode: one of the modes.
        jobs: the images, numbered from 1.
        settings: the settings of the run.
        observer: called on the trio thread.
        stop: the stop command.
        executor: the executor for the phases, if the mode has blocks; None for a thread per processor.
        watch: observes the run, and limits its time.
        keep: the result has only this many of the newest finished images, and of the newest failures; None for all.
        kept: entries of an earlier run for the contact sheet, without places.
    """
    record = _Record(keep)
    watch = Watch() if watch is None else watch
    late, pages = "", list[SheetPage]()
    observers = Observers([record, observer])
    outcome = Outcome.DONE
    started = clock.now()
    try:
        with unfinished(settings) as settings:
            sheet = None if settings.sheet is None else SheetKeeper(settings, kept)
            try:
                with stop.watched():
                    await _work_through(mode, jobs, settings, observers, executor, watch, sheet)
            finally:
                if sheet is not None:
                    pages = await sheet.finish()
    except* TimeLimitExceeded as group:
        outcome, late = Outcome.LATE, "\n".join(str(error) for error in _leaves(group))
    except* PhaseError as group:
        outcome = Outcome.FAILED
        for error in _leaves(group):
            observers.on_error(error.failure)
    seconds = clock.now() - started
    if mode is Mode.SEQUENTIAL and watch.recordings:
        images = ((image.sequence, image.path.name, image.stamps) for image in record.finished)
        watch.recording = recorded_by_hand("images, sequential", images, pages, started, seconds)
    if stop.requested:
        outcome = Outcome.STOPPED
    failures = tuple(sorted(record.failures, key=lambda failure: failure.sequence))
    return RunResult(mode, outcome, seconds, len(jobs), tuple(record.finished), failures, tuple(pages), late)


async def _work_through(
    mode: Mode,
    jobs: Sequence[Job],
    settings: Settings,
    observer: Observer,
    executor: Executor | None,
    watch: Watch,
    sheet: SheetKeeper | None,
) -> None:
    """Run the pipeline of `mode`. It raises PhaseError, alone or in a group, if a failed image ends the run."""
    match mode:
        case Mode.SEQUENTIAL:
            with _limited(watch.time_limit):
                await run_sequential(jobs, settings, observer, sheet)
        case Mode.CONTROL_FLOW:
            await run_control_flow(jobs, settings, observer, watch, sheet)
        case Mode.DATA_FLOW:
            await run_data_flow(jobs, settings, observer, executor or Threads(usable_cpus()), watch, sheet)
        case Mode.LOAD_BALANCED:
            await run_load_balanced(jobs, settings, observer, executor or Threads(usable_cpus()), watch, sheet)
        case Mode.PLANNED:
            await run_planned(jobs, settings, observer, executor or Threads(usable_cpus()), watch, sheet)


@contextlib.contextmanager
def _limited(seconds: float | None) -> Generator[None]:
    """Limit the time of the body as a network does; for the mode without a network."""
    with trio.move_on_after(math.inf if seconds is None else seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise TimeLimitExceeded(f"the run took longer than {seconds:g} s")


class _Record(Observer):
    """Keeps the data that the result needs, without pixels."""

    def __init__(self, keep: int | None) -> None:
        self.finished = deque[Finished](maxlen=keep)
        self.failures = deque[Failure](maxlen=keep)

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """Nothing to keep: the stamps come with the finished image."""

    def on_image(self, info: ImageInfo) -> None:
        """Keep the image's names and times."""
        assert info.written is not None
        assert info.digest is not None
        assert not self.finished or self.finished[-1].sequence < info.sequence, "out of order"
        self.finished.append(
            Finished(info.sequence, info.number, info.path, info.written, info.digest, info.stamps, info.note)
        )

    def on_error(self, failure: Failure) -> None:
        """Keep the failure."""
        self.failures.append(failure)


def _leaves(group: BaseExceptionGroup[_E]) -> Iterator[_E]:
    """Yield the exceptions in a group of groups, in order."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
