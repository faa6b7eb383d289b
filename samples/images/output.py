"""The last phase: the thumbnail goes to disk, whole or not at all."""

# Two steps: a worker writes the file under a hidden name, and the file gets its place when the pipeline has the image
# at its end and reports it. So there is a thumbnail for each image that is reported, and for no other, however and
# wherever the work ends.

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
    """Write the thumbnail as a JPEG into a hidden file, of which `publish` makes the thumbnail.

    Raises:
        OSError: the file cannot be written; nothing of it is left behind.
    """
    path = _hidden(settings.unfinished or settings.output)
    with _undone(path), path.open("x+b") as file:
        # Into a file, not into memory: only so does Pillow let other threads run. It does not notice, though, when
        # the disk takes a part only.
        Image.fromarray(info.pixels).save(file, "JPEG", quality=90)
        file.seek(0)
        data = file.read()
        if not data.endswith(_END_OF_JPEG):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return attrs.evolve(info, written=path, digest=hashlib.sha256(data).hexdigest())


def publish(info: ImageInfo, settings: Settings) -> ImageInfo:
    """Give the file that `output` has written its place in `settings.output`; an older one of that name is replaced.

    Raises:
        OSError: that cannot be done; nothing is left behind.
    """
    assert info.written is not None
    path = settings.output / info.name
    with _undone(info.written):
        os.replace(info.written, path)
    return attrs.evolve(info, written=path)


def write_whole(path: Path, data: bytes, unfinished: Path | None = None) -> None:
    """Write `data` to `path` so that nobody, at no moment, finds half a file there.

    The data go to a hidden file in `unfinished`, or in the same folder. It then takes the place of `path` in one step.
    """
    temporary = _hidden(unfinished or path.parent)
    with _undone(temporary):
        with temporary.open("xb") as file:
            file.write(data)
        os.replace(temporary, path)


def _hidden(folder: Path) -> Path:
    """Return a new name in `folder` that nobody will look at."""
    return folder / f".{secrets.token_hex(6)}.part"


@contextlib.contextmanager
def _undone(path: Path) -> Generator[None]:
    """Take away what was begun at `path` if it cannot be ended, by Ctrl-C too."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
