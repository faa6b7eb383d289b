"""Checks the form that a page sends, control by control."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs

from penstock.samples.images.settings import CHAPTER_MODES, AtOnce, Mode, PhaseTimes, Settings, Workers, usable_cpus

__all__ = ["DROPPED", "Form", "Invalid", "check_form"]

T = TypeVar("T")
DROPPED = "\0dropped"
"""Stands for the folder in a form if the pictures were dropped on the page; it cannot be a path."""


@attrs.frozen
class Invalid:
    """A wrong value of a control, with a text for the user."""

    field: str
    message: str


@attrs.frozen
class Form:
    """The settings of a run, as the page sends them. All are checked except the folder, which may not exist any more.

    Args:
        folder: a folder below the start folder ("" for the start folder), or `DROPPED`; None for painted pictures.
        endless: whether the pictures are repeated until the run is stopped.
        concurrency: each phase works on up to this many images at once, in the modes that have blocks.
        model: whether the phases wait instead of working.
        times: how long each phase of the model waits, in milliseconds.
        broken: whether a broken picture comes in the middle of the others.
    """

    folder: str | None = None
    mode: Mode = Mode.DATA_FLOW
    size: tuple[int, int] = (320, 240)
    noise: float = 16.0
    governor: int = 20
    filters: int = 2
    workers: int = attrs.field(factory=usable_cpus)
    executor: Workers = Workers.THREADS
    limit: int | None = None
    repeat: int = 1
    endless: bool = False
    layers: int = 1
    concurrency: int = 1
    model: bool = False
    times: tuple[int, int, int, int] = (300, 300, 600, 300)
    broken: bool = False

    @property
    def phase_times(self) -> PhaseTimes:
        """How long each phase of the model waits."""
        load, scale, noise, output = (milliseconds / 1000 for milliseconds in self.times)
        return PhaseTimes(load, scale, noise, output)

    def settings(self, output: Path) -> Settings:
        """Return the settings of a run that writes to `output`."""
        return Settings(
            output=output,
            size=self.size,
            noise=self.noise,
            filters=self.filters,
            governor=self.governor,
            at_once=AtOnce.all(self.concurrency),
            layers=self.layers,
            abandons=True,
        )


class _WrongError(Exception):
    """A value is wrong; the message says what was expected."""


def check_form(given: object, base: Form) -> tuple[Form, list[Invalid]]:
    """Return the form that a page has sent, and its wrong values.

    `base` has the values to use for keys that are missing or wrong. Unknown keys are ignored.
    """
    if not isinstance(given, Mapping):
        return base, [Invalid("form", f"form: expected an object, got {_show(given)}")]
    values = cast("Mapping[str, object]", given)
    right: dict[str, Any] = {}
    wrong: list[Invalid] = []
    for field, check in _CHECKS.items():
        if field not in values:
            continue
        try:
            right[field] = check(values[field])
        except _WrongError as error:
            wrong.append(Invalid(field, f"{field}: expected {error}, got {_show(values[field])}"))
    form = attrs.evolve(base, **right)
    if form.model and form.mode not in CHAPTER_MODES:
        wrong.append(Invalid("model", "model: a plan is for phases that work; choose another mode, or such phases"))
    return form, wrong


def _show(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _whole(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _WrongError(f"a whole number from {least} to {most}")
        return value

    return check


def _or_none(check: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else check(value)


def _size(value: object) -> tuple[int, int]:
    side = _whole(32, 4096)
    try:
        width, height = cast("list[object]", value if isinstance(value, list) else [])
        return side(width), side(height)
    except (ValueError, _WrongError):
        raise _WrongError("width and height, each a whole number from 32 to 4096") from None


def _times(value: object) -> tuple[int, ...]:
    time = _whole(1, 60_000)
    given = cast("list[object]", value if isinstance(value, list) else [])
    try:
        load, scale, noise, output = (time(one) for one in given)
    except (ValueError, _WrongError):
        raise _WrongError("four times in milliseconds, each a whole number from 1 to 60000") from None
    return load, scale, noise, output


def _noise(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 255 or math.isnan(value):
        raise _WrongError("a number from 0 to 255")
    return float(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongError("true or false")
    return value


def _folder(value: object) -> str:
    if value == DROPPED:
        return DROPPED
    if not isinstance(value, str) or len(value) > 4096 or "\0" in value:
        raise _WrongError("the path of a folder")
    return value


def _mode(value: object) -> Mode:
    return _one_of(value, {mode.value: mode for mode in Mode})


def _executor(value: object) -> Workers:
    return _one_of(value, {kind.value: kind for kind in (Workers.THREADS, Workers.PROCESSES)})


def _one_of(value: object, choices: Mapping[str, T]) -> T:
    if not isinstance(value, str) or value not in choices:
        *most, last = choices
        raise _WrongError(f"{', '.join(most)} or {last}")
    return choices[value]


_CHECKS: dict[str, Callable[[object], object]] = {
    "folder": _or_none(_folder),
    "mode": _mode,
    "size": _size,
    "noise": _noise,
    "governor": _whole(1, 1000),
    "filters": _whole(1, 64),
    "workers": _whole(1, 64),
    "executor": _executor,
    "limit": _or_none(_whole(1, 1_000_000)),
    "repeat": _whole(1, 10_000),
    "endless": _truth,
    "layers": _whole(1, 50),
    "concurrency": _whole(1, 64),
    "model": _truth,
    "times": _times,
    "broken": _truth,
}
