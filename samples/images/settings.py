"""The settings of a run."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Protocol

import attrs

from penstock.agents import Plan
from penstock.samples.images.record import ImageInfo, Job, Phase

__all__ = [
    "CHAPTER_MODES",
    "AtOnce",
    "Halt",
    "HaltedError",
    "Mode",
    "OnError",
    "PhaseTimes",
    "Settings",
    "SheetPlan",
    "Waits",
    "Workers",
    "usable_cpus",
]


class Mode(Enum):
    """The ways to run the same four phases: the four of the chapter, and the stages of a plan."""

    SEQUENTIAL = "sequential"
    CONTROL_FLOW = "control-flow"
    DATA_FLOW = "data-flow"
    LOAD_BALANCED = "load-balanced"
    PLANNED = "planned"

    @property
    def uses_executor(self) -> bool:
        """Whether blocks call the phases, in an executor."""
        return self in (Mode.DATA_FLOW, Mode.LOAD_BALANCED, Mode.PLANNED)


CHAPTER_MODES = (Mode.SEQUENTIAL, Mode.CONTROL_FLOW, Mode.DATA_FLOW, Mode.LOAD_BALANCED)
"""The four modes of the chapter. The phases of its model may run in these: a plan is for phases that work."""


class OnError(Enum):
    """What happens to the run when one image fails."""

    SKIP = "skip"
    FAIL = "fail"


class Workers(Enum):
    """The kinds of workers that the blocks use."""

    THREADS = "threads"
    PROCESSES = "processes"
    DASK = "dask"


def usable_cpus() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@attrs.frozen
class AtOnce:
    """How many images each phase may work on at once, in the modes with blocks; each number is at least 1."""

    load: int
    scale: int
    noise: int
    output: int

    @classmethod
    def all(cls, number: int) -> AtOnce:
        """Return the same number for each phase."""
        return cls(number, number, number, number)

    def of(self, phase: Phase) -> int:
        """Return the number of `phase`."""
        number: int = getattr(self, phase.value)
        return number


@attrs.frozen
class PhaseTimes:
    """How long each phase waits in the model of the pipeline, in seconds, > 0. By default the filter takes twice T."""

    load: float = 0.3
    scale: float = 0.3
    noise: float = 0.6
    output: float = 0.3

    def of(self, phase: Phase) -> float:
        """Return the time of `phase`."""
        seconds: float = getattr(self, phase.value)
        return seconds

    @property
    def in_milliseconds(self) -> tuple[int, int, int, int]:
        """The four times, in the order of the phases."""
        return round(1000 * self.load), round(1000 * self.scale), round(1000 * self.noise), round(1000 * self.output)

    @property
    def by_phase(self) -> dict[Phase, float]:
        """The times by phase."""
        return {phase: self.of(phase) for phase in Phase}


class Waits(Protocol):
    """Phases that wait instead of working; `Model` is the class."""

    @property
    def times(self) -> PhaseTimes:
        """How long each phase waits."""
        ...

    async def work(self, phase: Phase, item: Job | ImageInfo) -> ImageInfo:
        """Wait as long as `phase` takes, and return the image after it."""
        ...

    def publish(self, info: ImageInfo, settings: Settings) -> ImageInfo:
        """Write the thumbnail to its place."""
        ...


@attrs.frozen
class SheetPlan:
    """The size of a page of the contact sheet.

    Args:
        columns: thumbnails per row, at least 1.
        rows: rows per page, at least 1.
    """

    columns: int = 5
    rows: int = 8

    @classmethod
    def for_images(cls, total: int) -> SheetPlan:
        """Return a plan for `count` images; if they do not fill a row, the sheet is narrower."""
        plan = cls()
        return attrs.evolve(plan, columns=max(1, min(plan.columns, total)))


class HaltedError(Exception):
    """The run is over, and the result of the work is not needed."""


class Halt:
    """Lets abandoned work in a thread end early; abandoned processes are killed."""

    def __init__(self) -> None:
        self.is_set = False

    def __reduce__(self) -> tuple[type[Halt], tuple[()]]:  # a copy in another process is never set
        return Halt, ()

    def check(self) -> None:
        """Raise `HaltedError` if the result of the work is not needed any more."""
        if self.is_set:
            raise HaltedError("the run is over")


@attrs.frozen
class Settings:
    """The settings of one run.

    Args:
        output: the folder for the thumbnails, which exists.
        size: width and height of the framed thumbnail, in pixels.
        noise: the standard deviation of the Gaussian noise, on the 8-bit scale.
        layers: the number of layers of noise that the filter adds; each takes the same time.
        on_error: what happens when an image fails.
        filters: the number of filter blocks in the load-balanced mode; each works on one image at a time.
        governor: the pipeline holds up to this many images.
        at_once: each phase works on up to this many images at once, in the data-flow and load-balanced modes.
        seed: the noise of an image depends only on `seed` and its name, so every mode writes the same bytes.
        unfinished: the folder for files that are being written, on the disk of `output`; None for `output` itself.
        sheet: the plan of the contact sheet; None for no sheet.
        halt: set when the run is over.
        model: the phases of the model, which wait; None for phases that work.
        plan: the stages of the planned mode; None for a stage per phase.
        abandons: whether a run that is stopped abandons what the stages of its plan work on.
    """

    output: Path
    size: tuple[int, int] = (320, 240)
    noise: float = 16.0
    on_error: OnError = OnError.SKIP
    filters: int = 2
    governor: int = 20
    at_once: AtOnce = attrs.field(factory=lambda: AtOnce.all(usable_cpus()))
    seed: int = 0
    unfinished: Path | None = None
    layers: int = 1
    sheet: SheetPlan | None = None
    halt: Halt = attrs.field(factory=Halt, eq=False, repr=False)
    model: Waits | None = attrs.field(default=None, eq=False, repr=False)
    plan: Plan | None = attrs.field(default=None, eq=False, repr=False)
    abandons: bool = False
