"""The load-balanced mode: data flow with several filter blocks and a multiplexer behind them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from penstock.agents import PipelineGovernor, SequenceMultiplexer
from penstock.samples.images.observer import Observer
from penstock.samples.images.record import ImageInfo, Job
from penstock.samples.images.settings import Settings
from penstock.samples.images.sheet_keeper import SheetKeeper
from penstock.samples.images.stages import Stages
from penstock.samples.watch import Watch

__all__ = ["run_load_balanced"]


async def run_load_balanced(
    jobs: Sequence[Job],
    settings: Settings,
    observer: Observer,
    executor: Executor,
    watch: Watch,
    sheet: SheetKeeper | None,
) -> None:
    """Send `jobs` through load, scale, one of the filters, the multiplexer, output and publish."""
    stages = Stages(settings, observer, executor, sheet)
    loader = stages.load()
    loaded = stages.loaded()
    scaler = stages.scale()
    filterers = [stages.filter(number) for number in range(1, settings.filters + 1)]
    in_order = SequenceMultiplexer[ImageInfo](key=lambda info: info.sequence, name="in order")
    writer = stages.output()
    publisher = stages.publish()
    loader.link_target(loaded)
    loaded.link_target(scaler)
    for filterer in filterers:
        scaler.link_target(filterer)  # the scaler offers each image to one filter after the other
        filterer.link_target(in_order)
    in_order.link_target(writer)
    writer.link_target(publisher)
    stages.add_contact_sheet(publisher)
    PipelineGovernor(settings.governor, name="images in flight").govern(first=loader, last=publisher)
    async with watch.network(loader, name="images, load balanced"):
        for job in jobs:
            await loader.send(job)  # waits for a slot of the governor
