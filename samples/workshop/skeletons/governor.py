"""Exercise 3: put a governor in and predict the peak."""

import trio
import trio.testing

from penstock.blocks import Call, IterableSource, Network, Transformer
from penstock.samples.workshop.phases import Phases

IMAGES = 40

PEAK_WITHOUT = 0  # step 1: your prediction
LIMIT = 1  # step 3: the smallest that costs no time


def make_network(phases: Phases, images: int) -> Network:
    """Links the camera and the four phases."""
    camera = IterableSource(phases.camera(images), name="camera")
    load = Transformer(phases.load)
    scale = Transformer(phases.scale)
    noise = Transformer(phases.noise)
    show = Call(phases.show)
    camera.link_target(load)
    load.link_target(scale)
    scale.link_target(noise)
    noise.link_target(show)
    # step 2: your governor
    return Network(camera)


async def main() -> None:
    """Runs the pipeline and prints the figures."""
    phases = Phases()
    async with make_network(phases, IMAGES):
        pass
    print(f"{phases.most_in_flight} images in the pipeline at the worst moment; the run took {phases.times[-1]:g} T")


if __name__ == "__main__":
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
