"""The control-flow mode: one agent a phase, buffers between them, the governor's slots by hand."""

# An image takes a slot of the governor before it is loaded, and gives it back after the output or where it
# failed. The chapter's agents pass an error on to the last one for that; here the agent that catches the
# error frees the slot itself.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import attrs

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import BoundedBuffer, Network, Source, Target, UnboundedBuffer
from penstock.samples.images.data_flow import MAX_LOADED
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import Phases
from penstock.samples.images.record import ImageInfo, Job, PhaseError
from penstock.samples.images.settings import OnError, Settings

__all__ = ["run_control_flow"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


async def run_control_flow(jobs: Sequence[Job], settings: Settings, observer: Observer) -> None:
    """Run the four agents over `jobs`."""
    phases = Phases(settings, observer)
    line = _Line(PipelineGovernor(settings.governor, name="images in flight"), settings.on_error, observer)
    loaded = BoundedBuffer[ImageInfo](MAX_LOADED, name="loaded")
    scaled = UnboundedBuffer[ImageInfo](name="scaled")
    noisy = UnboundedBuffer[ImageInfo](name="noisy")
    async with Network(
        LoadAgent(jobs, loaded, phases, line),
        PhaseAgent("scale", loaded, scaled, phases.scale, line),
        PhaseAgent("noise", scaled, noisy, phases.noise, line),
        OutputAgent(noisy, phases, line),
        name="images, control flow",
    ):
        pass


@attrs.define(eq=False)
class _Line:
    """What the agents share: the slots, and what to do with an image that failed."""

    governor: PipelineGovernor
    on_error: OnError
    observer: Observer

    async def attempt(self, work: Callable[[_In], Awaitable[_Out]], item: _In) -> _Out | None:
        """Do the work; where it fails and shall be skipped, report, free the slot and return None."""
        try:
            return await work(item)
        except PhaseError as error:
            if self.on_error is OnError.STOP:
                raise
            self.observer.on_error(error.failure)
            self.governor.free_slot()
            return None


class LoadAgent(Agent):
    """Takes a slot for each job and loads its image."""

    def __init__(self, jobs: Sequence[Job], loaded: Target[ImageInfo], phases: Phases, line: _Line) -> None:
        super().__init__(outputs=[loaded], name="load")
        self._jobs, self._loaded, self._phases, self._line = jobs, loaded, phases, line

    async def run(self) -> None:
        """Load until there are no more jobs."""
        for job in self._jobs:
            await self._line.governor.wait_for_available_slot()
            info = await self._line.attempt(self._phases.load, job)
            if info is not None:
                await self._loaded.send(info)


class PhaseAgent(Agent):
    """Takes images from one buffer, does one phase, and puts them into the next."""

    def __init__(
        self,
        name: str,
        source: Source[ImageInfo],
        target: Target[ImageInfo],
        work: Callable[[ImageInfo], Awaitable[ImageInfo]],
        line: _Line,
    ) -> None:
        super().__init__(inputs=[source], outputs=[target], name=name)
        self._source, self._target, self._work, self._line = source, target, work, line

    async def run(self) -> None:
        """Work until the agent before has finished and its buffer is empty."""
        async for info in self._source:
            done = await self._line.attempt(self._work, info)
            if done is not None:
                await self._target.send(done)


class OutputAgent(Agent):
    """Writes the thumbnails and gives their slots back."""

    def __init__(self, noisy: Source[ImageInfo], phases: Phases, line: _Line) -> None:
        super().__init__(inputs=[noisy], name="output")
        self._noisy, self._phases, self._line = noisy, phases, line

    async def run(self) -> None:
        """Write until there is nothing more to come."""
        async for info in self._noisy:
            if await self._line.attempt(self._write, info):
                self._line.governor.free_slot()

    async def _write(self, info: ImageInfo) -> bool:
        await self._phases.output(info)
        return True
