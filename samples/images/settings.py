"""What a run is to do, apart from the files it does it to."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import attrs

__all__ = ["Mode", "OnError", "Settings"]


class Mode(Enum):
    """The four ways to run the same four phases."""

    SEQUENTIAL = "sequential"
    CONTROL_FLOW = "control-flow"
    DATA_FLOW = "data-flow"
    LOAD_BALANCED = "load-balanced"


class OnError(Enum):
    """What happens to the run when one image fails."""

    SKIP = "skip"
    STOP = "stop"


@attrs.frozen
class Settings:
    """The settings of one run.

    Args:
        output: folder for the thumbnails; it exists.
        size: width and height of the framed thumbnail in pixels.
        noise: standard deviation of the Gaussian noise, in steps of the 8-bit scale.
        on_error: skip an image that fails, or end the run.
        filters: number of filter blocks in the load-balanced mode.
        governor: how many images may be in the pipeline at a time.
        seed: the noise of image n depends on `seed` and n alone, so every mode writes the same bytes.
        digits: the thumbnails' names begin with the sequence number in this many digits.
    """

    output: Path
    size: tuple[int, int] = (320, 240)
    noise: float = 16.0
    on_error: OnError = OnError.SKIP
    filters: int = 2
    governor: int = 20
    seed: int = 0
    digits: int = 4
