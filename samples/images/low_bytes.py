"""Reads the low bytes of colours with 16 bits, of which Pillow reads the high ones alone."""

# That is right for what uses all 16 bits. Colours of 12 bits in samples of 16 have nearly nothing in the high bytes.
# Those are read a second time, as if the two bytes were the other way round.

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from penstock.samples.images.depth import Squeezed, squeeze_colours

__all__ = ["choose_low_bytes", "has_low_bytes", "may_be_narrow", "with_low_bytes"]

_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}  # big endian, little endian, this machine
_SUSPICIOUS = 64  # high bytes below it: 14 bits or fewer


def has_low_bytes(picture: Image.Image) -> bool:
    """Whether Pillow will read the high bytes of `picture` alone; to be asked before it is loaded."""
    return _rawmode_of_low_bytes(picture) is not None


def may_be_narrow(high: Image.Image) -> bool:
    """Whether the high bytes are so small that the samples may have fewer than 16 bits in use."""
    return int(np.asarray(high.convert("RGB")).max()) < _SUSPICIOUS


def choose_low_bytes(picture: Image.Image) -> None:
    """Have Pillow read the low bytes of `picture`, for which `has_low_bytes` is true, and which is not loaded yet."""
    rawmode = _rawmode_of_low_bytes(picture)
    assert rawmode is not None
    assert isinstance(picture, ImageFile.ImageFile)
    picture.tile = [tile._replace(args=_with_rawmode(tile.args, rawmode)) for tile in picture.tile]


def with_low_bytes(high: Image.Image, low: Image.Image) -> Squeezed:
    """Return colours with 8 bits from those that were read without their low bytes, and from these.

    They stay as they were read if they are in the range of 16 bits.
    """
    values = 256 * np.asarray(high.convert("RGB"), np.float32) + np.asarray(low.convert("RGB"), np.float32)
    squeezed = squeeze_colours(values, low)
    if squeezed is None:
        return Squeezed(high)
    if high.mode == "RGBA":
        squeezed.image.putalpha(high.getchannel("A"))
    squeezed.image.info = high.info
    return squeezed


def _rawmode_of_low_bytes(picture: Image.Image) -> str | None:
    tiles = picture.tile if isinstance(picture, ImageFile.ImageFile) else []
    rawmodes = {_rawmode(tile[3]) for tile in tiles}
    rawmode = str(rawmodes.pop()) if len(rawmodes) == 1 else ""
    name, _, order = rawmode.partition(";16")
    return f"{name};16{_OTHER[order]}" if name in ("RGB", "RGBA") and picture.mode == name and order in _OTHER else None


def _rawmode(args: str | tuple[Any, ...] | None) -> str | None:
    return args[0] if isinstance(args, tuple) else args  # the name comes first


def _with_rawmode(args: str | tuple[Any, ...] | None, rawmode: str) -> str | tuple[Any, ...]:
    return (rawmode, *args[1:]) if isinstance(args, tuple) else rawmode
