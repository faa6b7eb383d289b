"""The data-flow mode: one block a phase, linked into a line, with a governor over the whole of it."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.agents import PipelineGovernor
from penstock.blocks import Call, DeadLetter, ErrorInfo, Fail, Network, Transformer
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import Phases
from penstock.samples.images.record import Job, PhaseError
from penstock.samples.images.settings import OnError, Settings

__all__ = ["MAX_LOADED", "error_policy", "run_data_flow"]

MAX_LOADED = 4
"""How many loaded images may wait for the scaler: they can be large, unlike thumbnails."""


async def run_data_flow(jobs: Sequence[Job], settings: Settings, observer: Observer) -> None:
    """Send `jobs` through the four blocks."""
    phases = Phases(settings, observer)
    on_error = error_policy(settings, observer)
    loader = Transformer(phases.load, on_error=on_error, name="load")
    scaler = Transformer(phases.scale, capacity=MAX_LOADED, on_error=on_error, name="scale")
    filterer = Transformer(phases.noise, on_error=on_error, name="noise")
    writer = Call(phases.output, on_error=on_error, name="output")
    loader.link_target(scaler)
    scaler.link_target(filterer)
    filterer.link_target(writer)
    PipelineGovernor(settings.governor, name="images in flight").govern(first=loader, last=writer)
    async with Network(loader, name="images, data flow"):
        for job in jobs:
            await loader.send(job)  # waits for a slot of the governor


def error_policy(settings: Settings, observer: Observer) -> Fail | DeadLetter:
    """Return what blocks do with an image that fails: end the run, or hand it to a block that reports it."""
    if settings.on_error is OnError.STOP:
        return Fail()

    def report(error: ErrorInfo) -> None:
        if not isinstance(error.exception, PhaseError):  # not the image's fault but ours
            raise error.exception
        observer.on_error(error.exception.failure)

    return DeadLetter(Call(report, name="failed"))
