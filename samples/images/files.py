"""Finds the pictures of a folder and makes the list of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from penstock.samples.images.record import Job

__all__ = ["EXTENSIONS", "NoPicturesError", "find_pictures", "list_jobs"]

EXTENSIONS = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".avif", ".jp2"]
)


class NoPicturesError(Exception):
    """The folder cannot be used; the message says why, on one line."""


def find_pictures(folder: Path) -> list[Path]:
    """Return the pictures in `folder`, in the order of their file names; sub-folders are not searched.

    A picture is whatever has one of `EXTENSIONS`, in upper or lower case, is not hidden and not a folder.
    Whether it can be read is found out by loading it.

    Raises:
        NoPicturesError: the folder does not exist, cannot be listed, or has no pictures.
    """
    try:
        entries = list(folder.iterdir())
    except FileNotFoundError:
        raise NoPicturesError(f"no such folder: {folder}") from None
    except NotADirectoryError:
        raise NoPicturesError(f"not a folder: {folder}") from None
    except OSError as error:
        raise NoPicturesError(f"cannot read the folder {folder}: {error.strerror}") from None
    pictures = [path for path in entries if _is_picture(path)]
    if not pictures:
        known = " ".join(sorted(EXTENSIONS))
        raise NoPicturesError(f"no pictures in {folder} ({len(entries)} other entries; looked for {known})")
    return sorted(pictures, key=lambda path: path.name)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and not path.is_dir()


def list_jobs(pictures: Sequence[Path], limit: int | None = None, repeat: int = 1) -> list[Job]:
    """Return the jobs for the first `limit` pictures, over and over `repeat` times, numbered from 1."""
    chosen = pictures[:limit]
    return [Job(number, path) for number, path in enumerate([*chosen] * repeat, start=1)]
