"""The last phase: the thumbnail goes to disk, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from io import BytesIO
from pathlib import Path

import attrs

from penstock.samples.images.names import thumbnail_name
from penstock.samples.images.record import ImageInfo
from penstock.samples.images.settings import Settings

__all__ = ["output", "write_whole"]


def output(info: ImageInfo, settings: Settings) -> ImageInfo:
    """Write the thumbnail as a JPEG into `settings.output`; an older file of that name is replaced.

    Raises:
        OSError: the file cannot be written; nothing of it is left behind.
    """
    encoded = BytesIO()
    info.image.save(encoded, "JPEG", quality=90)
    data = encoded.getvalue()
    path = settings.output / thumbnail_name(info.sequence, info.path, settings.digits)
    write_whole(path, data)
    return attrs.evolve(info, written=path, digest=hashlib.sha256(data).hexdigest())


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that nobody, at no moment, finds half a file there.

    The data go to a hidden file in the same folder, which then takes the place of `path` in one step.
    """
    temporary = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too: what was begun is taken away
        temporary.unlink(missing_ok=True)
        raise
