"""The items of the pipelines: jobs, images with their time stamps, and failures."""

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
"""Red, green and blue: shape (height, width, 3). The pixels of a record are never changed."""


class Phase(Enum):
    """The four phases every image goes through, in this order."""

    LOAD = "load"
    SCALE = "scale"
    NOISE = "noise"
    OUTPUT = "output"


@attrs.frozen
class Stamp:
    """When the work of one phase on one image began and ended (`clock.now()`, seconds).

    All processes of one machine share this clock. Dask workers on other machines have other clocks: then the length of
    the work is right, but the time between two phases is not.

    Args:
        cpu: the processor time of the work, in seconds.
    """

    phase: Phase
    started: float
    finished: float
    cpu: float = 0.0


@attrs.frozen
class Job:
    """One file to be worked on.

    Args:
        sequence: counts from 1, without gaps; it is the order of the output.
        path: the file.
        name: the name of its thumbnail.
        number: the number of the picture among all pictures, including those that need no work; by default `sequence`.
    """

    sequence: int
    path: Path
    name: str = attrs.field(default=attrs.Factory(lambda job: thumbnail_name(job.path, str(job.path)), takes_self=True))
    number: int = attrs.field(default=attrs.Factory(lambda job: job.sequence, takes_self=True))


@attrs.frozen(eq=False, repr=False)
class ImageInfo:
    """One image in the pipeline; each phase returns a new record and leaves the record that it got unchanged.

    Records can be sent to other processes: the pixels are an array, which goes through shared memory.

    Args:
        sequence: the number of the image, from 1, without gaps.
        path: the file it was loaded from.
        name: the name of its thumbnail.
        number: the number of the picture among all pictures.
        pixels: the image after the latest phase.
        picture: the part of `pixels` with the photograph; the rest is the frame.
        stamps: an entry for each finished phase.
        written: the thumbnail's file, once it is on disk; the file is hidden until it is published.
        digest: the SHA-256 of the thumbnail's file.
        note: the assumption that was needed to read the file; empty if none was.
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

    def __repr__(self) -> str:  # short, because a recording has one for each span
        return f"ImageInfo({self.sequence}, {self.path.name!r}, {len(self.stamps)} phases)"


@attrs.frozen
class Failure:
    """Why an image failed: its file, the phase and the reason in plain words.

    Args:
        exception: the class of the exception, if there was one.
        ends_run: whether all other images would fail too, for example because the disk is full.
    """

    sequence: int
    path: Path
    phase: Phase
    reason: str
    exception: str = attrs.field(default="", eq=False)
    ends_run: bool = attrs.field(default=False, eq=False)


class PhaseError(Exception):
    """A phase has failed on one image; `failure` has the image and the reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)  # this must be the only argument, so that the error can be pickled
        self.failure = failure

    def __str__(self) -> str:
        return f"{self.failure.path.name!r}: {self.failure.phase.value}: {self.failure.reason}"
