"""Names of files: as printable text, and for thumbnails."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["printable", "shown_name", "thumbnail_name"]

# In most file systems a file name may have up to 255 bytes, including digits and the suffix.
_MAX_STEM_BYTES = 200
_DIGITS = 8
_JOINERS = "\u200c\u200d"  # they are invisible, but Persian names and emoji need them


def printable(text: str) -> str:
    r"""Return `text` as one printable line: undecodable bytes and control characters become `\x..`."""
    decoded = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c in _JOINERS else _escaped(c) for c in decoded)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shown_name(path: Path) -> str:
    """Return the printable name of the file, without its folder."""
    return printable(path.name)


def thumbnail_name(path: Path, key: str, turn: int = 1) -> str:
    """Return `stem-0123abcd.jpg`. The name does not depend on the run or on other pictures.

    Args:
        path: the picture.
        key: a unique text for the picture: its whole path, or the path below a folder. A few digits of its digest are
            part of the name, so that pictures of the same name in different folders differ.
        turn: the number of the round, from 1; it is part of the name from the second round on.
    """
    stem = path.stem
    while len(os.fsencode(stem)) > _MAX_STEM_BYTES:
        stem = stem[:-1]
    digest = hashlib.sha256(os.fsencode(key)).hexdigest()[:_DIGITS]
    return f"{stem}-{digest}{f'-{turn}' if turn > 1 else ''}.jpg"
