"""The load-balanced mode: data flow with several filter blocks and a multiplexer behind them."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.agents import PipelineGovernor, SequenceMultiplexer
from penstock.blocks import Call, Network, Transformer
from penstock.samples.images.data_flow import MAX_LOADED, error_policy
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import Phases
from penstock.samples.images.record import ImageInfo, Job
from penstock.samples.images.settings import Settings

__all__ = ["run_load_balanced"]


async def run_load_balanced(jobs: Sequence[Job], settings: Settings, observer: Observer) -> None:
    """Send `jobs` through load, scale, one of the filters, the multiplexer and output."""
    phases = Phases(settings, observer)
    on_error = error_policy(settings, observer)
    loader = Transformer(phases.load, on_error=on_error, name="load")
    scaler = Transformer(phases.scale, capacity=MAX_LOADED, on_error=on_error, name="scale")
    # The scaler offers an image to one filter after the other; with room for one that waits, a filter that has its
    # share declines for the moment, and the next one takes it. The window lets a filter go on while its results
    # wait at the multiplexer for a slower filter's image; the governor bounds them all.
    filterers = [
        Transformer(phases.noise, capacity=1, window=settings.governor, on_error=on_error, name=f"noise {number}")
        for number in range(1, settings.filters + 1)
    ]
    in_order = SequenceMultiplexer[ImageInfo](key=lambda info: info.sequence, name="in order")
    writer = Call(phases.output, on_error=on_error, name="output")
    loader.link_target(scaler)
    for filterer in filterers:
        scaler.link_target(filterer)
        filterer.link_target(in_order)
    in_order.link_target(writer)
    PipelineGovernor(settings.governor, name="images in flight").govern(first=loader, last=writer)
    async with Network(loader, name="images, load balanced"):
        for job in jobs:
            await loader.send(job)  # waits for a slot of the governor
