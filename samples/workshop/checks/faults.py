"""Exercise 6: checks that a fault stops both networks, and that it is known which picture was not saved."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from itertools import count, islice
from types import ModuleType

import trio

from penstock.blocks import Stalled
from penstock.samples.workshop.laws import Refused, leaves, part, require, run

__all__ = ["HINTS", "check"]

HINTS = (
    "Make one `Shutdown()` before the networks, and give it to both.",
    "Put `try: … except* (OSError, trio.BrokenResourceError): pass` around each `async with Network(…)`.",
    "After the nursery: `shutdown.first_error` is None, or an `ErrorInfo` whose `item` is the picture.",
)
ERRORS: dict[type[BaseException], str] = {
    Stalled: "A network cannot go on. Is the camera still linked to the block that saves?",
    OSError: "The network raises the `OSError` in a group: catch it with `except* OSError`.",
    trio.BrokenResourceError: "This tells that a network was stopped by another. Catch it, too, with `except*`.",
    TimeoutError: "One camera goes on for ever. Both networks need the same `Shutdown`.",
}


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    part(answer, "save_both")
    _check_without_fault(answer)
    dice = random.Random(6)
    for _ in range(10):
        _check_fault(answer, dice.randrange(1, 20), dice.choice((0, 1000)))
    _check_bug(answer)
    return "a fault of either camera ends both, the picture is known, and other exceptions still come out"


async def _camera(first: int, pictures: int | None) -> AsyncIterator[int]:
    for picture in count(first) if pictures is None else islice(count(first), pictures):
        yield picture
        await trio.sleep(1)


def _check_without_fault(answer: ModuleType) -> None:
    saved: list[int] = []

    async def save(picture: int) -> None:
        saved.append(picture)

    async def main() -> tuple[object, float]:
        start = trio.current_time()
        result: object = await answer.save_both(_camera(1, 20), _camera(1001, 30), save)
        return result, trio.current_time() - start

    result, seconds = run(main, answer=answer, hints=ERRORS)
    missing = sorted({*range(1, 21), *range(1001, 1031)} - set(saved))
    require(
        len(saved) == 50 and not missing,
        "without a fault, every picture is saved once",
        f"{len(saved)} of 50 pictures were saved",
        "When one camera has no more pictures, the other goes on to its end.",
    )
    require(
        seconds < 40,
        "both networks run at the same time",
        f"20 s of one camera and 30 s of the other took {seconds:g} s",
        "Start both in one nursery: `nursery.start_soon(…)`.",
    )
    require(
        result is None, "without a fault, the result is None", f"it is {result!r}", "Ask whether there was a fault."
    )


def _check_fault(answer: ModuleType, at: int, first: int) -> None:
    broken = first + at
    later: list[int] = []

    async def save(picture: int) -> None:
        if picture == broken:
            raise OSError("disk full")
        if broken < picture < broken + 900:
            later.append(picture)

    async def main() -> tuple[object, float]:
        start = trio.current_time()
        result: object = await answer.save_both(_camera(1, None), _camera(1001, None), save)
        return result, trio.current_time() - start - (at - 1)

    try:
        result, seconds = run(main, answer=answer, hints=ERRORS, within=500.0)
    except Refused as refused:
        require(
            not later,
            refused.law,
            f"the camera whose picture {broken} failed went on with {later[:3]} …",
            "Nothing has failed for the network: a policy or a `try` has taken the exception away. Let it be a fault.",
        )
        raise
    require(
        -0.5 < seconds <= 1,
        "with a fault, both end within a second",
        f"they ended {seconds:g} s after it",
        "Do not wait for the other camera: the shared `Shutdown` stops it at once.",
    )
    require(
        result == broken,
        "the result is the picture that was not saved",
        f"it is {result!r}, not {broken}",
        _why(result),
    )


def _why(result: object) -> str:
    if result is None:
        return "There was a fault, and `shutdown.first_error` tells which. Is it the shutdown of these networks?"
    if isinstance(result, int):
        return (
            "An `ErrorInfo` has the number of the item in the block, and the item itself. Here the picture is the item."
        )
    return "Return the picture alone. It is the `item` of the first error."


def _check_bug(answer: ModuleType) -> None:
    async def save(picture: int) -> None:
        raise TypeError("a mistake in the program")

    async def main() -> bool:
        try:
            await answer.save_both(_camera(1, 5), _camera(1001, 5), save)
        except Exception as error:
            return any(isinstance(leaf, TypeError) for leaf in leaves(error))
        return False

    if not run(main, answer=answer, hints=ERRORS):
        raise Refused(
            "an unexpected exception comes out",
            "`save` raised a `TypeError`, and nothing came out",
            "Catch only what you expect. `except* Exception` also hides mistakes in the program.",
        )
