"""Makes the blocks of the two data-flow modes."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Any

from penstock.blocks import Batch, Call, DeadLetter, ErrorInfo, Transformer, TransformMany, WorkerDied
from penstock.samples.images.contact_sheet import SheetEntry, SheetPage, draw_page, places_on
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import published, work_of
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
            work_of(Phase.NOISE, self._settings),
            executor=self._executor,
            capacity=1,
            window=self._settings.governor,
            on_error=self._on_error,
            name=f"noise {number}",
        )

    def output(self) -> Stage:
        """Write hidden files."""
        return self._worker(Phase.OUTPUT)

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

    def _worker(self, phase: Phase, window: int | None = None, capacity: int | None = None) -> Stage:
        return Transformer(
            work_of(phase, self._settings),
            executor=self._executor,
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
