"""Settings to begin with, each with a word on what it shows."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["PRESETS", "Preset"]


@attrs.frozen
class Preset:
    """A part of a form, with a name and a help text."""

    id: str
    label: str
    help: str
    form: dict[str, Any]


_STEPS: dict[str, Any] = {
    "folder": None,
    "size": [1024, 768],
    "noise": 16,
    "layers": 5,
    "governor": 20,
    "filters": 2,
    "workers": 4,
    "concurrency": 1,
    "executor": "threads",
    "limit": 15,
    "repeat": 4,
    "endless": False,
}

PRESETS = (
    Preset(
        "steps",
        "Each step's gain (two processors)",
        "The filter takes 70 % of the work: pipelining hides the other phases behind it, and two filters share it. "
        "Choose “Compare modes”. On two processors that are free, pipelining makes it about 1.3 times as fast and "
        "balancing 1.6 times; they cannot give more than 2, and give less if they are busy.",
        _STEPS,
    ),
    Preset(
        "unbalanced",
        "One slow stage",
        "Data flow with a slow filter: it works all the time, and the others wait for it. Look at the diagram.",
        {**_STEPS, "mode": "data-flow", "layers": 10, "repeat": 2},
    ),
    Preset(
        "balanced",
        "The same, balanced",
        "The slow filter is shared by two blocks. Its two rows in the diagram take turns.",
        {**_STEPS, "mode": "load-balanced", "layers": 10, "repeat": 2},
    ),
    Preset(
        "slideshow",
        "Slideshow",
        "Small thumbnails, as fast as the pipeline makes them, until you press Stop.",
        {**_STEPS, "mode": "data-flow", "size": [320, 240], "layers": 1, "concurrency": 2, "endless": True},
    ),
    Preset(
        "full",
        "Everything full",
        "A governor of 3 images and processes as workers: see how the queues stay short, and what processes cost.",
        {**_STEPS, "mode": "load-balanced", "governor": 3, "executor": "processes", "workers": 2},
    ),
)
"""What the page offers."""
