"""What travels through the pipelines: a job at first, then an image with its time stamps, or a failure."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt

from penstock.samples.images.names import thumbnail_name

__all__ = ["Box", "Failure", "ImageInfo", "Job", "Phase", "PhaseError", "Pixels", "Stamp"]

Box = tuple[int, int, int, int]
"""Left, upper, right, lower, in pixels, as Pillow counts them."""
Pixels = npt.NDArray[np.uint8]
"""Red, green and blue: shape (height, width, 3). Nobody writes into those of a record."""


class Phase(Enum):
    """The four phases every image goes through, in this order."""

    LOAD = "load"
    SCALE = "scale"
    NOISE = "noise"
    OUTPUT = "output"


@attrs.frozen
class Stamp:
    """When the work of one phase on one image began and ended (`time.perf_counter()`, seconds).

    All processes of one machine share that clock. The workers of a Dask cluster on other machines have clocks of
    their own: there the length of the work is right, and the time between two phases means nothing.

    Args:
        cpu: seconds of processor time that the work took.
    """

    phase: Phase
    started: float
    finished: float
    cpu: float = 0.0


@attrs.frozen
class Job:
    """One file to be worked on.

    Args:
        sequence: counts from 1, without gaps, and settles the order of the output.
        path: the file.
        name: of its thumbnail.
        number: of the picture among all, those included that need no work; by default that of the job.
    """

    sequence: int
    path: Path
    name: str = attrs.field(default=attrs.Factory(lambda job: thumbnail_name(job.path, str(job.path)), takes_self=True))
    number: int = attrs.field(default=attrs.Factory(lambda job: job.sequence, takes_self=True))


@attrs.frozen(eq=False, repr=False)
class ImageInfo:
    """One image on its way; each phase returns a new record and leaves the one it was given as it is.

    It travels to other processes as it is: the pixels are an array, which goes there by way of shared memory.

    Args:
        sequence: number of the image, from 1, without gaps.
        path: the file it was loaded from.
        name: of its thumbnail.
        number: of the picture among all.
        pixels: what it looks like after the latest phase.
        picture: where in `pixels` the photograph is; the rest is the frame.
        stamps: one entry for each phase that is behind it.
        written: the thumbnail's file, once it is on disk; out of sight until it is published.
        digest: SHA-256 of the thumbnail's file.
        note: what was assumed to read the file, for people; empty if nothing was.
    """

    sequence: int
    path: Path
    name: str
    number: int
    pixels: Pixels
    picture: Box
    stamps: tuple[Stamp, ...] = ()
    written: Path | None = None
    digest: str | None = None
    note: str = ""

    def __repr__(self) -> str:  # short: a recording has one for each span
        return f"ImageInfo({self.sequence}, {self.path.name!r}, {len(self.stamps)} phases)"


@attrs.frozen
class Failure:
    """Why an image did not come out, in words for people: its file, the phase and the reason.

    Args:
        exception: the class of what was raised, if anything was.
        ends_run: whether no other image could come out either: the disk is full, say.
    """

    sequence: int
    path: Path
    phase: Phase
    reason: str
    exception: str = attrs.field(default="", eq=False)
    ends_run: bool = attrs.field(default=False, eq=False)


class PhaseError(Exception):
    """A phase could not do its work on one image; `failure` tells which one and why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)  # and nothing else, so that it can be pickled
        self.failure = failure

    def __str__(self) -> str:
        return f"{self.failure.path.name!r}: {self.failure.phase.value}: {self.failure.reason}"
