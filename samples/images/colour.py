"""Turns an image of any mode into RGB with 8 bits, as a person would expect it to look."""

# Three steps: squeeze deep greyscale into 8 bits, lay what is transparent on white, then bring the colours
# to sRGB through the embedded profile, where there is one that works (phones and cameras embed wider ones).

from __future__ import annotations

from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image, ImageCms

__all__ = ["to_rgb"]

_WHITE = (255, 255, 255, 255)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return `image` as RGB: CMYK, LAB, greyscale, palette, 16-bit and float, with alpha or without.

    Transparent parts come out white. An embedded colour profile is honoured; one that is broken or does not
    fit the mode is ignored.
    """
    profile = image.info.get("icc_profile")
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        image = _in_eight_bits(image)
    flat = _without_alpha(image)
    managed = _through_profile(flat, profile if isinstance(profile, bytes) else None)
    if managed is not None:
        return managed
    return flat if flat.mode == "RGB" else flat.convert("RGB")


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Greyscale with 16 bits, 32 bits or floats, as 8 bits; what is white follows from mode and content."""
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray((values >> 8).astype(np.uint8))
    known = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    brightest = float(known.max())
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    white = next((value for value in usual if brightest <= value), brightest)
    known *= 255.0 / white
    return Image.fromarray(np.clip(known, 0.0, 255.0, out=known).astype(np.uint8))


def _without_alpha(image: Image.Image) -> Image.Image:
    """The image as L, RGB, CMYK, LAB, YCbCr or HSV, laid on white where it was transparent."""
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        ground = Image.new("RGBA", clear.size, _WHITE)
        ground.alpha_composite(clear)
        return ground.convert("RGB")
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGB") if image.mode in ("P", "RGBX") else image


def _through_profile(image: Image.Image, embedded: bytes | None) -> Image.Image | None:
    """The image in sRGB by way of its profile, or None where the plain conversion is the thing to do."""
    if embedded is None and image.mode != "LAB":
        return None
    try:
        if embedded is None:
            source = _known_profile("LAB")
        else:
            source = ImageCms.ImageCmsProfile(BytesIO(embedded))
            if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
                return image
        return ImageCms.profileToProfile(image, source, _known_profile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        if image.mode == "LAB":
            raise
        return None


def _known_profile(space: Literal["LAB", "sRGB"]) -> ImageCms.ImageCmsProfile:
    # Pillow gives no type for the core's profile.
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
