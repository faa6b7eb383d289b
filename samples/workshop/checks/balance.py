"""Exercise 5: checks that several noise filters share the work, that the order is kept, and the predictions."""

from __future__ import annotations

import random
from types import ModuleType

from penstock.agents import SequenceError
from penstock.blocks import Network, Stalled
from penstock.samples.workshop.laws import number_in, part, require, run
from penstock.samples.workshop.phases import Phases

__all__ = ["HINTS", "check"]

HINTS = (
    "Make the filters in a loop: `for number in range(1, filters + 1):`, each with a `name`, and link scale to each.",
    "A block with `capacity=1` that works on an image is full, so the next image goes to the next filter.",
    "`SequenceMultiplexer(key=lambda image: image)`: link every filter to it, and it to show. It begins with number 1.",
    "The first image is shown after T + T + 2 T + T. With two filters, the others follow at intervals of T.",
)
ERRORS: dict[type[BaseException], str] = {
    Stalled: "Something is not linked. Every filter needs scale before it and the multiplexer after it.",
    SequenceError: "The multiplexer expects the numbers 1, 2, 3 …, each once. What does your `key` return?",
}


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    part(answer, "make_network")
    dice = random.Random(5)
    for filters in (2, 3, 1, 4):
        _check_balance(answer, filters, round(dice.uniform(0.5, 5.0), 1))
        _check_order(answer, filters, random.Random(filters))
    period = "the predicted time from image to image is right to 5 %"
    _check_prediction(
        answer, "PERIOD_OF_ONE", 2.0, period, "With one filter, which phase is the slowest, and how long is it?"
    )
    _check_prediction(answer, "PERIOD_OF_TWO", 1.0, period, "Two filters finish two images in 2 T.")
    whole = "the predicted time of six images is right to 5 %"
    _check_prediction(answer, "SIX_IMAGES", 10.0, whole, "How long until the first image is shown? And then five more.")
    return "with k filters for a noise of k T, one image is shown every T, in order"


def _check_prediction(answer: ModuleType, name: str, right: float, law: str, hint: str) -> None:
    number = number_in(answer, name, "a number, in T")
    require(abs(number - right) <= 0.05 * right, law, f"`{name}` is {number:g}", hint)


def _run(answer: ModuleType, phases: Phases, images: int, filters: int) -> Network:
    async def main() -> Network:
        network: Network = answer.make_network(phases, images, filters)
        async with network:
            pass
        return network

    return run(main, answer=answer, hints=ERRORS)


def _check_balance(answer: ModuleType, filters: int, unit: float) -> None:
    phases, images = Phases(0, unit, unit, filters * unit, unit), 8 * filters
    network = _run(answer, phases, images, filters)
    noise = [block for block in network.statistics().blocks if block.name.startswith("noise")]
    require(
        len(noise) == filters,
        "there are as many noise filters as `filters` says",
        f"filters = {filters}; blocks with a name that begins with noise: {len(noise)}",
        _why_number(len(noise)),
    )
    shares = [block.received for block in noise]
    require(
        min(shares) > 0,
        "all filters work",
        f"of {images} images they took {shares}",
        "The first filter takes all images that it has room for. Give each of them `capacity=1`.",
    )
    _check_images(phases.shown, images)
    require(
        abs(phases.steady_seconds - unit) <= 0.05 * unit,
        "with k filters and a noise of k T, one image is shown every T",
        f"with {filters} filters it is one every {phases.steady_seconds / unit:.3g} T; they took {shares}",
        "The shares are not equal, or something else waits. Has each filter `capacity=1` and `concurrency=1`?",
    )


def _why_number(blocks: int) -> str:
    if blocks == 1:
        return "Here the filters are blocks of their own: make them in a loop, with the names 'noise 1', 'noise 2' …"
    return "The number is given: `for number in range(1, filters + 1):`, and the name of each begins with 'noise'."


def _check_order(answer: ModuleType, filters: int, dice: random.Random) -> None:
    phases = Phases(0, 1, 1, lambda image: dice.choice((1, 2, 9)), 1)
    _run(answer, phases, 30, filters)
    _check_images(phases.shown, 30)


def _check_images(shown: list[int], images: int) -> None:
    require(
        sorted(shown) == list(range(1, images + 1)),
        "each image is shown once",
        f"of {images} images, {len(shown)} were shown",
        "Does each filter lead to show, along one path only?",
    )
    place = next((n for n, image in enumerate(shown, start=1) if image != n), 0)
    require(
        not place,
        "the images are shown in order, although the noise takes longer for some",
        f"image {shown[place - 1]} came where image {place} was due",
        "A filter that is quicker with its image overtakes the others. What puts the images back into order?",
    )
