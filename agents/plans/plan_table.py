"""The stages of a plan as text."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.blocks.base.grid import Column, Grid
from penstock.blocks.base.units import shortened, show_aligned

from .cut import ON_LOOP
from .plan_stage import PlanStage


def headline(stages: Sequence[PlanStage]) -> str:
    """Return the number of stages and workers."""
    workers = sum(stage.workers for stage in stages if stage.executor not in ON_LOOP)
    count = "1 stage" if len(stages) == 1 else f"{len(stages)} stages"
    return f"{count} with {workers} {'worker' if workers == 1 else 'workers'}"


def grid_of(stages: Sequence[PlanStage], period: float | None) -> Grid:
    """Return the stages as a table; a stage is busy for a part of the period."""
    times = [stage.seconds for stage in stages]
    busy = [(stage.seconds or 0.0) / stage.workers / (period or 1.0) for stage in stages]
    return Grid(
        (
            Column("stage", tuple(shortened(stage.name) for stage in stages), is_text=True),
            Column("workers", tuple("" if stage.executor in ON_LOOP else str(stage.workers) for stage in stages)),
            Column("executor", tuple(stage.executor for stage in stages), is_text=True),
            Column("time", tuple("" if time is None else show_aligned(time) for time in times)),
            Column("busy", tuple(f"{share:.0%}" if share and period else "" for share in busy)),
            Column("buffer", tuple("" if stage.buffer is None else str(stage.buffer) for stage in stages)),
        )
    )
