"""What the page is told, as plain values: the state of a run, its tables and its graph. No HTTP in here."""

from __future__ import annotations

from enum import Enum
from typing import Any, cast

import attrs

from penstock.samples.images.record import Phase

__all__ = [
    "PHASE_LABELS",
    "ComparisonRow",
    "LinkRow",
    "NodeRow",
    "PhaseRow",
    "Picture",
    "Prediction",
    "QueueRow",
    "Slots",
    "Snapshot",
    "Trouble",
    "as_json",
]

PHASE_LABELS = {Phase.LOAD: "Load", Phase.SCALE: "Scale", Phase.NOISE: "Filter", Phase.OUTPUT: "Display/write"}


@attrs.frozen
class Prediction:
    """What the chapter predicts for the steady time an image, in seconds, and why."""

    seconds: float
    text: str


@attrs.frozen
class PhaseRow:
    """The figures of one phase: seconds an image, processor seconds and seconds in all."""

    id: str
    label: str
    mean: float | None
    cpu: float | None
    wall: float | None
    slowest: bool


@attrs.frozen
class QueueRow:
    """A queue between two phases: images in it, and how long producers and consumers have waited at it, in seconds."""

    label: str
    source: str
    target: str
    size: int
    most: int
    capacity: int | None
    wait_in: float
    wait_out: float


@attrs.frozen
class NodeRow:
    """A block, an agent, or a phase that is neither, as the graph shows it; `service` is seconds an image."""

    id: str
    label: str
    kind: str
    where: str
    waiting: int
    most: int
    in_work: int
    done: int
    service: float | None
    slowest: bool
    busy: float


@attrs.frozen
class LinkRow:
    """A way that images go."""

    source: str
    target: str
    passed: int


@attrs.frozen
class Slots:
    """The governor: images in the pipeline, and how many there may be."""

    used: int
    limit: int


@attrs.frozen
class Snapshot:
    """Everything about a run but its pictures, its errors and its spans."""

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
    nodes: tuple[NodeRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    governor: Slots | None = None


@attrs.frozen
class Trouble:
    """An image that failed, or what ended the run (`fatal`)."""

    run: int
    phase: str
    file: str
    exception: str
    sequence: int
    fatal: bool = False


@attrs.frozen
class ComparisonRow:
    """What one mode has come to; times are seconds an image."""

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


_RENAMED = {"source": "from", "target": "to"}


def as_json(value: object) -> Any:
    """Turn values of this module into what `json.dumps` takes, with the names that JavaScript is used to."""
    match value:
        case Enum():
            return value.value
        case tuple() | list():
            return [as_json(one) for one in cast("tuple[object, ...]", value)]
        case _:
            fields: tuple[Any, ...] = getattr(value, "__attrs_attrs__", ())
            return {_name(field.name): as_json(getattr(value, field.name)) for field in fields} if fields else value


def _name(field: str) -> str:
    first, *others = field.split("_")
    return _RENAMED.get(field, first + "".join(part.capitalize() for part in others))
