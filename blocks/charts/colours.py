"""A colour for each item, the same wherever it appears.

The hue moves by the golden angle from item to item, so items that are in transit together differ in hue. People who see
fewer hues can tell neighbours apart by their lightness, which has three steps. With more chroma, a dark red and a light
blue would look alike to people who see no red. OKLCH keeps the perceived lightness the same for all hues
(https://bottosson.github.io/posts/oklab/). All colours are light enough for dark text.
"""

from __future__ import annotations

import math
from functools import lru_cache

GOLDEN_ANGLE = 137.50776405
LIGHTNESS = (0.77, 0.61, 0.92)
CHROMA = 0.1
FIRST_HUE = 110.0


@lru_cache(maxsize=4096)
def item_colour(item: int) -> str:
    """Return the colour of an item, as "#rrggbb"."""
    lightness = LIGHTNESS[item % len(LIGHTNESS)]
    hue = math.radians((FIRST_HUE + item * GOLDEN_ANGLE) % 360)
    chroma = CHROMA
    linear = to_linear_rgb(lightness, chroma, hue)
    while min(linear) < 0 or max(linear) > 1:
        chroma *= 0.95  # reduced until a screen can show the colour
        linear = to_linear_rgb(lightness, chroma, hue)
    return "#" + "".join(f"{round(255 * encode(part)):02x}" for part in linear)


def to_linear_rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """Convert OKLCH, with the hue in radians, to linear red, green and blue; outside 0…1 if no screen can show it."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def encode(light: float) -> float:
    """Convert linear light, 0…1, to the value of an sRGB pixel, 0…1."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
