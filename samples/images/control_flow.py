"""The control-flow mode: one agent per phase, with buffers between them; the agents take and free slots themselves."""

# An image takes a slot of the governor before it is loaded. Its slot is freed after the output, or where the image
# fails: the chapter's agents pass an error on to the last agent for that, but here the agent that catches the error
# frees the slot.

from __future__ import annotations

from collections.abc import Sequence

import attrs

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import BoundedBuffer, Source, Target, UnboundedBuffer
from penstock.samples.images.contact_sheet import SheetEntry, places_on
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import do_phase, published
from penstock.samples.images.record import ImageInfo, Job, Phase, PhaseError
from penstock.samples.images.settings import OnError, Settings
from penstock.samples.images.sheet_keeper import SheetKeeper
from penstock.samples.watch import Watch

__all__ = ["run_control_flow"]

_MAX_LOADED = 4  # loaded images that may wait for the scaler: they can be large, unlike thumbnails


async def run_control_flow(
    jobs: Sequence[Job], settings: Settings, observer: Observer, watch: Watch, sheet: SheetKeeper | None
) -> None:
    """Run the four agents over `jobs`, and a fifth one for the contact sheet if `sheet` is given."""
    line = _Line(PipelineGovernor(settings.governor, name="images in flight"), settings, observer, sheet)
    loaded = BoundedBuffer[ImageInfo](_MAX_LOADED, name="loaded")
    scaled = UnboundedBuffer[ImageInfo](name="scaled")
    noisy = UnboundedBuffer[ImageInfo](name="noisy")
    published = UnboundedBuffer[SheetEntry](name="published")
    drawers = [] if sheet is None else [SheetAgent(published, sheet, places_on(settings))]
    async with watch.network(
        LoadAgent(jobs, loaded, line),
        PhaseAgent(Phase.SCALE, loaded, scaled, line),
        PhaseAgent(Phase.NOISE, scaled, noisy, line),
        OutputAgent(noisy, published if sheet is not None else None, line),
        *drawers,
        name="images, control flow",
    ):
        pass


@attrs.define(eq=False)
class _Line:
    """What the agents share: the slots, and the handling of images that fail."""

    governor: PipelineGovernor
    settings: Settings
    observer: Observer
    sheet: SheetKeeper | None

    async def wait_for_slot(self) -> None:
        """Take a slot, and report to the observer how long that takes."""
        self.observer.on_hold(True)
        await self.governor.wait_for_available_slot()
        self.observer.on_hold(False)

    async def attempt(self, phase: Phase, item: Job | ImageInfo) -> ImageInfo | None:
        """Do the work of a phase. If the image fails and is to be skipped, report it, free its slot and return None."""
        try:
            return await do_phase(phase, self.settings, self.observer, item)
        except PhaseError as error:
            self._failed(error)
            return None

    async def publish(self, info: ImageInfo) -> list[SheetEntry]:
        """Give the thumbnail its place, and free the slot."""
        try:
            entries = await published(info, self.settings, self.observer, self.sheet)
        except PhaseError as error:
            self._failed(error)
            return []
        self.governor.free_slot()
        return entries

    def _failed(self, error: PhaseError) -> None:
        if self.settings.on_error is OnError.FAIL or error.failure.ends_run:
            raise error
        self.observer.on_error(error.failure)
        self.governor.free_slot()


class LoadAgent(Agent):
    """Takes a slot for each job and loads its image."""

    def __init__(self, jobs: Sequence[Job], loaded: Target[ImageInfo], line: _Line) -> None:
        super().__init__(outputs=[loaded], name="load")
        self._jobs, self._loaded, self._line = jobs, loaded, line

    async def run(self) -> None:
        """Load all jobs."""
        for job in self._jobs:
            await self._line.wait_for_slot()
            info = await self._line.attempt(Phase.LOAD, job)
            if info is not None:
                await self._loaded.send(info)


class PhaseAgent(Agent):
    """Takes images from one buffer, does one phase, and puts them into the next buffer."""

    def __init__(self, phase: Phase, source: Source[ImageInfo], target: Target[ImageInfo], line: _Line) -> None:
        super().__init__(inputs=[source], outputs=[target], name=phase.value)
        self._phase, self._source, self._target, self._line = phase, source, target, line

    async def run(self) -> None:
        """Work until the agent before has finished and its buffer is empty."""
        async for info in self._source:
            done = await self._line.attempt(self._phase, info)
            if done is not None:
                await self._target.send(done)


class OutputAgent(Agent):
    """Writes the thumbnails, frees their slots, and sends entries for the contact sheet."""

    def __init__(self, noisy: Source[ImageInfo], published: Target[SheetEntry] | None, line: _Line) -> None:
        super().__init__(inputs=[noisy], outputs=[] if published is None else [published], name="output")
        self._noisy, self._published, self._line = noisy, published, line

    async def run(self) -> None:
        """Write until all images have come."""
        async for info in self._noisy:
            written = await self._line.attempt(Phase.OUTPUT, info)
            if written is None:
                continue
            for entry in await self._line.publish(written):
                assert self._published is not None
                await self._published.send(entry)


class SheetAgent(Agent):
    """Draws a page of the contact sheet whenever there are enough thumbnails for one."""

    def __init__(self, published: Source[SheetEntry], sheet: SheetKeeper, places: int) -> None:
        super().__init__(inputs=[published], name="contact sheet")
        self._published, self._sheet, self._places = published, sheet, places

    async def run(self) -> None:
        """Draw full pages, and the rest onto the last page."""
        page: list[SheetEntry] = []
        async for entry in self._published:
            page.append(entry)
            if len(page) == self._places:
                await self._sheet.draw(page)
                page = []
        await self._sheet.draw(page)
