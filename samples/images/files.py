"""Finds the pictures of a folder and makes the list of jobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from penstock.samples.images.record import Job

__all__ = ["EXTENSIONS", "Jobs", "NoPicturesError", "find_pictures", "list_jobs"]

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
    is_named_so = path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")
    return is_named_so and not os.path.isdir(path)  # which, unlike pathlib's, never raises


class Jobs(Sequence[Job]):
    """Jobs for the pictures, over and over, numbered from 1; each is made when it is asked for.

    Args:
        pictures: one or more.
        repeat: so many times; None for no end.
    """

    def __init__(self, pictures: Sequence[Path], repeat: int | None) -> None:
        self._pictures = pictures
        self._count = sys.maxsize if repeat is None else repeat * len(pictures)  # as near to no end as can be said

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Job]: ...

    def __getitem__(self, index: int | slice) -> Job | Sequence[Job]:
        if isinstance(index, slice):
            raise TypeError("jobs: cannot be sliced")
        if not 0 <= index < self._count:
            raise IndexError(f"jobs: expected an index from 0 to {self._count - 1}, got {index}")
        return Job(index + 1, self._pictures[index % len(self._pictures)])


def list_jobs(pictures: Sequence[Path], limit: int | None = None, repeat: int | None = 1) -> Jobs:
    """Return the jobs for the first `limit` pictures, over and over `repeat` times, or without an end."""
    return Jobs(pictures[:limit], repeat)
