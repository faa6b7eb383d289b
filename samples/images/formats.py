"""Which pictures can be read: what Pillow reads by itself, and HEIC where its extra is installed."""

from __future__ import annotations

import contextlib
import importlib
from functools import cache

from PIL import Image

__all__ = ["EXTENSIONS", "formats_for", "get_ready", "why_not"]

# By their first bytes these are known for certain, so a file of them may be called anything.
_KNOWN_BY_CONTENT = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM", "HEIF")
# EPS starts an outside program (Ghostscript), WMF is drawn on Windows only, and of the others Pillow knows the names.
_NOT_READ = ("EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG")
_HEIC = (".heic", ".heics", ".heif", ".heifs", ".hif")
_HEIC_EXTRA = "pip install 'penstock[heic]'"
_RAW = (".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".srw")


@cache
def get_ready() -> None:
    """Have Pillow import its readers, once a process; the first image would wait for that."""
    Image.init()
    with contextlib.suppress(ImportError):  # then files of it are named as left out
        importlib.import_module("pillow_heif").register_heif_opener()


def _extensions() -> frozenset[str]:
    get_ready()
    formats = set(Image.OPEN) - set(_NOT_READ)
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in formats)


EXTENSIONS = _extensions()
"""What the names of pictures end with, in lower case."""


def formats_for(suffix: str) -> list[str]:
    """Return the formats to try for a file: those known by their content, and that of its name."""
    get_ready()
    named = Image.registered_extensions().get(suffix.lower())
    also = [] if named is None or named in _NOT_READ or named in _KNOWN_BY_CONTENT else [named]
    return [name for name in (*_KNOWN_BY_CONTENT, *also) if name in Image.OPEN]


def why_not(suffix: str) -> str:
    """Return why files of that kind are not read, for people; empty if there is nothing to say but that."""
    if suffix in _HEIC:
        return f"try {_HEIC_EXTRA}"
    if suffix in _RAW:
        return "raw data of a camera are not read"
    if Image.registered_extensions().get(suffix) in _NOT_READ:
        return "not read by Pillow alone"
    return ""
