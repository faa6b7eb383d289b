"""The sequential mode: one image after the other, one phase after the other."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import Phases
from penstock.samples.images.record import Job, PhaseError
from penstock.samples.images.settings import OnError, Settings

__all__ = ["run_sequential"]


async def run_sequential(jobs: Sequence[Job], settings: Settings, observer: Observer) -> None:
    """Work through `jobs` in a plain loop, without any of Penstock."""
    phases = Phases(settings, observer)
    for job in jobs:
        try:
            loaded = await phases.load(job)
            scaled = await phases.scale(loaded)
            noisy = await phases.noise(scaled)
            await phases.output(noisy)
        except PhaseError as error:
            if settings.on_error is OnError.STOP:
                raise
            observer.on_error(error.failure)
