"""Names of files: for people to read, and for thumbnails to have."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["printable", "shown_name", "thumbnail_name"]

# A file name may have 255 bytes in most file systems; the number and the suffix must find room too.
_MAX_STEM_BYTES = 200
_JOINERS = "\u200c\u200d"  # they show nothing, and many names in Persian, and emoji, cannot do without


def printable(text: str) -> str:
    r"""Return `text` fit to be printed on one line: undecodable bytes and control characters as `\x..`."""
    decoded = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c in _JOINERS else _escaped(c) for c in decoded)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shown_name(path: Path) -> str:
    """Return the name of the file, without its folder, so that it can be printed."""
    return printable(path.name)


def thumbnail_name(sequence: int, path: Path, digits: int) -> str:
    """Return `0007-stem.jpg`: unique by the number, sorted by it, and recognisable by the stem."""
    stem = path.stem
    while len(os.fsencode(stem)) > _MAX_STEM_BYTES:
        stem = stem[:-1]
    return f"{sequence:0{digits}d}-{stem}.jpg"
