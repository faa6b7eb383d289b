"""Paints a folder of pictures for users who have none at hand; the seed makes them the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from penstock.samples.images.scenes import SCENES
from penstock.samples.images.texture import finish

__all__ = ["make_pictures", "paint_picture"]

_LONG, _SHORT = 1800, 1200
_PAINTED = 2  # for speed, painted this many times smaller, and enlarged
_EVERY_PORTRAIT = 5  # every fifth is upright, and stored on its side as cameras do
_TURN_RIGHT = 6  # the EXIF orientation of such a picture


def make_pictures(folder: Path, count: int, seed: int = 0, shrink: int = 1) -> Iterator[Path]:
    """Paint `count` pictures into `folder`, one for each step of the iterator.

    With `shrink=n` their sides are n times smaller.
    """
    return (paint_picture(folder, number, seed, shrink) for number in range(1, count + 1))


def paint_picture(folder: Path, number: int, seed: int = 0, shrink: int = 1) -> Path:
    """Paint one picture into `folder`.

    Picture `number`, from 1, depends only on `number` and `seed`. Most are JPEGs, some PNG and WebP. With `shrink=n`
    its sides are n times smaller, and it is painted faster.
    """
    random = np.random.default_rng([seed, number])
    name, paint = list(SCENES.items())[(number - 1) % len(SCENES)]
    upright = number % _EVERY_PORTRAIT == 0
    long, short = _LONG // shrink, _SHORT // shrink
    width, height = (short, long) if upright else (long, short)
    image = finish(random, paint(random, height // _PAINTED, width // _PAINTED), (width, height))
    suffix = {0: ".webp", 7: ".png"}.get(number % 11, ".jpg")
    path = folder / f"{number:02d} {name}{suffix}"
    _save(image, path, turned=upright and suffix == ".jpg")
    return path


def _save(image: Image.Image, path: Path, turned: bool) -> None:
    """Write the picture; if `turned`, write it on its side, with an EXIF entry that says so."""
    exif = Image.Exif()
    if turned:
        exif[ExifTags.Base.Orientation] = _TURN_RIGHT
        image = image.transpose(Image.Transpose.ROTATE_90)
    image.save(path, quality=88, compress_level=1, exif=exif)  # the quality of JPEG and WebP, the level of PNG
