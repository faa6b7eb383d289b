"""Makes the list of jobs from pictures: what is worked on, in which order, and under which names it comes out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from penstock.samples.images.names import thumbnail_name
from penstock.samples.images.record import Job

__all__ = ["Jobs", "list_jobs"]


class Jobs(Sequence[Job]):
    """Jobs for the pictures, over and over, numbered from 1; each is made when it is asked for.

    Args:
        pictures: one or more.
        repeat: how many times; None for no end.
        root: what the names of thumbnails are made from is the path below it; None for the whole path.
    """

    def __init__(self, pictures: Sequence[Path], repeat: int | None, root: Path | None = None) -> None:
        self._pictures = pictures
        self._count = sys.maxsize if repeat is None else repeat * len(pictures)  # as near to no end as can be said
        self._root = root

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
        turn, number = divmod(index, len(self._pictures))
        path = self._pictures[number]
        key = os.path.abspath(path) if self._root is None else str(path.relative_to(self._root))
        return Job(index + 1, path, thumbnail_name(path, key, turn + 1))


def list_jobs(
    pictures: Sequence[Path], limit: int | None = None, repeat: int | None = 1, root: Path | None = None
) -> Jobs:
    """Return the jobs for the first `limit` pictures, over and over `repeat` times, or without an end."""
    return Jobs(pictures[:limit], repeat, root)
