"""Reads the low bytes of colours with 16 bits; Pillow reads only the high bytes."""

# The high bytes are enough for colours that use all 16 bits. Colours of 12 bits in samples of 16 bits have almost
# nothing in their high bytes. Such a picture is read a second time, as if the two bytes were swapped.

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from penstock.samples.images.depth import Squeezed, squeeze_colours

__all__ = ["choose_low_bytes", "has_low_bytes", "may_be_narrow", "with_low_bytes"]

_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}  # big endian, little endian, native
_SUSPICIOUS = 64  # if all high bytes are below this, the samples use 14 bits or fewer


def has_low_bytes(picture: Image.Image) -> bool:
    """Whether Pillow will read only the high bytes of `picture`; call this before it is loaded."""
    return _rawmode_of_low_bytes(picture) is not None


def may_be_narrow(high: Image.Image) -> bool:
    """Whether the high bytes are so small that the samples may use fewer than 16 bits."""
    return int(np.asarray(high.convert("RGB")).max()) < _SUSPICIOUS


def choose_low_bytes(picture: Image.Image) -> None:
    """Let Pillow read the low bytes of `picture`; it must have low bytes and not be loaded yet."""
    rawmode = _rawmode_of_low_bytes(picture)
    assert rawmode is not None
    assert isinstance(picture, ImageFile.ImageFile)
    picture.tile = [tile._replace(args=_with_rawmode(tile.args, rawmode)) for tile in picture.tile]


def with_low_bytes(high: Image.Image, low: Image.Image) -> Squeezed:
    """Return colours with 8 bits, made from the high bytes as Pillow read them and the low bytes.

    If the colours use the range of 16 bits, the high bytes are returned unchanged.
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
