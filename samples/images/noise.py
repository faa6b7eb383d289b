"""The third phase, the filter: Gaussian noise over the photograph."""

from __future__ import annotations

import attrs
import numpy as np
from PIL import Image

from penstock.samples.images.record import ImageInfo
from penstock.samples.images.settings import Settings

__all__ = ["add_noise"]


def add_noise(info: ImageInfo, settings: Settings) -> ImageInfo:
    """Add noise of standard deviation `settings.noise` to each channel of the picture; not to the frame.

    The generator is seeded with `settings.seed` and the number of the image: the same image gets the same
    noise in every mode, whichever worker it comes to and whenever. The arithmetic is float32, in place, and
    NumPy lets other threads run in the costly part, the drawing of the random numbers.
    """
    if settings.noise == 0:
        return info
    pixels = np.asarray(info.image.crop(info.picture))
    random = np.random.Generator(np.random.SFC64([settings.seed, info.sequence]))
    values = random.standard_normal(pixels.shape, dtype=np.float32)
    values *= np.float32(settings.noise)
    values += pixels
    np.rint(values, out=values)
    np.clip(values, 0, 255, out=values)
    noisy = info.image.copy()
    noisy.paste(Image.fromarray(values.astype(np.uint8)), info.picture)
    return attrs.evolve(info, image=noisy)
