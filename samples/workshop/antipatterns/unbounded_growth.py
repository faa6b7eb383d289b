"""Unbounded growth: a quick stage fills a buffer that has no bound."""

from __future__ import annotations

import trio
import trio.testing

from penstock.agents import PipelineGovernor
from penstock.blocks import Call, IterableSource, Network, UnboundedBuffer
from penstock.samples.workshop.antipatterns.figures import AntiPattern, Figures

__all__ = ["UNBOUNDED_GROWTH"]

ITEMS, LIMIT = 10_000, 8
MEGABYTES = 3.0  # of one image


async def _take(image: int) -> None:
    await trio.sleep(2)


async def _run(limit: int | None) -> Figures:
    camera = IterableSource(range(ITEMS), name="camera")  # as quick as the buffer takes them
    buffer = UnboundedBuffer[int](name="images")
    show = Call(_take, capacity=1, name="show")
    camera.link_target(buffer)
    buffer.link_target(show)
    if limit is not None:
        PipelineGovernor(limit).govern(first=buffer, last=show)
    start = trio.current_time()
    async with Network(camera) as network:
        pass
    most = network.statistics()["images"].most_queued
    return {
        "images in the buffer, at most": most,
        "MB in the buffer, at most": most * MEGABYTES,
        "seconds until the end": trio.current_time() - start,
    }


def _harm() -> Figures:
    return trio.run(_run, None, clock=trio.testing.MockClock(autojump_threshold=0))


def _cure() -> Figures:
    return trio.run(_run, LIMIT, clock=trio.testing.MockClock(autojump_threshold=0))


UNBOUNDED_GROWTH = AntiPattern(
    "Unbounded growth",
    _harm,
    _cure,
    "The slowest stage sets the pace, and a longer queue in front of it makes nothing faster. Bound the items in "
    "flight with a governor, or the queue with a `BoundedBuffer`.",
)
