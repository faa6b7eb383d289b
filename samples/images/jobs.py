"""Makes jobs from pictures: their order, and the names of their thumbnails."""

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
    """The jobs for the pictures, repeated and numbered from 1; each job is made when it is needed.

    Args:
        pictures: one or more pictures.
        repeat: the number of rounds through the pictures; None for no end.
        root: a folder; the names of thumbnails depend on the paths below it. None: they depend on the whole paths.
    """

    def __init__(self, pictures: Sequence[Path], repeat: int | None, root: Path | None = None) -> None:
        self._pictures = pictures
        self._count = sys.maxsize if repeat is None else repeat * len(pictures)  # the largest length that Python allows
        self._root = root

    @property
    def first_round(self) -> Jobs:
        """The jobs of the first round, one for each picture."""
        return Jobs(self._pictures, 1, self._root)

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
    """Return the jobs for the first `limit` pictures, in `repeat` rounds, or in rounds without end."""
    return Jobs(pictures[:limit], repeat, root)
