"""The parts of painted scenes: gradients, clouds of fractal noise, ridges and glows; float32 from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["Field", "Picture", "blend", "field", "finish", "fractal", "glow", "gradient", "grid", "ridge"]

Field = npt.NDArray[np.floating]
"""One value per pixel: shape (height, width)."""
Picture = npt.NDArray[np.floating]
"""Red, green, blue: shape (height, width, 3)."""
Colour = Sequence[float]


def grid(height: int, width: int) -> tuple[Field, Field]:
    """Return y and x of every pixel, both from 0 to 1, as a column and a row that broadcast."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis]
    x = np.linspace(0, 1, width, dtype=np.float32)[np.newaxis, :]
    return y, x


def field(values: npt.ArrayLike, height: int, width: int) -> Field:
    """Return `values` as a field, spread over all pixels."""
    return np.broadcast_to(np.asarray(values, dtype=np.float32), (height, width))


def gradient(height: int, width: int, stops: Sequence[tuple[float, Colour]]) -> Picture:
    """Return colours that change from top to bottom; each stop is a height from 0 to 1 with a colour."""
    y = np.linspace(0, 1, height)
    places = [place for place, _ in stops]
    channels = [np.interp(y, places, [colour[channel] for _, colour in stops]) for channel in range(3)]
    column = np.stack(channels, axis=1).astype(np.float32)
    return np.repeat(column[:, np.newaxis, :], width, axis=1)


def fractal(
    random: np.random.Generator, height: int, width: int, cells: tuple[float, float], octaves: int = 5
) -> Field:
    """Return noise from 0 to 1 on ever finer scales; `cells` is the number of large blobs per height and width."""
    total = np.zeros((height, width), dtype=np.float32)
    for octave in range(octaves):
        rows, columns = (max(2, min(int(n * 2**octave) + 1, 1024)) for n in cells)
        coarse = random.random((rows, columns), dtype=np.float32)
        fine = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(fine) * np.float32(0.5**octave)
    total -= total.min()
    total /= max(float(total.max()), 1e-6)
    return total


def ridge(random: np.random.Generator, width: int, peaks: float, roughness: float = 0.5) -> Field:
    """Return a skyline from 0 to 1, shape (width,), with about `peaks` mountains; `roughness` adds fine detail."""
    x = np.linspace(0, 1, width)
    total = np.zeros(width)
    for octave in range(9):
        points = max(4, int(peaks * 2**octave) + 3)
        shift = random.random() / (points - 1)  # otherwise the peaks of all ridges would be in line
        places = np.linspace(0, 1 + 1 / (points - 2), points) - shift
        total += np.interp(x, places, random.random(points)) * roughness**octave
    total -= total.min()
    return (total / max(float(total.max()), 1e-6)).astype(np.float32)


def glow(y: Field, x: Field, centre: tuple[float, float], radius: float, aspect: float) -> Field:
    """Return a soft spot of light around `centre` (y, x); `aspect` is width over height of the picture."""
    distance = (y - centre[0]) ** 2 + ((x - centre[1]) * aspect) ** 2
    return np.exp(-distance / (radius * radius)).astype(np.float32)


def blend(below: Picture, above: Picture | Colour, cover: Field) -> Picture:
    """Return `above` laid over `below`, where `cover` is 1."""
    mask = cover[..., np.newaxis]
    return (below + (np.asarray(above, dtype=np.float32) - below) * mask).astype(np.float32)


def finish(random: np.random.Generator, picture: Picture, size: tuple[int, int]) -> Image.Image:
    """Return the picture as a camera would take it, with darker corners and a little grain; `size` is width, height."""
    height, width = picture.shape[:2]
    y, x = grid(height, width)
    picture = picture * (1.06 - 0.42 * ((y - 0.5) ** 2 + (x - 0.5) ** 2))[..., np.newaxis]
    pixels = np.clip(picture * 255, 0, 255, out=picture).astype(np.uint8)
    large = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    grain = random.integers(-3, 4, (size[1], size[0], 1), dtype=np.int16)
    return Image.fromarray(np.clip(grain + large, 0, 255).astype(np.uint8))
