"""The rows of the chart that compares the modes: plain values, changed step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from penstock.samples.images.gui.live import Live
from penstock.samples.images.gui.model import ComparisonRow
from penstock.samples.images.settings import Mode

__all__ = ["Rows", "begin", "change", "end", "figures_of"]

Rows = tuple[ComparisonRow, ...]
"""One a mode, the sequential one first."""


def begin(modes: Iterable[Mode]) -> Rows:
    """Return rows of which none has run."""
    return tuple(ComparisonRow(mode.value) for mode in modes)


def change(rows: Rows, number: int, **changes: Any) -> Rows:
    """Return the rows with one changed, and with how many times as fast as the first mode each of them is."""
    changed = attrs.evolve(rows[number], **changes)
    return _rated((*rows[:number], changed, *rows[number + 1 :]))


def end(rows: Rows, stopped: bool) -> Rows:
    """Return the rows of a comparison that has ended: unless it was stopped, what ran to no end has failed."""
    statuses = {"running": "stopped" if stopped else "failed", "waiting": "stopped"}
    return tuple(attrs.evolve(row, status=statuses.get(row.status, row.status)) for row in rows)


def figures_of(live: Live) -> dict[str, float | None]:
    """Return what a row has of a run."""
    prediction = live.prediction
    return {
        "per_image": live.per_image,
        "steady": live.steady,
        "prediction": None if prediction is None else prediction.seconds,
    }


def _rated(rows: Rows) -> Rows:
    first = rows[0]
    rated: list[ComparisonRow] = []
    for row in rows:
        both = (row.steady, first.steady) if row.steady and first.steady else (row.per_image, first.per_image)
        mine, other = both
        rated.append(attrs.evolve(row, speedup=other / mine if mine and other else None))
    return tuple(rated)
