"""The second phase: the image becomes a framed thumbnail."""

from __future__ import annotations

from functools import lru_cache

import attrs
import numpy as np
from PIL import Image, ImageDraw

from penstock.samples.images.record import Box, ImageInfo, Pixels
from penstock.samples.images.settings import Settings

__all__ = ["fit", "scale"]

_MAT = (247, 245, 240)
_FRAME = (52, 47, 43)
_FRAME_LIGHT = (104, 95, 86)
_BEVEL_DARK = (196, 190, 180)
_BEVEL_LIGHT = (255, 255, 255)


def fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size with the aspect of `size` that fits into `box`, never larger than `size`."""
    factor = min(box[0] / size[0], box[1] / size[1], 1.0)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def scale(info: ImageInfo, settings: Settings) -> ImageInfo:
    """Shrink the image (Lanczos) and put it into a frame with a mat; the result has exactly `settings.size`.

    The aspect is kept, and a picture that is smaller than the opening of the frame is not enlarged.
    """
    width, height = settings.size
    border = max(1, round(min(width, height) * 0.012))
    margin = border + max(2, round(min(width, height) * 0.05))
    image = Image.fromarray(info.pixels)
    inner = fit(image.size, (width - 2 * margin, height - 2 * margin))
    small = image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0)
    left, upper = (width - inner[0]) // 2, (height - inner[1]) // 2
    picture = (left, upper, left + inner[0], upper + inner[1])
    framed = _empty_frame(settings.size, border).copy()
    _draw_bevel(framed, picture)
    framed[upper : picture[3], left : picture[2]] = np.asarray(small)
    return attrs.evolve(info, pixels=framed, picture=picture)


@lru_cache(maxsize=4)
def _empty_frame(size: tuple[int, int], border: int) -> Pixels:
    """Return the frame for all images, which must not be changed: a dark moulding around a warm white mat."""
    frame = Image.new("RGB", size, _FRAME)
    draw = ImageDraw.Draw(frame)
    right, lower = size[0] - border - 1, size[1] - border - 1
    draw.rectangle((border, border, right, lower), fill=_MAT, outline=_FRAME_LIGHT)
    return np.asarray(frame)


def _draw_bevel(frame: Pixels, picture: Box) -> None:
    """Draw the cut edge of the mat, lit from above, one pixel around the picture, in place."""
    left, upper, right, lower = picture
    frame[lower, left : right + 1] = _BEVEL_LIGHT
    frame[upper : lower + 1, right] = _BEVEL_LIGHT
    frame[upper - 1 : lower + 1, left - 1] = _BEVEL_DARK
    frame[upper - 1, left - 1 : right + 1] = _BEVEL_DARK
