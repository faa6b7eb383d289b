"""The sequential mode: one image after the other, one phase after the other."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.samples.images.contact_sheet import SheetEntry, places_on
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import do_phase, published
from penstock.samples.images.record import Job, Phase, PhaseError
from penstock.samples.images.settings import OnError, Settings
from penstock.samples.images.sheet_keeper import SheetKeeper

__all__ = ["run_sequential"]


async def run_sequential(
    jobs: Sequence[Job], settings: Settings, observer: Observer, sheet: SheetKeeper | None
) -> None:
    """Work through `jobs` in a plain loop, without Penstock."""
    page: list[SheetEntry] = []
    for job in jobs:
        try:
            info = await do_phase(Phase.LOAD, settings, observer, job)
            for phase in (Phase.SCALE, Phase.NOISE, Phase.OUTPUT):
                info = await do_phase(phase, settings, observer, info)
            page += await published(info, settings, observer, sheet)
        except PhaseError as error:
            if settings.on_error is OnError.FAIL or error.failure.ends_run:
                raise
            observer.on_error(error.failure)
        if sheet is not None and len(page) >= places_on(settings):
            await sheet.draw(page)
            page = []
    if sheet is not None:
        await sheet.draw(page)
