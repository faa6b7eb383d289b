"""The first phase: a file on disk becomes an upright RGB image in memory."""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from penstock.samples.images.colour import to_rgb
from penstock.samples.images.depth import Squeezed, is_deep, squeeze
from penstock.samples.images.formats import RAW_DATA, formats_for, get_ready, is_raw, why_not
from penstock.samples.images.low_bytes import choose_low_bytes, has_low_bytes, may_be_narrow, with_low_bytes
from penstock.samples.images.record import ImageInfo, Job
from penstock.samples.images.scale import fit
from penstock.samples.images.settings import Settings

__all__ = ["UnreadableError", "get_ready", "load"]

_TURNED_ON_THEIR_SIDE = (5, 6, 7, 8)  # EXIF orientations that swap width and height


class UnreadableError(Exception):
    """A file is not a picture that can be read; the message says why."""


def load(job: Job, settings: Settings) -> ImageInfo:
    """Read the file of `job`: first frame, upright by its EXIF orientation, RGB.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if that leaves at least twice what the thumbnail needs.

    Raises:
        UnreadableError: the file is not a regular file, is empty, is not a picture, or exceeds Pillow's pixel limit.
        OSError: the file cannot be opened or read, or it is cut off.
    """
    _check_file(job.path)
    with _opened(job.path) as picture:
        _draft(picture, settings.size)
        is_without_low_bytes = has_low_bytes(picture)
        _decode(picture)
        squeezed = squeeze(picture) if is_deep(picture) else Squeezed(picture)
        if is_without_low_bytes and may_be_narrow(picture):
            with _opened(job.path) as other:
                choose_low_bytes(other)
                _decode(other)
                squeezed = with_low_bytes(picture, other)
        image = to_rgb(squeezed.image)
    whole = (0, 0, *image.size)
    return ImageInfo(job.sequence, job.path, job.name, job.number, np.asarray(image), whole, note=squeezed.note)


def _decode(picture: Image.Image) -> None:
    """Read the pixels and turn them upright."""
    picture.load()
    # In place, so that a picture is turned even if its other EXIF entries cannot be written back.
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(picture, in_place=True)


def _check_file(path: Path) -> None:
    """Refuse files that would block when opened (a pipe) or cause an unclear message (an empty file)."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("not a regular file")
    if status.st_size == 0:
        raise UnreadableError("the file is empty")


def _opened(path: Path) -> Image.Image:
    """Open the picture; only its header is read, not its pixels."""
    try:
        picture = Image.open(path, formats=formats_for(path.suffix))
    except UnidentifiedImageError:
        reason = why_not(path.suffix)
        known = f" ({reason})" if reason else ""
        raise UnreadableError(f"not a picture in a format that can be read{known}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        raise UnreadableError(
            f"too many pixels: Pillow's limit against decompression bombs is {limit:.0f} million"
        ) from None
    if picture.format == "TIFF" and is_raw(path.suffix):
        picture.close()
        raise UnreadableError(RAW_DATA)
    return picture


def _draft(picture: Image.Image, size: tuple[int, int]) -> None:
    """Let the JPEG decoder skip detail that is too fine for the thumbnail."""
    if picture.format not in ("JPEG", "MPO"):
        return
    orientation = 1
    with contextlib.suppress(Exception):  # the picture can be used even if its EXIF data are damaged
        orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    box = (size[1], size[0]) if orientation in _TURNED_ON_THEIR_SIDE else size
    width, height = fit(picture.size, box)
    picture.draft(None, (2 * width, 2 * height))
