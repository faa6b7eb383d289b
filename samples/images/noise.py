"""The third phase, the filter: Gaussian noise over the photograph."""

# Pixels are whole numbers, and so is the noise after rounding: a few different steps, each with its own probability.
# The steps are drawn from a table that contains each step as often as the normal distribution requires. This takes a
# fifth of the time of drawing normal numbers and rounding the sums. Keeping buffers in the workers was tried and gained
# nothing, because the allocator keeps the memory of one image for the next.

from __future__ import annotations

import math
import os
from functools import lru_cache

import attrs
import numpy as np
import numpy.typing as npt

from penstock.samples.images.record import ImageInfo
from penstock.samples.images.settings import Settings

__all__ = ["add_noise"]

_LARGEST_STEP = 256  # a larger step makes any pixel black or white
_ENTRIES = 1 << 16
_AT_ONCE = 1 << 19  # values: with smaller parts, threads wait for the lock of the interpreter as long as for memory


def add_noise(info: ImageInfo, settings: Settings) -> ImageInfo:
    """Add noise of standard deviation `settings.noise` to each channel of the picture, but not to the frame.

    The generator is seeded with `settings.seed` and the name of the thumbnail, so an image gets the same noise in every
    mode, run and worker. Each call makes its own generator, because a shared one would need a lock. NumPy lets other
    threads run while it draws and adds numbers.
    """
    if settings.noise == 0:
        return info
    left, upper, right, lower = info.picture
    pixels = info.pixels.copy()
    picture = pixels[upper:lower, left:right]
    random = np.random.Generator(np.random.SFC64([settings.seed, *os.fsencode(info.name)]))
    rows = max(2, _AT_ONCE // picture[0].size & ~1)  # an even number of values: the generator draws two at a time
    for _ in range(settings.layers):
        settings.halt.check()
        for top in range(0, len(picture), rows):
            _add_layer(picture[top : top + rows], random, _steps(settings.noise))
    return attrs.evolve(info, pixels=pixels)


def _add_layer(part: npt.NDArray[np.uint8], random: np.random.Generator, steps: npt.NDArray[np.int16]) -> None:
    """Add a layer of noise to some rows of a picture."""
    values = steps.take(random.integers(0, _ENTRIES, part.shape, dtype=np.uint16))
    values += part
    np.clip(values, 0, 255, out=values)
    part[...] = values


@lru_cache(maxsize=4)
def _steps(deviation: float) -> npt.NDArray[np.int16]:
    """Return the table of noise in whole steps; each step is as frequent as it is probable."""
    steps = np.arange(-_LARGEST_STEP, _LARGEST_STEP + 1, dtype=np.int16)
    below = [0.5 + 0.5 * math.erf((step - 0.5) / (deviation * math.sqrt(2))) for step in steps[1:].tolist()]
    edges = np.rint(np.array([0.0, *below, 1.0]) * _ENTRIES).astype(np.intp)
    return np.repeat(steps, np.diff(edges))
