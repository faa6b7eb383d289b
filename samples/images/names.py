"""Names of files: for people to read, and for thumbnails to have."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["printable", "shown_name", "thumbnail_name"]

# A file name may have 255 bytes in most file systems; digits and the suffix must find room too.
_MAX_STEM_BYTES = 200
_DIGITS = 8
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


def thumbnail_name(path: Path, key: str, turn: int = 1) -> str:
    """Return `stem-0123abcd.jpg`: the same whenever the picture is worked on, and whatever other pictures there are.

    Args:
        path: the picture.
        key: what tells it from all other pictures: its whole path, or that below a folder. A few digits of its digest
            are in the name, so pictures of the same name in different folders do not meet.
        turn: which time of several, from 1; from the second on it is in the name.
    """
    stem = path.stem
    while len(os.fsencode(stem)) > _MAX_STEM_BYTES:
        stem = stem[:-1]
    digest = hashlib.sha256(os.fsencode(key)).hexdigest()[:_DIGITS]
    return f"{stem}-{digest}{f'-{turn}' if turn > 1 else ''}.jpg"
