"""Plain values about a run for the page, besides its network: figures, tables, pictures, errors."""

from __future__ import annotations

import attrs

from penstock.samples.dashboard.network_state import NetworkState
from penstock.samples.images.record import Phase

__all__ = [
    "PHASE_LABELS",
    "ComparisonRow",
    "PhaseRow",
    "Picture",
    "Prediction",
    "QueueRow",
    "Slots",
    "Snapshot",
    "Trouble",
]

PHASE_LABELS = {Phase.LOAD: "Load", Phase.SCALE: "Scale", Phase.NOISE: "Filter", Phase.OUTPUT: "Display/write"}


@attrs.frozen
class Prediction:
    """The chapter's prediction of the steady time per image, in seconds, and a text that explains it."""

    seconds: float
    text: str


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
    """A queue between two phases: its images, and the seconds that producers and consumers waited for it."""

    label: str
    route: str
    size: int
    most: int
    capacity: int | None
    wait_in: float
    wait_out: float


@attrs.frozen
class Slots:
    """The governor: how many images are in the pipeline, and the limit."""

    used: int
    limit: int


@attrs.frozen
class Snapshot:
    """Everything about a run except its pictures, its errors and its chart."""

    run: int = 0
    mode: str = "data-flow"
    images: int = 0
    total: int | None = None
    failed: int = 0
    seconds: float = 0.0
    per_image: float | None = None
    steady: float | None = None
    prediction: Prediction | None = None
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
    """The result of one mode; times are seconds per image."""

    mode: str
    per_image: float | None = None
    steady: float | None = None
    prediction: float | None = None
    speedup: float | None = None
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
