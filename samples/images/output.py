"""The last phase: the thumbnail is written to disk, whole or not at all."""

# There are two steps: a worker writes a hidden file, and the file is moved to its place when the image is reported, at
# the end of the pipeline. So the thumbnails on disk are those of the reported images, even if the run ends early.

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Generator
from pathlib import Path

import attrs
from PIL import Image

from penstock.samples.images.record import ImageInfo
from penstock.samples.images.settings import Settings

__all__ = ["output", "publish", "write_whole"]

_END_OF_JPEG = b"\xff\xd9"


def output(info: ImageInfo, settings: Settings) -> ImageInfo:
    """Write the thumbnail as a JPEG into a hidden file, which `publish` moves to its place.

    Raises:
        OSError: the file cannot be written; no part of it is left behind.
    """
    path = _hidden(settings.unfinished or settings.output)
    with _undone(path), path.open("x+b") as file:
        # Pillow lets other threads run only while it writes into a file, not into memory. But it does not notice when
        # the disk takes only a part.
        Image.fromarray(info.pixels).save(file, "JPEG", quality=90)
        file.seek(0)
        data = file.read()
        if not data.endswith(_END_OF_JPEG):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return attrs.evolve(info, written=path, digest=hashlib.sha256(data).hexdigest())


def publish(info: ImageInfo, settings: Settings) -> ImageInfo:
    """Move the file that `output` has written to its place in `settings.output`, over an older one.

    Raises:
        OSError: the file cannot be moved; nothing is left behind.
    """
    assert info.written is not None
    path = settings.output / info.name
    with _undone(info.written):
        os.replace(info.written, path)
    return attrs.evolve(info, written=path)


def write_whole(path: Path, data: bytes, unfinished: Path | None = None) -> None:
    """Write `data` to `path`, whole or not at all.

    The data go to a hidden file in `unfinished`, or in the folder of `path`. It then replaces `path` in one step.
    """
    temporary = _hidden(unfinished or path.parent)
    with _undone(temporary):
        with temporary.open("xb") as file:
            file.write(data)
        os.replace(temporary, path)


def _hidden(folder: Path) -> Path:
    """Return a new hidden name in `folder`."""
    return folder / f".{secrets.token_hex(6)}.part"


@contextlib.contextmanager
def _undone(path: Path) -> Generator[None]:
    """Remove the file at `path` if the body fails or is interrupted by Ctrl-C."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
