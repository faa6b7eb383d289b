"""Reduces pictures with more than 8 bits per sample to 8 bits; the file or its values tell which value is white."""

# Cameras, scanners and microscopes put 10, 12 or 14 bits into samples of 16 bits and leave the upper bits empty. Read
# as 16 bits, such a picture is black. The number of bits that the file states decides. If it states none, white is the
# end of the smallest usual range that holds all values.

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

__all__ = ["Squeezed", "is_deep", "squeeze", "squeeze_colours"]

_WORD = 65535.0
_RANGES = (255.0, 1023.0, 4095.0, 16383.0, _WORD)  # of 8, 10, 12, 14 and 16 bits
_BITS, _LARGEST, _LARGEST_TYPED, _WHITE_LEVEL, _PHOTOMETRIC = 258, 281, 341, 50717, 262  # tags of TIFF
_WHITE_IS_ZERO = 0
_FULL_RANGE = ("PPM", "JPEG2000")  # Pillow scales the values of these formats as the file says

Values = npt.NDArray[Any]


@attrs.frozen(eq=False)
class Squeezed:
    """A picture with 8 bits per sample, and the assumption that was needed for it, or ""."""

    image: Image.Image
    note: str = ""


def is_deep(image: Image.Image) -> bool:
    """Whether the samples of `image` have more than 8 bits in memory; Pillow has such modes only for greyscale."""
    return image.mode in ("I", "F") or image.mode.startswith("I;")


def squeeze(image: Image.Image) -> Squeezed:
    """Return deep greyscale with 8 bits. The profile is kept, and a transparent value becomes an alpha channel."""
    values = np.asarray(image)
    clear = image.info.get("transparency")
    alpha = None if not isinstance(clear, int) else np.where(values == clear, 0, 255).astype(np.uint8)
    known = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    white, note = _white(image.mode, float(known.max()), image)
    grey = Image.fromarray(_eight_bits(known, white))
    if image.mode.startswith("I;") and _tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow converts only 8 bits
        grey = grey.point([255 - value for value in range(256)])
    if alpha is not None:
        grey = Image.merge("LA", (grey, Image.fromarray(alpha)))
    if "icc_profile" in image.info:
        grey.info["icc_profile"] = image.info["icc_profile"]
    return Squeezed(grey, note)


def _eight_bits(values: npt.NDArray[np.float32], white: float) -> npt.NDArray[np.uint8]:
    values *= 255.0 / white
    np.clip(values, 0.0, 255.0, out=values)
    return np.rint(values, out=values).astype(np.uint8)


def _white(mode: str, brightest: float, source: Image.Image) -> tuple[float, str]:
    """Return the value of white, and a note if the mode suggests another value."""
    said = _said_white(source)
    if source.format in _FULL_RANGE and mode != "F":
        return _WORD, ""
    if said is not None and brightest <= said:
        return said, "" if said == _WORD else f"white is {said:g}, as the file says"
    return _white_by_range(mode, brightest)


def _said_white(source: Image.Image) -> float | None:
    """Return the white of a TIFF by its white level, largest value or number of bits; None if it states none."""
    for tag in (_WHITE_LEVEL, _LARGEST, _LARGEST_TYPED):
        value = _tag(source, tag)
        if isinstance(value, (int, float)) and value > 0:
            return float(value)
    bits = _tag(source, _BITS)
    return float(2**bits - 1) if isinstance(bits, int) and 8 < bits < 16 else None


def _tag(source: Image.Image, tag: int) -> object:
    """Return the value of a tag, of the first channel if each channel has one; None if there is no such tag."""
    if not isinstance(source, TiffImagePlugin.TiffImageFile):
        return None
    value: Any = source.tag_v2.get(tag)
    return value[0] if isinstance(value, tuple) and value else value  # pyright: ignore[reportUnknownVariableType]  # Pillow gives no type


def _white_by_range(mode: str, brightest: float) -> tuple[float, str]:
    if mode == "F" and brightest <= 1:
        return 1.0, ""
    white = next((end for end in _RANGES if brightest <= end), brightest)
    if white == _WORD or brightest <= 0:
        return white, ""
    return white, f"white is {white:g}, by the largest value, which is {brightest:g}"


def squeeze_colours(values: npt.NDArray[np.float32], source: Image.Image) -> Squeezed | None:
    """Return colours of 16 bits, shape (height, width, 3), with 8 bits; None if they use the range of 16 bits."""
    white, note = _white("I;16", float(values.max()), source)
    return Squeezed(Image.fromarray(_eight_bits(values, white)), note) if white < _WORD else None
