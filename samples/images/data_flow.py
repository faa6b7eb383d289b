"""The data-flow mode: one block per phase, linked into a line that a governor limits."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from penstock.agents import PipelineGovernor
from penstock.samples.images.observer import Observer
from penstock.samples.images.record import Job
from penstock.samples.images.settings import Settings
from penstock.samples.images.sheet_keeper import SheetKeeper
from penstock.samples.images.stages import Stages
from penstock.samples.watch import Watch

__all__ = ["run_data_flow"]


async def run_data_flow(
    jobs: Sequence[Job],
    settings: Settings,
    observer: Observer,
    executor: Executor,
    watch: Watch,
    sheet: SheetKeeper | None,
) -> None:
    """Send `jobs` through load, scale, noise, output and publish."""
    stages = Stages(settings, observer, executor, sheet)
    loader = stages.load()
    loaded = stages.loaded()
    scaler = stages.scale()
    filterer = stages.noise()
    writer = stages.output()
    publisher = stages.publish()
    loader.link_target(loaded)
    loaded.link_target(scaler)
    scaler.link_target(filterer)
    filterer.link_target(writer)
    writer.link_target(publisher)
    stages.add_contact_sheet(publisher)
    PipelineGovernor(settings.governor, name="images in flight").govern(first=loader, last=publisher)
    async with watch.network(loader, name="images, data flow"):
        for job in jobs:
            await loader.send(job)  # waits for a slot of the governor
