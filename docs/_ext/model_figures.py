"""Draws the chapter's scheduling diagrams from real runs in model time, before Sphinx reads the pages.

The phases wait instead of working, on a clock that jumps, so a figure is the same on every machine, and shows what the
blocks really do. The pages include the files of docs/_generated/, which git ignores.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import trio
import trio.testing
from sphinx.application import Sphinx

from penstock.agents import SequenceMultiplexer
from penstock.blocks import Call, Network, Recording, Source, Span, Transformer

IMAGES = 6
WIDTH = 760
Phase = Callable[[int], Awaitable[int]]


class Clocked:
    """Phases that wait, and note when they worked on which image; T is one second."""

    def __init__(self, noise: float) -> None:
        self.seconds = {"load": 1.0, "scale": 1.0, "noise": noise, "show": 1.0}
        self.spans: list[Span] = []

    def phase(self, stage: str, worker: str) -> Phase:
        """A phase, done by a worker."""

        async def work(image: int) -> int:
            start = trio.current_time()
            await trio.sleep(self.seconds[stage])
            self.spans.append(Span(stage, worker, image, start, trio.current_time()))
            return image

        return work


async def run_in_turn(clocked: Clocked) -> None:
    """The loop: one image after the other."""
    for image in range(1, IMAGES + 1):
        for stage in clocked.seconds:
            await clocked.phase(stage, stage)(image)


async def run_blocks(clocked: Clocked, filters: int) -> None:
    """A pipeline of blocks; several filters share the noise."""
    load = Transformer(clocked.phase("load", "load"), name="load")
    scale = Transformer(clocked.phase("scale", "scale"), name="scale")
    show = Call(clocked.phase("show", "show"), name="show")
    load.link_target(scale)
    workers = [f"noise {number}" for number in range(1, filters + 1)] if filters > 1 else ["noise"]
    noises = [Transformer(clocked.phase("noise", worker), capacity=1, name=worker) for worker in workers]
    for noise in noises:
        scale.link_target(noise)
    in_order: Source[int] = SequenceMultiplexer(*noises, key=lambda image: image) if filters > 1 else noises[0]
    in_order.link_target(show)
    async with Network(load):
        for image in range(1, IMAGES + 1):
            await load.send(image)


def record(noise: float, filters: int) -> Recording:
    """A recording of a run in model time; no filters means the loop."""
    clocked = Clocked(noise)

    async def main() -> float:
        start = trio.current_time()
        await (run_blocks(clocked, filters) if filters else run_in_turn(clocked))
        return start

    start = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    spans = [Span(span.stage, span.worker, span.item, span.start - start, span.end - start) for span in clocked.spans]
    return Recording.of(spans, stages=clocked.seconds, network=f"{IMAGES} images, T = 1 s")


FIGURES: dict[str, tuple[float, int]] = {
    "sequential": (1.0, 0),
    "pipeline": (1.0, 1),
    "unbalanced": (2.0, 1),
    "balanced": (2.0, 2),
}
"""The files, and for each the seconds of the noise and the number of its filters."""


def write_figures(app: Sphinx) -> None:
    """Write the figures."""
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    for name, (noise, filters) in FIGURES.items():
        record(noise, filters).save(folder / f"model-{name}.svg", width=WIDTH)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_figures)
    return {"parallel_read_safe": True}
