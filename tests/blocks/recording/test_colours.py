"""The colours of items: dark text can be read on them, and neighbours can be told apart."""

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest

from penstock.blocks.charts.colours import item_colour
from penstock.blocks.charts.picture import LIGHT, Role

# What is seen of red, green and blue light (Machado, Oliveira and Fernandes 2009, severity 1).
SIGHT = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def light(colour: str) -> list[float]:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def luminance(colour: str) -> float:
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), light(colour), strict=True))


def oklab(linear: Sequence[float]) -> list[float]:
    cones = (
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    )
    lab = (
        (0.2104542553, 0.793617785, -0.0040720468),
        (1.9779984951, -2.428592205, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.808675766),
    )
    return apply(lab, [math.cbrt(part) for part in apply(cones, linear)])


def apply(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def test_dark_text_can_be_read_on_every_colour() -> None:
    text = luminance(LIGHT[Role.ON_ITEM])
    assert min((luminance(item_colour(item)) + 0.05) / (text + 0.05) for item in range(1, 1000)) >= 4.5  # WCAG AA


@pytest.mark.parametrize("sight", SIGHT)
def test_neighbours_can_be_told_apart_by_everybody(sight: str) -> None:
    seen = [oklab([max(0, part) for part in apply(SIGHT[sight], light(item_colour(item)))]) for item in range(1, 1000)]
    assert min(math.dist(one, other) for one, other in pairwise(seen)) > 0.075
    assert min(math.dist(one, other) for one, other in zip(seen, seen[2:], strict=False)) > 0.075


def test_an_item_has_the_same_colour_wherever_it_is() -> None:
    assert item_colour(7) == item_colour(7)
    assert len({item_colour(item) for item in range(1, 60)}) == 59
