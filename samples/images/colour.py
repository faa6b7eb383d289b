"""Turns an image of any mode into RGB with 8 bits that looks as people expect."""

# Four steps: reduce deep greyscale to 8 bits; set alpha aside; convert the colours to sRGB by the embedded profile, if
# it is usable (phones and cameras embed profiles with more colours); lay transparent parts on white.

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from itertools import product
from typing import Literal

import numpy as np
from PIL import Image, ImageCms

from penstock.samples.images.depth import is_deep, squeeze

__all__ = ["to_rgb"]

_WHITE = (255, 255, 255, 255)
_NO_CHANGE = 2  # steps of 255; sRGB profiles of different makers are rounded differently


def to_rgb(image: Image.Image) -> Image.Image:
    """Return `image` as RGB. It may have any of Pillow's modes, and premultiplied alpha.

    Transparent parts become white. An embedded colour profile is applied, unless it is broken or does not fit the mode.
    """
    if is_deep(image):
        image = squeeze(image).image
    profile = image.info.get("icc_profile")
    colours, alpha = _parted(image)
    managed = _through_profile(colours, profile if isinstance(profile, bytes) else None)
    if managed is None:
        managed = colours if colours.mode == "RGB" else colours.convert("RGB")
    return managed if alpha is None else _on_white(managed, alpha)


def _parted(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours as L, RGB, CMYK, LAB, YCbCr or HSV, and the alpha channel (None if there is none)."""
    if image.mode == "La":
        image = image.convert("LA")  # the only mode that Pillow converts it to
    if image.has_transparency_data:
        is_grey = image.mode in ("1", "L", "LA")
        clear = image.convert("LA" if is_grey else "RGBA")
        return clear.convert("L" if is_grey else "RGB"), clear.getchannel("A")
    if image.mode == "1":
        return image.convert("L"), None
    return image.convert("RGB") if image.mode in ("P", "RGBX") else image, None


def _on_white(colours: Image.Image, alpha: Image.Image) -> Image.Image:
    clear = colours.copy()
    clear.putalpha(alpha)
    ground = Image.new("RGBA", clear.size, _WHITE)
    ground.alpha_composite(clear)
    return ground.convert("RGB")


def _through_profile(image: Image.Image, embedded: bytes | None) -> Image.Image | None:
    """Return the image in sRGB by its profile, or None if the plain conversion is right."""
    if embedded is not None:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(embedded))
            if image.mode == "L" and _space_of(embedded) == b"RGB ":
                image = image.convert("RGB")
            if image.mode == "RGB" and not _changes_colours(embedded):
                return image
            return ImageCms.profileToProfile(image, source, _known_profile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass
    if image.mode != "LAB":
        return None
    return ImageCms.profileToProfile(image, _known_profile("LAB"), _known_profile("sRGB"), outputMode="RGB")


@lru_cache(maxsize=32)
def _changes_colours(embedded: bytes) -> bool:
    """Whether an RGB profile gives other colours than sRGB; tested with greys and a grid of colours."""
    colours = [(grey, grey, grey) for grey in range(256)] + list(product(range(0, 256, 51), repeat=3))
    probe = Image.fromarray(np.array([colours], dtype=np.uint8))
    source = ImageCms.ImageCmsProfile(BytesIO(embedded))
    seen = ImageCms.profileToProfile(probe, source, _known_profile("sRGB"), outputMode="RGB")
    assert seen is not None
    return bool(np.abs(np.asarray(seen, np.int16) - np.asarray(probe, np.int16)).max() > _NO_CHANGE)


def _space_of(embedded: bytes) -> bytes:
    """Return the colour space of a profile, in four letters: bytes 16 to 19 in the standard (ICC.1)."""
    return embedded[16:20]


def _known_profile(space: Literal["LAB", "sRGB"]) -> ImageCms.ImageCmsProfile:
    # Pillow gives no type for the core's profile.
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
