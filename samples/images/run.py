"""Runs one mode over a list of jobs: the only thing a user interface needs to know of the pipelines."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor
from enum import Enum
from pathlib import Path

import attrs
import trio

from penstock.blocks import Threads
from penstock.samples.images.control_flow import run_control_flow
from penstock.samples.images.data_flow import run_data_flow
from penstock.samples.images.load_balanced import run_load_balanced
from penstock.samples.images.observer import Observer, Observers
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase, PhaseError, Stamp
from penstock.samples.images.sequential import run_sequential
from penstock.samples.images.settings import Mode, Settings, usable_cpus

__all__ = ["Finished", "Outcome", "RunResult", "Stop", "run"]


class Outcome(Enum):
    """How a run ended."""

    DONE = "done"  # every image came out or was skipped
    FAILED = "failed"  # an image failed, and the user wanted that to end the run
    STOPPED = "stopped"  # by the stop command


@attrs.frozen
class Finished:
    """What remains of an image that came out: everything but its pixels."""

    sequence: int
    path: Path
    written: Path
    digest: str
    stamps: tuple[Stamp, ...]


@attrs.frozen
class RunResult:
    """The whole story of a run; `finished` and `failures` are in order of the sequence numbers.

    Args:
        seconds: wall time, from the first load to the last thumbnail on disk.
        total: the number of jobs; more than finished and failures together where the run ended early.
    """

    mode: Mode
    outcome: Outcome
    seconds: float
    total: int
    finished: tuple[Finished, ...]
    failures: tuple[Failure, ...]


class Stop:
    """The stop command: `request()` ends the run in progress at once, and later runs before they begin."""

    def __init__(self) -> None:
        self._requested = False
        self._scopes: set[trio.CancelScope] = set()

    @property
    def requested(self) -> bool:
        """Whether somebody wants the end."""
        return self._requested

    def request(self) -> None:
        """Ask for the end; to be called on the trio thread, any number of times."""
        self._requested = True
        for scope in self._scopes:
            scope.cancel()

    @contextlib.contextmanager
    def watched(self) -> Generator[None]:
        """Cancel the body as soon as the end is requested."""
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            if self._requested:
                scope.cancel()
            try:
                yield
            finally:
                self._scopes.discard(scope)


async def run(
    mode: Mode,
    jobs: Sequence[Job],
    settings: Settings,
    observer: Observer,
    stop: Stop,
    executor: Executor | None = None,
) -> RunResult:
    """Run `jobs` in `mode`; `observer` hears of everything, `stop` ends it early.

    Failures of images are in the result, never raised. Whatever the outcome, the thumbnails in `finished` are
    on disk, whole, and no others.

    Args:
        mode: one of the four.
        jobs: the images, numbered from 1.
        settings: what is to be done with them.
        observer: is told on the trio thread.
        stop: the stop command.
        executor: what the blocks call the phases in, if the mode has blocks; None for a thread a processor.
    """
    record = _Record()
    observers = Observers([record, observer])
    outcome = Outcome.DONE
    started = time.perf_counter()
    try:
        with _unfinished(settings) as settings, stop.watched():
            await _work_through(mode, jobs, settings, observers, executor)
    except* PhaseError as group:
        outcome = Outcome.FAILED
        for failure in _failures(group):
            observers.on_error(failure)
    seconds = time.perf_counter() - started
    if stop.requested:
        outcome = Outcome.STOPPED
    failures = tuple(sorted(record.failures, key=lambda failure: failure.sequence))
    return RunResult(mode, outcome, seconds, len(jobs), tuple(record.finished), failures)


async def _work_through(
    mode: Mode, jobs: Sequence[Job], settings: Settings, observer: Observer, executor: Executor | None
) -> None:
    """Run the pipeline of `mode`; it raises PhaseError, alone or in a group, if it must stop."""
    match mode:
        case Mode.SEQUENTIAL:
            await run_sequential(jobs, settings, observer)
        case Mode.CONTROL_FLOW:
            await run_control_flow(jobs, settings, observer)
        case Mode.DATA_FLOW:
            await run_data_flow(jobs, settings, observer, executor or Threads(usable_cpus()))
        case Mode.LOAD_BALANCED:
            await run_load_balanced(jobs, settings, observer, executor or Threads(usable_cpus()))


@contextlib.contextmanager
def _unfinished(settings: Settings) -> Generator[Settings]:
    """Make a hidden folder for files that are being written; what is still in it at the end goes with it."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # each image will say by itself what is wrong with the output folder
            folder = Path(tempfile.mkdtemp(prefix=".", suffix=".unfinished", dir=settings.output))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            settings = attrs.evolve(settings, unfinished=folder)
        yield settings


class _Record(Observer):
    """Keeps what the result needs, and nothing as large as pixels."""

    def __init__(self) -> None:
        self.finished: list[Finished] = []
        self.failures: list[Failure] = []

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """Nothing to keep: the stamps come with the finished image."""

    def on_image(self, info: ImageInfo) -> None:
        """Keep the image's names and times."""
        assert info.written is not None
        assert info.digest is not None
        assert not self.finished or self.finished[-1].sequence < info.sequence, "out of order"
        self.finished.append(Finished(info.sequence, info.path, info.written, info.digest, info.stamps))

    def on_error(self, failure: Failure) -> None:
        """Keep the failure."""
        self.failures.append(failure)


def _failures(group: BaseExceptionGroup[PhaseError]) -> Iterator[Failure]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _failures(error)
        else:
            yield error.failure
