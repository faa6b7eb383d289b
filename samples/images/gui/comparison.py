"""The rows of the comparison of modes: plain values that change step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from penstock.samples.images.gui.live import Live
from penstock.samples.images.gui.model import ComparisonRow
from penstock.samples.images.settings import Mode

__all__ = ["Rows", "begin", "change", "end", "figures_of"]

Rows = tuple[ComparisonRow, ...]
"""One row per mode, the sequential mode first."""


def begin(modes: Iterable[Mode]) -> Rows:
    """Return the rows before any mode has run."""
    return tuple(ComparisonRow(mode.value) for mode in modes)


def change(rows: Rows, number: int, **changes: Any) -> Rows:
    """Return the rows after changing one of them, each with its speed-up relative to the first mode."""
    changed = attrs.evolve(rows[number], **changes)
    return _rated((*rows[:number], changed, *rows[number + 1 :]))


def end(rows: Rows, stopped: bool) -> Rows:
    """Return the rows after the end: a mode that still runs has failed, or was stopped together with the comparison."""
    statuses = {"running": "stopped" if stopped else "failed", "waiting": "stopped"}
    return tuple(attrs.evolve(row, status=statuses.get(row.status, row.status)) for row in rows)


def figures_of(live: Live) -> dict[str, Any]:
    """Return the figures of a run that a row shows."""
    prediction = live.prediction
    return {
        "per_image": live.per_image,
        "steady": live.steady,
        "prediction": None if prediction is None else prediction.seconds,
        "seconds": live.seconds,
        "model": live.model,
    }


def _rated(rows: Rows) -> Rows:
    first = rows[0]
    rated: list[ComparisonRow] = []
    for row in rows:
        both = (row.steady, first.steady) if row.steady and first.steady else (row.per_image, first.per_image)
        mine, other = both
        rated.append(attrs.evolve(row, speedup=other / mine if mine and other else None))
    return tuple(rated)
