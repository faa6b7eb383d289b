"""Plain values about a run for the page, besides its network: figures, tables, pictures, errors."""

from __future__ import annotations

import attrs

from penstock.blocks.dashboard import NetworkState
from penstock.samples.images.predict import Prediction

__all__ = [
    "ComparisonRow",
    "ModelRun",
    "PhaseRow",
    "Picture",
    "Progress",
    "QueueRow",
    "Slots",
    "Snapshot",
    "Trouble",
]


@attrs.frozen
class PhaseRow:
    """The figures of one phase, in seconds: per image, in total, and processor time in total."""

    id: str
    label: str
    mean: float | None
    cpu: float | None
    wall: float | None
    slowest: bool


@attrs.frozen
class QueueRow:
    """A queue between two phases: its images, and the seconds that producers and consumers waited for it.

    The governor has a row too: the images in the pipeline, and the seconds that it has held the first phase back.
    """

    label: str
    route: str
    size: int
    most: int
    capacity: int | None
    wait_in: float
    wait_out: float | None


@attrs.frozen
class Slots:
    """The governor: how many images are in the pipeline, the limit, and the seconds that it has held images back."""

    used: int
    limit: int
    held: float


@attrs.frozen
class ModelRun:
    """What is known beforehand about a run of the model: its length, and the shortest time of a phase, in seconds.

    The chapter counts in this time, which it calls T. The length of a run without end is None.
    """

    seconds: float | None
    shortest: float


@attrs.frozen
class Progress:
    """How far a step before a run is: pictures that are painted, for example. With a total of 0, that is not known."""

    what: str
    number: int = 0
    total: int = 0

    def __str__(self) -> str:
        return f"{self.what}: {self.number} of {self.total}" if self.total else f"{self.what} …"


@attrs.frozen
class Snapshot:
    """Everything about a run except its pictures, its errors and its chart; `model` is None if the phases do work."""

    run: int = 0
    mode: str = "data-flow"
    images: int = 0
    total: int | None = None
    failed: int = 0
    seconds: float = 0.0
    per_image: float | None = None
    steady: float | None = None
    prediction: Prediction | None = None
    model: ModelRun | None = None
    phases: tuple[PhaseRow, ...] = ()
    queues: tuple[QueueRow, ...] = ()
    governor: Slots | None = None
    network: NetworkState = attrs.field(factory=NetworkState)


@attrs.frozen
class Trouble:
    """An image that failed, or the error that ended the run (`fatal`)."""

    run: int
    phase: str
    file: str
    exception: str
    sequence: int
    fatal: bool = False


@attrs.frozen
class ComparisonRow:
    """The result of one mode; times are seconds per image, except for those of the whole run.

    Args:
        seconds: the length of the run.
        model: what was known about it beforehand; None if the phases did work.
    """

    mode: str
    per_image: float | None = None
    steady: float | None = None
    prediction: float | None = None
    speedup: float | None = None
    seconds: float | None = None
    model: ModelRun | None = None
    status: str = "waiting"


@attrs.frozen
class Picture:
    """A finished thumbnail: a file on disk."""

    run: int
    sequence: int
    name: str
    width: int
    height: int
    total: int | None
    file: str
