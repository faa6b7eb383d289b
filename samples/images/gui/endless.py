"""The jobs of a slideshow that goes round until somebody stops it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from penstock.samples.images.record import Job

__all__ = ["EndlessJobs"]


class EndlessJobs(Sequence[Job]):
    """Jobs for the pictures, over and over, numbered from 1 without an end.

    Args:
        pictures: one or more.
    """

    def __init__(self, pictures: Sequence[Path]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return sys.maxsize  # as near as can be said

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Job]: ...

    def __getitem__(self, index: int | slice) -> Job | Sequence[Job]:
        if isinstance(index, slice):
            raise TypeError("endless jobs: cannot be sliced")
        return Job(index + 1, self._pictures[index % len(self._pictures)])
