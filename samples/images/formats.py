"""The formats that can be read: those that Pillow reads alone, and HEIC if its extra is installed."""

from __future__ import annotations

import contextlib
import importlib
from functools import cache

from PIL import Image

__all__ = ["EXTENSIONS", "RAW_DATA", "formats_for", "get_ready", "is_raw", "why_not"]

RAW_DATA = "raw data of a camera are not read"

# These formats are identified by their first bytes, so their files may have any name.
_KNOWN_BY_CONTENT = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM", "HEIF")
# EPS needs another program (Ghostscript), WMF is drawn only on Windows, and Pillow cannot read the others.
_NOT_READ = ("EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG")
_HEIC = (".heic", ".heics", ".heif", ".heifs", ".hif")
_HEIC_EXTRA = "pip install 'penstock[heic]'"
_RAW = (".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".srw")


@cache
def get_ready() -> None:
    """Let Pillow import its readers, once per process, so that the first image does not wait for that."""
    Image.init()
    with contextlib.suppress(ImportError):  # then its files are reported as left out
        importlib.import_module("pillow_heif").register_heif_opener()


def _extensions() -> frozenset[str]:
    get_ready()
    formats = set(Image.OPEN) - set(_NOT_READ)
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in formats)


EXTENSIONS = _extensions()
"""The extensions of pictures, in lower case."""


def formats_for(suffix: str) -> list[str]:
    """Return the formats to try for a file: all that are identified by content, and the format of its extension."""
    get_ready()
    named = Image.registered_extensions().get(suffix.lower())
    also = [] if named is None or named in _NOT_READ or named in _KNOWN_BY_CONTENT else [named]
    return [name for name in (*_KNOWN_BY_CONTENT, *also) if name in Image.OPEN]


def is_raw(suffix: str) -> bool:
    """Whether files with this extension have raw data of a camera; Pillow reads only the small preview in them."""
    return suffix.lower() in _RAW


def why_not(suffix: str) -> str:
    """Return the reason why files with this extension cannot be read; empty if there is no special reason."""
    suffix = suffix.lower()
    if suffix in _HEIC and "HEIF" not in Image.OPEN:
        return f"try {_HEIC_EXTRA}"
    if is_raw(suffix):
        return RAW_DATA
    if Image.registered_extensions().get(suffix) in _NOT_READ:
        return "not read by Pillow alone"
    return ""
