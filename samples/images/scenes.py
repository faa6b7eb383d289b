"""Paints scenes that look like photographs at the size of a thumbnail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from penstock.samples.images.texture import Field, Picture, blend, field, fractal, glow, gradient, grid, ridge

__all__ = ["SCENES", "Scene"]

Scene = Callable[[np.random.Generator, int, int], Picture]
"""A function that paints a picture of the given height and width."""

_SKIES = {
    "noon": ((0.22, 0.44, 0.74), (0.50, 0.70, 0.90), (0.84, 0.90, 0.94)),
    "dawn": ((0.36, 0.42, 0.62), (0.86, 0.66, 0.62), (1.00, 0.86, 0.66)),
    "dusk": ((0.13, 0.15, 0.34), (0.58, 0.30, 0.42), (0.98, 0.58, 0.32)),
}


def mountains(random: np.random.Generator, height: int, width: int) -> Picture:
    """Ranges of mountains, one behind the other, paler with distance."""
    name = ("noon", "dawn", "dusk")[random.integers(3)]
    top, middle, low = _SKIES[name]
    y, x = grid(height, width)
    picture = gradient(height, width, [(0, top), (0.32, middle), (0.6, low)])
    clouds = np.clip(fractal(random, height, width, (4, 2.5)) * 2.2 - 1.05, 0, 1) * np.clip(1.2 - 1.9 * y, 0, 1)
    picture = blend(picture, tuple(min(1, c + 0.25) for c in low), clouds * np.float32(0.85))
    sun = (random.uniform(0.25, 0.45), random.uniform(0.2, 0.8))
    picture += glow(y, x, sun, 0.22, width / height)[..., np.newaxis] * np.float32(0.30)
    near = np.array({"noon": (0.10, 0.20, 0.12), "dawn": (0.16, 0.17, 0.20), "dusk": (0.07, 0.06, 0.12)}[name])
    ranges = 6
    for number in range(ranges):
        closeness = (number + 0.4) / ranges
        crest = 0.40 + 0.48 * closeness**1.2 - ridge(random, width, 2 + number, 0.5) * (0.23 - 0.10 * closeness)
        cover = field(np.clip((y - crest) * height, 0, 1), height, width)
        colour = np.array(low) * 0.82 * (1 - closeness) + near * closeness
        depth = np.clip((y - crest) * 3, 0, 1) * 0.5 * (1 - closeness)  # mist in the valleys
        rock = 0.8 + 0.4 * fractal(random, height, width, (14, 12), 4)
        slope = colour.astype(np.float32) * rock[..., np.newaxis]
        picture = blend(picture, blend(slope, low, field(depth, height, width)), cover)
    return picture


def sea(random: np.random.Generator, height: int, width: int) -> Picture:
    """The sun low over the sea, with its path of light on the waves."""
    top, middle, low = _SKIES[("dawn", "dusk")[random.integers(2)]]
    y, x = grid(height, width)
    horizon = random.uniform(0.48, 0.62)
    picture = gradient(height, width, [(0, top), (0.6 * horizon, middle), (horizon, low), (1, low)])
    streaks = np.clip(fractal(random, height, width, (9, 1.6)) * 2.4 - 1.2, 0, 1)
    picture = blend(picture, tuple(0.55 * c + 0.2 for c in middle), streaks * np.float32(0.8))
    sun = (horizon - random.uniform(0.03, 0.14), random.uniform(0.25, 0.75))
    aspect = width / height
    picture += glow(y, x, sun, 0.30, aspect)[..., np.newaxis] * np.array((0.40, 0.24, 0.08), dtype=np.float32)
    disc = np.clip(glow(y, x, sun, 0.05, aspect) * 6 - 2.2, 0, 1)
    picture = blend(picture, (1.0, 0.96, 0.80), disc)
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1)
    waves = _waves(random, height, width, horizon)
    water = gradient(height, width, [(0, low), (horizon, low), (min(1, horizon + 0.12), middle), (1, top)])
    water *= (0.42 + 0.40 * waves)[..., np.newaxis]
    path = np.exp(-(((x - sun[1]) * aspect / (0.05 + 0.26 * depth)) ** 2)).astype(np.float32)
    sparkle = np.clip(waves * 2.6 - 1.15, 0, 1) * path
    water = blend(water, (1.0, 0.86, 0.60), sparkle)
    cover = field(np.clip((y - horizon) * height, 0, 1), height, width)
    return blend(picture, water, cover)


def _waves(random: np.random.Generator, height: int, width: int, horizon: float) -> Field:
    """Ripples that are long and flat, and finer towards the horizon."""
    far = fractal(random, height, width, (90, 14), 3)
    near = fractal(random, height, width, (26, 5), 4)
    y, _ = grid(height, width)
    closeness = np.clip((y - horizon) / (1 - horizon), 0, 1)
    waves: Field = far * (1 - closeness) + near * closeness
    return waves


def lights(random: np.random.Generator, height: int, width: int) -> Picture:
    """A town at night, out of focus: discs of coloured light."""
    tint = random.uniform(0.0, 0.10)
    picture = gradient(
        height, width, [(0, (0.02, 0.03, 0.09 + tint)), (0.7, (0.13, 0.06, 0.12)), (1, (0.03, 0.02, 0.04))]
    )
    picture *= (0.6 + 0.8 * fractal(random, height, width, (3, 3), 3))[..., np.newaxis]
    palette = [
        (1.0, 0.72, 0.32),
        (1.0, 0.50, 0.20),
        (0.95, 0.90, 0.78),
        (0.95, 0.22, 0.20),
        (0.30, 0.75, 0.85),
    ]
    for _ in range(110):
        radius = max(2, int(min(height, width) * random.uniform(0.012, 0.075)))
        middle_y = int(np.clip(random.normal(0.56, 0.17), 0, 1) * height)
        middle_x = int(random.random() * width)
        colour = np.array(palette[random.choice(5, p=[0.34, 0.24, 0.2, 0.12, 0.1])], dtype=np.float32)
        _add_disc(picture, middle_y, middle_x, radius, colour * np.float32(random.uniform(0.12, 0.55)))
    return picture


def _add_disc(picture: Picture, middle_y: int, middle_x: int, radius: int, colour: Picture) -> None:
    """Add a disc with a soft edge and a brighter rim, as a lens draws it, in place."""
    reach = radius + 3
    upper, left = max(0, middle_y - reach), max(0, middle_x - reach)
    part = picture[upper : middle_y + reach, left : middle_x + reach]
    y = np.arange(upper, upper + part.shape[0], dtype=np.float32)[:, np.newaxis] - middle_y
    x = np.arange(left, left + part.shape[1], dtype=np.float32)[np.newaxis, :] - middle_x
    distance = np.sqrt(y * y + x * x) / np.float32(radius)
    disc = np.clip((1 - distance) * radius * 0.5, 0, 1) * (0.75 + 0.35 * distance**4)
    part += disc.astype(np.float32)[..., np.newaxis] * colour


def night(random: np.random.Generator, height: int, width: int) -> Picture:
    """Stars and northern lights over a black ridge."""
    y, _ = grid(height, width)
    picture = gradient(height, width, [(0, (0.01, 0.02, 0.07)), (0.7, (0.05, 0.09, 0.20)), (1, (0.10, 0.16, 0.26))])
    stars = random.random((height, width), dtype=np.float32)
    bright = np.where(stars > 0.9988, (stars - 0.9988) / 0.0012, 0).astype(np.float32)
    picture += bright[..., np.newaxis]
    for colour in ((0.10, 0.75, 0.42), (0.16, 0.60, 0.62), (0.45, 0.22, 0.60)):
        foot = 0.34 + 0.34 * ridge(random, width, 2, 0.32)
        above = foot - y
        curtain = np.where(above > 0, np.exp(-above * 5.0), np.exp(above * 60.0))
        rays = fractal(random, height, width, (1, 22), 3)
        strength = (0.25 + 0.9 * rays) * fractal(random, height, width, (1, 3), 2)
        picture += (curtain * strength)[..., np.newaxis].astype(np.float32) * np.array(colour, dtype=np.float32) * 0.7
    crest = 0.90 - 0.16 * ridge(random, width, 3, 0.55)
    return blend(picture, (0.012, 0.016, 0.026), field(np.clip((y - crest) * height, 0, 1), height, width))


def meadow(random: np.random.Generator, height: int, width: int) -> Picture:
    """Flowers close by in front of a blurred meadow."""
    picture = gradient(height, width, [(0, (0.62, 0.72, 0.50)), (0.45, (0.36, 0.52, 0.22)), (1, (0.13, 0.26, 0.08))])
    soft = fractal(random, height, width, (4, 6), 3)
    picture *= (0.6 + 0.75 * soft)[..., np.newaxis]
    petals = ((0.93, 0.91, 0.88), (0.90, 0.34, 0.36), (0.95, 0.78, 0.22), (0.62, 0.46, 0.82))
    colour = petals[random.integers(4)]
    side = min(height, width)
    for number in range(26):
        closeness = number / 25
        radius = side * (0.02 + 0.13 * closeness**2)
        place = (height * random.uniform(0.30 + 0.1 * closeness, 0.95), width * random.random())
        _add_flower(random, picture, place, radius, colour, blur=0.75 - 0.7 * closeness)
    return picture


def _add_flower(
    random: np.random.Generator,
    picture: Picture,
    place: tuple[float, float],
    radius: float,
    colour: tuple[float, float, float],
    blur: float,
) -> None:
    """Lay a flower with a yellow heart over the picture, in place; `blur` is from 0 to 1."""
    reach = int(radius * 1.6) + 2
    upper, left = max(0, int(place[0]) - reach), max(0, int(place[1]) - reach)
    part = picture[upper : int(place[0]) + reach, left : int(place[1]) + reach]
    y = (np.arange(upper, upper + part.shape[0], dtype=np.float32)[:, np.newaxis] - place[0]) / (0.72 * radius)
    x = (np.arange(left, left + part.shape[1], dtype=np.float32)[np.newaxis, :] - place[1]) / radius
    distance = np.sqrt(y * y + x * x)
    angle = np.arctan2(y, x) * int(random.integers(8, 15)) / 2 + random.uniform(0, 6)
    petal = np.abs(np.cos(angle))
    edge = 0.62 + 0.38 * petal**0.5
    cover = np.clip((edge - distance) / (0.04 + blur), 0, 1).astype(np.float32)
    shade = ((0.62 + 0.30 * distance) * (0.86 + 0.14 * petal)).astype(np.float32)
    leaf = np.array(colour, dtype=np.float32) * shade[..., np.newaxis]
    part[:] = blend(part, leaf, cover)
    heart = np.clip((0.26 - distance) / (0.04 + blur / 2), 0, 1).astype(np.float32)
    yellow = np.array((0.90, 0.66, 0.12), dtype=np.float32) * (0.75 + distance[..., np.newaxis])
    part[:] = blend(part, yellow.astype(np.float32), heart)


def dunes(random: np.random.Generator, height: int, width: int) -> Picture:
    """Sand dunes with a lit and a shaded side, rippled by the wind."""
    y, _ = grid(height, width)
    columns = np.arange(width)
    picture = gradient(height, width, [(0, (0.20, 0.42, 0.72)), (0.45, (0.78, 0.82, 0.82)), (1, (0.9, 0.8, 0.6))])
    for number in range(5):
        closeness = (number + 0.5) / 5
        line = ridge(random, width, 1.5, 0.16)
        crest = 0.36 + 0.50 * closeness - 0.20 * line
        slope = np.gradient(np.convolve(np.pad(line, 20, mode="edge"), np.ones(41) / 41, mode="valid")) * width
        below = y - crest
        leaning = columns + below * width * random.uniform(-0.5, 0.5)  # the edge between light and shadow
        lit = 1 / (1 + np.exp(-1.1 * slope[np.clip(leaning, 0, width - 1).astype(np.intp)]))
        ripples = np.sin((below * 130 + 9 * fractal(random, height, width, (3, 4), 3)) / (0.4 + closeness))
        light = 0.52 + 0.44 * lit + 0.03 * ripples - 0.16 * np.clip(below * 2, 0, 1)
        sand = np.array((0.96, 0.70, 0.44), dtype=np.float32) * light[..., np.newaxis].astype(np.float32)
        haze = field(np.float32(0.42 * (1 - closeness)), height, width)
        sand = blend(sand, (0.86, 0.80, 0.74), haze)
        picture = blend(picture, sand, field(np.clip(below * height, 0, 1), height, width))
    return picture


SCENES: dict[str, Scene] = {
    "mountains": mountains,
    "sea": sea,
    "lights": lights,
    "meadow": meadow,
    "night": night,
    "dunes": dunes,
}
