"""Settings to start with, each with a text that says what it shows."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["PRESETS", "Preset"]


@attrs.frozen
class Preset:
    """Some values of a form, with a name and a help text."""

    id: str
    label: str
    help: str
    form: dict[str, Any]


_MODEL: dict[str, Any] = {
    "folder": None,
    "size": [640, 480],
    "noise": 16,
    "layers": 1,
    "governor": 20,
    "filters": 2,
    "concurrency": 1,
    "limit": 6,
    "repeat": 1,
    "endless": False,
    "model": True,
    "times": [300, 300, 600, 300],
    "broken": False,
}
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
    "model": False,
    "broken": False,
}

PRESETS = (
    Preset(
        "model",
        "The chapter's model",
        "The phases wait instead of working, so every computer shows the chapter's figures, however busy it is. Six "
        "images, and a filter of 2 T: a pipeline needs 2 T per image, and with two filters T. Choose “Compare modes”. "
        "With 300 ms for the filter too, the sequential mode takes 24 T and a pipeline 9 T.",
        _MODEL,
    ),
    Preset(
        "broken",
        "A broken picture",
        "The model, with a picture in the middle that cannot be loaded. It is reported and skipped, and the others "
        "come out in order. In the control-flow mode, the agent that sees the error frees the slot of the governor.",
        {**_MODEL, "broken": True},
    ),
    Preset(
        "steps",
        "Each step's gain (two processors)",
        "The filter takes 70 % of the time. A pipeline does the other phases at the same time, and two filters share "
        "the slow phase. Choose “Compare modes”. On two idle processors, the pipeline is about 1.3 times as fast as "
        "the sequential mode, and the balanced mode is a little faster still. Two processors give a speed-up of at "
        "most 2, and less if they are busy.",
        _STEPS,
    ),
    Preset(
        "unbalanced",
        "One slow stage",
        "Data flow with a slow filter. It works all the time, and the other phases wait for it. See the diagram.",
        {**_STEPS, "mode": "data-flow", "layers": 10, "repeat": 2},
    ),
    Preset(
        "balanced",
        "The same, balanced",
        "Two blocks share the slow filter. Each has a row in the diagram.",
        {**_STEPS, "mode": "load-balanced", "layers": 10, "repeat": 2},
    ),
    Preset(
        "planned",
        "The best cut",
        "The phases are measured first. From their costs, a plan says which of them share a stage, and with how many "
        "workers. A box of the network is a stage, with the phases that its workers do one after the other.",
        {**_STEPS, "mode": "planned", "layers": 10, "repeat": 2},
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
        "The governor lets up to 3 images in, and the workers are processes. The queues stay short, but processes take "
        "some time.",
        {**_STEPS, "mode": "load-balanced", "governor": 3, "executor": "processes", "workers": 2},
    ),
)
"""The presets that the page offers."""
