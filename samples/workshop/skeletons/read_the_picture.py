"""Exercise 2: read the picture of a run."""

import random
from pathlib import Path

import trio

from penstock.blocks import Call, Network, Recording, Transformer

SLOWEST = ""  # "load", "scale", "noise" or "show"
FILL_SECONDS = 0.0
STEADY_SECONDS = 0.0

HERE = Path(__file__).parent
ITEMS = 6


async def load(item: int) -> int:
    """Stands for reading an image."""
    await trio.sleep(SECONDS["load"])
    return item


async def scale(item: int) -> int:
    """Stands for making an image smaller."""
    await trio.sleep(SECONDS["scale"])
    return item


async def noise(item: int) -> int:
    """Stands for adding noise to an image."""
    await trio.sleep(SECONDS["noise"])
    return item


async def show(item: int) -> None:
    """Stands for showing an image."""
    await trio.sleep(SECONDS["show"])


async def main(recording: Recording) -> None:
    """Runs the pipeline."""
    loader, scaler = Transformer(load, capacity=1), Transformer(scale, capacity=1)
    noiser, shower = Transformer(noise, capacity=1), Call(show, capacity=1)
    loader.link_target(scaler)
    scaler.link_target(noiser)
    noiser.link_target(shower)
    async with Network(loader, name="exercise 2", recording=recording):
        for item in range(1, ITEMS + 1):
            await loader.send(item)


if __name__ == "__main__":
    slow, *others = random.sample(["load", "scale", "noise", "show"], 4)
    SECONDS = {slow: random.uniform(0.3, 0.45)} | {name: random.uniform(0.12, 0.22) for name in others}
    recording = Recording()
    trio.run(main, recording)
    recording.save(HERE / "02_run.svg")
    recording.save(HERE / "02_run.json")
    print("Now look at 02_run.svg, and write your answers at the top of this file.")
