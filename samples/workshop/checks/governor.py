"""Exercise 3: checks the governor in the learner's network, and the peak that the learner has predicted."""

from __future__ import annotations

import random
from functools import cache
from itertools import chain
from types import ModuleType

import attrs

from penstock.agents import PipelineGovernor
from penstock.blocks import Call, IterableSource, Network, Stalled, Transformer
from penstock.samples.workshop.laws import number_in, part, require, run
from penstock.samples.workshop.phases import Phases

__all__ = ["HINTS", "check"]

HINTS = (
    "Draw it: one line per image, one column per T. In 2 T the camera takes two images, and noise lets one pass.",
    "`PipelineGovernor(limit=LIMIT).govern(first=…, last=…)`: an image counts from the entry into `first` until it has "
    "left `last`.",
    "An image takes 5 T, and one image leaves every 2 T. By Little's law 5 / 2 images are in the pipeline on average. "
    "Which whole number is enough?",
)
IMAGES = 40
ERRORS: dict[type[BaseException], str] = {
    Stalled: "The end of the report says what would free it: a link is missing, or a slot never comes free.",
    TypeError: "`make_network` returns a `Network`, and `govern` takes two blocks.",
    ValueError: "The governor needs a limit >= 1, and a path of links from `first` to `last`: call it after the links.",
}


@attrs.frozen
class Seen:
    """What a run has shown."""

    peak: int
    seconds: float
    order: list[int]
    governed: tuple[str, ...]


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    limit = number_in(answer, "LIMIT", "a whole number >= 1")
    part(answer, "make_network")
    free = _reference(1.0, IMAGES, None)
    dice = random.Random(3)
    for unit in [1.0, *(round(dice.uniform(0.1, 9.0), 1) for _ in range(5))]:
        _check_run(answer, unit, dice.randrange(20, 60), limit)
    _check_least(limit)
    peak = number_in(answer, "PEAK_WITHOUT", "a number of images")
    require(
        abs(peak - free.peak) <= 0.1 * free.peak,
        "the predicted peak without a governor is right to 10 %",
        f"you predict {peak:g} images",
        _why_peak(peak, free.peak),
    )
    return f"up to {limit:g} images instead of {free.peak}, and not a moment later"


def _why_peak(peak: float, right: int) -> str:
    if peak >= IMAGES:
        return "Some images have left before the last one comes in."
    if peak < right:
        return "It is more. When the last image comes in, how many has noise let pass, one in 2 T?"
    return "It is less. Count the images that have left when the last one comes in."


def _check_run(answer: ModuleType, unit: float, images: int, limit: float) -> None:
    seen = _run(answer, unit, images)
    free = _reference(unit, images, None)
    require(
        sorted(seen.order) == list(range(1, images + 1)),
        "each image is shown once",
        f"of {images} images, {len(seen.order)} were shown",
        "Keep the links from the camera to show, and the body of the network without an early end.",
    )
    require(
        seen.order == sorted(seen.order),
        "the images keep their order",
        f"they were shown as {seen.order[:8]} …",
        "Give each phase the image that it gets, and keep the links in the order of the phases.",
    )
    if seen.governed:
        hint = f"Your governor governs only: {', '.join(seen.governed)}. Which block is `first`, and which is `last`?"
    else:
        hint = "Nothing bounds the images yet. Does your governor `govern` blocks of this network?"
    require(
        seen.peak <= limit,
        "never more than LIMIT images are in the pipeline",
        f"LIMIT = {limit:g}, and {seen.peak} of {images} images were in it (T = {unit:g} s)",
        hint,
    )
    require(
        seen.seconds >= free.seconds * 0.999,
        "the phases take as long as before",
        f"{images} images took {seen.seconds / unit:g} T instead of {free.seconds / unit:g} T",
        "Leave the four blocks as they are. Load balancing is another exercise.",
    )
    require(
        seen.seconds <= free.seconds * 1.001,
        "the run takes no longer than without a governor",
        f"{images} images took {seen.seconds / unit:g} T instead of {free.seconds / unit:g} T",
        f"With a limit of {limit:g}, noise waits for images at times. Use Little's law: how many are needed?",
    )


def _check_least(limit: float) -> None:
    if limit > 1:
        fewer = _reference(1.0, IMAGES, int(limit) - 1)
        require(
            fewer.seconds > _reference(1.0, IMAGES, None).seconds * 1.001,
            "LIMIT is the smallest with which nothing gets slower",
            f"LIMIT = {limit:g}, and a limit of {int(limit) - 1} is as fast",
            "More images in the pipeline need more memory, and gain nothing. Try a smaller limit.",
        )


def _run(answer: ModuleType, unit: float, images: int) -> Seen:
    phases = Phases(unit, unit, unit, 2 * unit, unit)

    async def main() -> Network:
        network: Network = answer.make_network(phases, images)
        async with network:
            pass
        return network

    report = run(main, answer=answer, hints=ERRORS).report()
    seconds = phases.times[-1] if phases.times else 0.0
    return Seen(phases.most_in_flight, seconds, phases.shown, tuple(chain.from_iterable(report.governed.values())))


@cache
def _reference(unit: float, images: int, limit: int | None) -> Seen:
    module = ModuleType("reference")
    module.__file__ = __file__

    def make_network(phases: Phases, images: int) -> Network:
        camera = IterableSource(phases.camera(images))
        load, scale = Transformer(phases.load), Transformer(phases.scale)
        noise, show = Transformer(phases.noise), Call(phases.show)
        camera.link_target(load)
        load.link_target(scale)
        scale.link_target(noise)
        noise.link_target(show)
        if limit is not None:
            PipelineGovernor(limit=limit).govern(first=load, last=show)
        return Network(camera)

    module.__dict__["make_network"] = make_network
    return _run(module, unit, images)
