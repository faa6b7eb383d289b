"""The control-flow mode: one agent a phase, buffers between them, the governor's slots by hand."""

# An image takes a slot of the governor before it is loaded, and gives it back after the output or where it
# failed. The chapter's agents pass an error on to the last one for that; here the agent that catches the
# error frees the slot itself.

from __future__ import annotations

from collections.abc import Sequence

import attrs

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import BoundedBuffer, Source, Target, UnboundedBuffer
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import in_thread, published
from penstock.samples.images.record import ImageInfo, Job, Phase, PhaseError
from penstock.samples.images.settings import OnError, Settings
from penstock.samples.watch import Watch

__all__ = ["run_control_flow"]

_MAX_LOADED = 4  # loaded images that may wait for the scaler: they can be large, unlike thumbnails


async def run_control_flow(jobs: Sequence[Job], settings: Settings, observer: Observer, watch: Watch) -> None:
    """Run the four agents over `jobs`."""
    line = _Line(PipelineGovernor(settings.governor, name="images in flight"), settings, observer)
    loaded = BoundedBuffer[ImageInfo](_MAX_LOADED, name="loaded")
    scaled = UnboundedBuffer[ImageInfo](name="scaled")
    noisy = UnboundedBuffer[ImageInfo](name="noisy")
    async with watch.network(
        LoadAgent(jobs, loaded, line),
        PhaseAgent(Phase.SCALE, loaded, scaled, line),
        PhaseAgent(Phase.NOISE, scaled, noisy, line),
        OutputAgent(noisy, line),
        name="images, control flow",
    ):
        pass


@attrs.define(eq=False)
class _Line:
    """What the agents share: the slots, and what to do with an image that failed."""

    governor: PipelineGovernor
    settings: Settings
    observer: Observer

    async def attempt(self, phase: Phase, item: Job | ImageInfo) -> ImageInfo | None:
        """Do the work; where it fails and shall be skipped, report, free the slot and return None."""
        try:
            info = await in_thread(phase, self.settings, self.observer, item)
            if phase is Phase.OUTPUT:
                await published(info, self.settings, self.observer)
        except PhaseError as error:
            if self.settings.on_error is OnError.STOP:
                raise
            self.observer.on_error(error.failure)
            self.governor.free_slot()
            return None
        return info


class LoadAgent(Agent):
    """Takes a slot for each job and loads its image."""

    def __init__(self, jobs: Sequence[Job], loaded: Target[ImageInfo], line: _Line) -> None:
        super().__init__(outputs=[loaded], name="load")
        self._jobs, self._loaded, self._line = jobs, loaded, line

    async def run(self) -> None:
        """Load until there are no more jobs."""
        for job in self._jobs:
            await self._line.governor.wait_for_available_slot()
            info = await self._line.attempt(Phase.LOAD, job)
            if info is not None:
                await self._loaded.send(info)


class PhaseAgent(Agent):
    """Takes images from one buffer, does one phase, and puts them into the next."""

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
    """Writes the thumbnails and gives their slots back."""

    def __init__(self, noisy: Source[ImageInfo], line: _Line) -> None:
        super().__init__(inputs=[noisy], name="output")
        self._noisy, self._line = noisy, line

    async def run(self) -> None:
        """Write until there is nothing more to come."""
        async for info in self._noisy:
            if await self._line.attempt(Phase.OUTPUT, info):
                self._line.governor.free_slot()
