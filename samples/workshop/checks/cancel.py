"""Exercise 7: checks both ways to stop, with a camera and a disk that note what they do."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from types import ModuleType

import trio

from penstock.blocks import Stalled
from penstock.samples.workshop.laws import Refused, part, require, run

__all__ = ["HINTS", "check"]

HINTS = (
    "`source = IterableSource(camera)`, linked to `Call(save)`. In the body of the network: `await stop.wait()`.",
    "`await source.aclose()` lets a source read no more; leaving the body then waits until all is saved. "
    "`network.cancel()` stops at once.",
    'After the `async with`: `network.balance()["save"].consumed` is the number of pictures saved, and '
    "`network.balance().discarded` that of all that were thrown away.",
)
ERRORS: dict[type[BaseException], str] = {
    Stalled: "The network cannot go on. Is the source linked to a `Call`?",
    trio.TooSlowError: "Stop without an exception: `network.cancel()` raises none.",
    TimeoutError: "The camera has no end. After `stop`, something must end the source: `aclose` of the source.",
    KeyError: 'The block is named after its function; give it a name: `Call(save, name="save")`.',
}


class Scene:
    """A camera, a disk and a button."""

    def __init__(self, stop_after: float, every: float, save_seconds: float) -> None:
        self.stop = trio.Event()
        self.stop_after, self.every, self.save_seconds = stop_after, every, save_seconds
        self.taken: list[int] = []
        self.taken_at_stop = 0
        self.begun: list[int] = []
        self.saved: list[int] = []
        self.seconds_after_stop = 0.0

    async def camera(self) -> AsyncIterator[int]:
        """Give pictures without an end."""
        while True:
            self.taken.append(len(self.taken) + 1)
            yield self.taken[-1]
            await trio.sleep(self.every)

    async def save(self, picture: int) -> None:
        """Save a picture."""
        self.begun.append(picture)
        await trio.sleep(self.save_seconds)
        self.saved.append(picture)

    async def press(self) -> None:
        """Press the button after some time."""
        await trio.sleep(self.stop_after)
        self.taken_at_stop = len(self.taken)
        self.stop.set()


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    part(answer, "finish")
    part(answer, "abandon")
    dice = random.Random(7)
    for _ in range(10):
        times = (round(dice.uniform(3, 30), 2), round(dice.uniform(0.3, 1.0), 2), round(dice.uniform(1.1, 3.0), 2))
        _check_finish(answer, Scene(*times))
        _check_abandon(answer, Scene(*times))
    return "`finish` saves all that was taken, and `abandon` ends at once and says what is lost"


def _run(answer: ModuleType, name: str, scene: Scene) -> object:
    async def main() -> object:
        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scene.press)
            result: object = await getattr(answer, name)(scene.camera(), scene.save, scene.stop)
        scene.seconds_after_stop = trio.current_time() - start - scene.stop_after
        return result

    return run(main, answer=answer, hints=ERRORS)


def _check_finish(answer: ModuleType, scene: Scene) -> None:
    result = _run(answer, "finish", scene)
    law = "`finish` saves every picture that was taken, in order"
    seen = f"{len(scene.taken)} pictures were taken, and {len(scene.saved)} saved"
    if not scene.saved:
        raise Refused(law, seen, "Is the camera linked to the disk, and does the network run until `stop`?")
    hint = "Pictures that were taken are lost. Do not cancel: end the source, and leave the body of the network."
    require(scene.saved == scene.taken, law, seen, hint)
    require(
        len(scene.taken) <= scene.taken_at_stop + 1,
        "after `stop`, `finish` takes at most one more picture",
        f"it took {len(scene.taken) - scene.taken_at_stop} more",
        "End the source at `stop`, before everything else.",
    )
    require(
        result == len(scene.saved),
        "`finish` returns how many pictures were saved",
        f"it returned {result!r} instead of {len(scene.saved)}",
        "Read the balance after the `async with`: only then everything has been saved.",
    )


def _check_abandon(answer: ModuleType, scene: Scene) -> None:
    result = _run(answer, "abandon", scene)
    require(
        scene.seconds_after_stop <= 0.001,
        "`abandon` ends at the moment of `stop`",
        f"it ended {scene.seconds_after_stop:.1f} s after it",
        "It still saves what was waiting. Here the network should be cancelled.",
    )
    right = (len(scene.saved), len(scene.taken) - len(scene.saved))
    if result == right:
        return
    raise Refused(
        "`abandon` returns how many pictures were saved, and how many were discarded",
        f"it returned {result!r}; {right[0]} were saved, of {len(scene.taken)} that were taken",
        _why(result, right),
    )


def _why(result: object, right: tuple[int, int]) -> str:
    if not isinstance(result, tuple):
        return "Return two numbers: `return saved, discarded`."
    if result == right[::-1]:
        return "The other way round: first saved, then discarded."
    if result[:1] == right[:1]:
        return (
            "The picture that was just being saved is lost, too. The balance counts all: `network.balance().discarded`."
        )
    return "Only pictures for which `save` has ended are saved: `consumed` in the balance of that block."
