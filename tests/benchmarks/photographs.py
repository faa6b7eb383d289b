"""Paints pictures that cost as much to decode as photographs: soft colours, shapes with edges, grain."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 3000, 2000
QUALITY = 88  # makes files of 1.3 MB


@contextmanager
def photographs(count: int) -> Generator[list[Path]]:
    """Paint this many pictures into a temporary folder."""
    with TemporaryDirectory(prefix="penstock-photographs-") as folder, ThreadPoolExecutor() as threads:
        yield list(threads.map(partial(paint, Path(folder)), range(1, count + 1)))


def paint(folder: Path, number: int) -> Path:
    random = np.random.default_rng(number)
    colours = Image.fromarray(random.integers(30, 226, (4, 6, 3), dtype=np.uint8))
    image = colours.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    drawing = ImageDraw.Draw(image)
    for _ in range(25):
        x, y, half, colour = random.integers(WIDTH), random.integers(HEIGHT), random.integers(20, 400), random.random(3)
        box = (int(x - half), int(y - half), int(x + half), int(y + half))
        drawing.ellipse(box, fill=(int(255 * colour[0]), int(255 * colour[1]), int(255 * colour[2])))
    pixels = grain()[..., np.newaxis] + np.asarray(image)
    path = folder / f"{number:04d}.jpg"
    Image.fromarray(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)).save(path, quality=QUALITY)
    return path


@cache
def grain() -> npt.NDArray[np.int16]:
    """Noise on several scales, from leaves to film grain."""
    random = np.random.default_rng(0)
    total = random.standard_normal((HEIGHT, WIDTH), dtype=np.float32) * 3
    for cell in (2, 4, 16):
        coarse = random.standard_normal((HEIGHT // cell, WIDTH // cell), dtype=np.float32) * 7
        total += np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    return np.rint(total).astype(np.int16)
