"""The steps of the chain in the exercise on cutting, in model time: each waits instead of computing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import trio

__all__ = ["CHAIN", "Step", "make_step"]

Step = Callable[[int], Awaitable[int]]

CHAIN: Mapping[str, float] = {
    "open": 2.0,
    "decode": 5.0,
    "turn": 1.0,
    "crop": 1.0,
    "scale": 4.0,
    "sharpen": 3.0,
    "encode": 6.0,
    "write": 2.0,
}
"""The steps, in order, and how long each takes per item, in T."""


def make_step(seconds: float, add: int = 0) -> Step:
    """Return a step that takes some seconds, and adds a number to its item."""

    async def step(item: int) -> int:
        await trio.sleep(seconds)
        return item + add

    return step
