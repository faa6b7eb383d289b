"""The code that builds each mode, and the line that each node of its network stands for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from penstock.samples.images.control_flow import run_control_flow
from penstock.samples.images.data_flow import run_data_flow
from penstock.samples.images.load_balanced import run_load_balanced
from penstock.samples.images.planned import run_planned
from penstock.samples.images.record import Phase
from penstock.samples.images.sequential import run_sequential
from penstock.samples.images.settings import Mode

__all__ = ["Code", "code_of"]

_FUNCTIONS: dict[Mode, Callable[..., Any]] = {
    Mode.SEQUENTIAL: run_sequential,
    Mode.CONTROL_FLOW: run_control_flow,
    Mode.DATA_FLOW: run_data_flow,
    Mode.LOAD_BALANCED: run_load_balanced,
    Mode.PLANNED: run_planned,
}
_STAGES = {
    "load": "stages.load()",
    "scale": "stages.scale()",
    "noise": "stages.noise()",
    "output": "stages.output()",
    "publish": "stages.publish()",
}
_ONE_BY_ONE = "for phase in"
_PLACES: dict[Mode, dict[str, str]] = {
    Mode.SEQUENTIAL: {
        "load": "Phase.LOAD",
        "scale": _ONE_BY_ONE,
        "noise": _ONE_BY_ONE,
        "output": _ONE_BY_ONE,
    },
    Mode.CONTROL_FLOW: {
        "load": "LoadAgent(",
        "loaded": "loaded = ",
        "scale": "PhaseAgent(Phase.SCALE",
        "scaled": "scaled = ",
        "noise": "PhaseAgent(Phase.NOISE",
        "noisy": "noisy = ",
        "output": "OutputAgent(",
    },
    Mode.DATA_FLOW: _STAGES,
    Mode.PLANNED: {**dict.fromkeys((phase.value for phase in Phase), "stages.planned("), "publish": "stages.publish()"},
    Mode.LOAD_BALANCED: {**_STAGES, "noise": "stages.filter(", "in order": "SequenceMultiplexer["},
}
"""The text in the line of each node; several nodes that share a phase have one line."""


@attrs.frozen
class Code:
    """The function that builds a mode.

    Args:
        file: the name of its file.
        first: the number of its first line in the file.
        lines: its lines.
        marks: for each node, by the first word of its name or by its name, the index of its line.
    """

    file: str
    first: int
    lines: tuple[str, ...]
    marks: dict[str, int]


def code_of(mode: Mode) -> Code:
    """Return the code that builds a mode."""
    function = _FUNCTIONS[mode]
    lines, first = inspect.getsourcelines(function)
    plain = tuple(line.rstrip() for line in lines)
    marks = {node: _index_of(text, plain) for node, text in _PLACES[mode].items()}
    return Code(Path(inspect.getfile(function)).name, first, plain, marks)


def _index_of(text: str, lines: tuple[str, ...]) -> int:
    return next(index for index, line in enumerate(lines) if text in line)
