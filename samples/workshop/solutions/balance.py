"""Exercise 5: share the slow phase between several filters."""

import trio
import trio.testing

from penstock.agents import SequenceMultiplexer
from penstock.blocks import Call, IterableSource, Network, Transformer
from penstock.samples.workshop.phases import Phases

# Predictions, in T. Load, scale and show take T per image, and noise takes 2 T.
PERIOD_OF_ONE = 2.0  # from image to image, with one noise filter
PERIOD_OF_TWO = 1.0  # from image to image, with two
SIX_IMAGES = 10.0  # the whole run of 6 images, with two: 5 T until the first is shown, and 5 more


def make_network(phases: Phases, images: int, filters: int) -> Network:
    """Links the phases, with some noise filters that share the work."""
    camera = IterableSource(range(1, images + 1), name="camera")
    load = Transformer(phases.load)
    scale = Transformer(phases.scale)
    in_order = SequenceMultiplexer[int](key=lambda image: image, name="in order")
    show = Call(phases.show)
    camera.link_target(load)
    load.link_target(scale)
    for number in range(1, filters + 1):
        noise = Transformer(phases.noise, capacity=1, name=f"noise {number}")
        scale.link_target(noise)
        noise.link_target(in_order)
    in_order.link_target(show)
    return Network(camera)


async def main() -> None:
    """Runs the pipeline with one filter and with two, and prints the figures."""
    for filters in (1, 2):
        phases = Phases()
        async with make_network(phases, 6, filters):
            pass
        period, whole = phases.steady_seconds, phases.times[-1]
        print(f"{filters} noise: {period:g} T per image, 6 images in {whole:g} T, shown as {phases.shown}")


if __name__ == "__main__":
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
