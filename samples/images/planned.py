"""The planned mode: data flow with the stages of a plan; a stage may do several phases, and has its own workers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from penstock.agents import PipelineGovernor
from penstock.samples.images.cut import phase_by_phase
from penstock.samples.images.observer import Observer
from penstock.samples.images.record import Job
from penstock.samples.images.settings import Settings
from penstock.samples.images.sheet_keeper import SheetKeeper
from penstock.samples.images.stages import Stages
from penstock.samples.watch import Watch

__all__ = ["run_planned"]


async def run_planned(
    jobs: Sequence[Job],
    settings: Settings,
    observer: Observer,
    executor: Executor,
    watch: Watch,
    sheet: SheetKeeper | None,
) -> None:
    """Send `jobs` through the stages of a plan, and a block that publishes."""
    stages = Stages(settings, observer, executor, sheet)
    loader, *others = stages.planned(settings.plan or phase_by_phase())
    last = stages.loaded()
    loader.link_target(last)
    for stage in others:
        last.link_target(stage)
        last = stage
    publisher = stages.publish()
    last.link_target(publisher)
    stages.add_contact_sheet(publisher)
    PipelineGovernor(settings.governor, name="images in flight").govern(first=loader, last=publisher)
    async with watch.network(loader, name="images, planned"):
        for job in jobs:
            await loader.send(job)  # waits for a slot of the governor
