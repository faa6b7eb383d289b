"""Makes the blocks of the modes that have some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from penstock.agents import Plan, PlanStage
from penstock.blocks import (
    Batch,
    Call,
    DeadLetter,
    ErrorInfo,
    Processes,
    Threads,
    Transformer,
    TransformMany,
    WorkerDied,
)
from penstock.samples.images.contact_sheet import SheetEntry, SheetPage, draw_page, places_on
from penstock.samples.images.cut import phases_of, stage_name
from penstock.samples.images.load import get_ready
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import published, work_of, work_of_all
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase, PhaseError
from penstock.samples.images.settings import OnError, Settings
from penstock.samples.images.sheet_keeper import SheetKeeper

__all__ = ["Stages", "error_policy"]

Stage = Transformer[Any, ImageInfo]


class Stages:
    """Makes the blocks of one run; the phases run in `executor`."""

    def __init__(self, settings: Settings, observer: Observer, executor: Executor, sheet: SheetKeeper | None) -> None:
        self._settings = settings
        self._observer = observer
        self._executor = executor
        self._workers = executor if settings.model is None else None  # waits need no workers
        self._sheet = sheet
        self._on_error = error_policy(settings, observer)

    def load(self) -> Stage:
        """Load. Only a few images may wait after this block, because they can be large, unlike thumbnails."""
        return self._worker(Phase.LOAD, window=2 * self._settings.at_once.load)

    def scale(self) -> Stage:
        """Shrink and frame."""
        return self._worker(Phase.SCALE, capacity=2 * self._settings.at_once.scale)

    def noise(self) -> Stage:
        """Add noise."""
        return self._worker(Phase.NOISE)

    def filter(self, number: int) -> Stage:
        """One of several blocks that share the noise phase.

        It has room for one image. While it has one, it postpones the next, and another filter takes that. The window
        lets the block go on while its results wait at the multiplexer for the image of a slower filter.
        """
        return Transformer(
            self._work(Phase.NOISE),
            executor=self._workers,
            capacity=1,
            window=self._settings.governor,
            on_error=self._on_error,
            name=f"noise {number}",
        )

    def output(self) -> Stage:
        """Write hidden files."""
        return self._worker(Phase.OUTPUT)

    def planned(self, plan: Plan) -> list[Stage]:
        """Return the stages of a plan; each works on several phases with its own workers."""
        return [self._planned(stage, phases) for stage, phases in zip(plan.stages, phases_of(plan), strict=True)]

    def _planned(self, stage: PlanStage, phases: Sequence[Phase]) -> Stage:
        executor: Executor | None = None
        if stage.executor == "threads":
            executor = Threads(stage.workers, abandon_on_cancel=self._settings.abandons)
        elif stage.executor == "processes":
            abandons = self._settings.abandons
            executor = Processes(stage.workers, worker_init=get_ready, abandon_on_cancel=abandons)
        return Transformer(
            work_of_all(phases, self._settings),
            executor=executor,
            concurrency=stage.workers,
            window=2 * stage.workers,
            on_error=self._on_error,
            name=stage_name(phases),
        )

    def loaded(self) -> Transformer[ImageInfo, ImageInfo]:
        """Report each loaded image to the observer; this runs on the loop, where the observer must be called."""

        def tell(info: ImageInfo) -> ImageInfo:
            self._observer.on_progress(Phase.LOAD, info)
            return info

        return Transformer(tell, capacity=1, name="loaded")

    def publish(self) -> TransformMany[ImageInfo, SheetEntry]:
        """Move files to their places, report the phases since loading to the observer, and pass entries to the sheet.

        A block after each phase could report sooner, but would cost a tenth of a millisecond per image.
        """

        async def publish(info: ImageInfo) -> list[SheetEntry]:
            for phase in (Phase.SCALE, Phase.NOISE, Phase.OUTPUT):
                self._observer.on_progress(phase, info)
            return await published(info, self._settings, self._observer, self._sheet)

        return TransformMany(publish, on_error=self._on_error, name="publish")

    def add_contact_sheet(self, publisher: TransformMany[ImageInfo, SheetEntry]) -> None:
        """Link the blocks for the contact sheet after `publisher`: they collect entries, and a worker draws each page.

        The slots of the governor are freed before these blocks, because only file names wait here.
        """
        if self._sheet is None:
            return
        page = Batch[SheetEntry](places_on(self._settings), capacity=None, name="page")
        drawer: Transformer[list[SheetEntry], SheetPage] = Transformer(
            partial(draw_page, settings=self._settings),
            executor=self._executor,
            on_error=DeadLetter(Call(_not_drawn, name="not drawn")),
            name="contact sheet",
        )
        publisher.link_target(page)
        page.link_target(drawer)
        drawer.link_target(Call(self._sheet.keep, name="drawn"))

    def _work(self, phase: Phase) -> Callable[[Any], ImageInfo | Awaitable[ImageInfo]]:
        """Return the function of a phase: it works in a worker, or waits on the loop."""
        model = self._settings.model
        return work_of(phase, self._settings) if model is None else partial(model.work, phase)

    def _worker(self, phase: Phase, window: int | None = None, capacity: int | None = None) -> Stage:
        return Transformer(
            self._work(phase),
            executor=self._workers,
            concurrency=self._settings.at_once.of(phase),
            window=window,
            capacity=capacity,
            on_error=self._on_error,
            name=phase.value,
        )


def _not_drawn(error: ErrorInfo) -> None:
    """If the worker of a page has died, leave the page to the end of the run; raise every other error."""
    if not isinstance(error.exception, WorkerDied):
        raise error.exception


def error_policy(settings: Settings, observer: Observer) -> DeadLetter:
    """Return the policy for images that fail: a block reports them, or ends the run."""

    def report(error: ErrorInfo) -> None:
        failure = _failure(error)
        if settings.on_error is OnError.FAIL or failure.ends_run:
            raise PhaseError(failure) from error.exception
        observer.on_error(failure)

    return DeadLetter(Call(report, name="failed"))


def _failure(error: ErrorInfo) -> Failure:
    """Return the failure of an image; raise errors that the image did not cause."""
    match error:
        case ErrorInfo(exception=PhaseError() as known):
            return known.failure
        case ErrorInfo(exception=WorkerDied(), item=Job() | ImageInfo() as item):
            return Failure(item.sequence, item.path, Phase(error.phase.split()[0]), "its worker process has died")
        case _:
            raise error.exception
