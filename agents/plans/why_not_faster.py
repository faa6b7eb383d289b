"""Finds out why a cut cannot be faster, and says it in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import attrs

from penstock.blocks.base.units import listed, show

from .cut import MOST_WORKERS, ON_LOOP, Cut, CutStage, Cutter
from .plan_task import PlanTask

Bottleneck = Literal["cores", "lock", "loop", "stage", "hand-over"]
NOTICED: Final = 0.99
"""A cut is faster if its period is less than this share of the other one."""


@attrs.frozen
class Reason:
    """Why a cut cannot be faster.

    Attributes:
        bottleneck: What keeps it from being faster.
        sentence: The reason in words.
    """

    bottleneck: Bottleneck
    sentence: str


def why_not_faster(tasks: Sequence[PlanTask], cut: Cut, cutter: Cutter, cores: int) -> Reason:
    """Explain why no cut for these cores is faster."""
    for more in (1, 2, 4, cores):
        faster = cutter.best(cores + more).period
        if faster < cut.period * NOTICED:
            there = "is 1 core" if cores == 1 else f"are {cores} cores"
            return Reason("cores", f"there {there}; with {cores + more}, one item every {show(faster)}")
    edge = cut.period * NOTICED
    for stage in cut.stages:
        parts = tasks_of(tasks, stage)
        can_grow = stage.way.executor == "loop" or all(task.is_replicable for task in parts)
        if (can_grow and stage.workers < MOST_WORKERS) or stage.way.seconds / stage.workers < edge:
            continue
        if len(parts) == 1 or max(cut.lock, cut.loop) < edge:
            return of_stage(parts, stage)
    return of_lock(tasks, cut) if cut.lock >= cut.loop else of_loop(tasks, cut)


def of_stage(tasks: Sequence[PlanTask], stage: CutStage) -> Reason:
    """A stage that can have no more workers is the slowest."""
    seconds = show(stage.way.seconds)
    if sum(task.seconds for task in tasks) < stage.way.seconds / 2:
        return Reason("hand-over", f"the hand-over to {named(tasks)} takes longer than the work")
    if stage.way.executor == "as written":
        return Reason("stage", f"{named(tasks)} runs as it is written, and takes {seconds} an item")
    if stage.workers > 1:
        return Reason("stage", f"{named(tasks)} takes {seconds} an item, even with {stage.workers} workers")
    stateful = [task for task in tasks if task.is_stateful]
    needs = "needs its" if len(stateful) == 1 else "need their"
    sentence = f"{named(stateful)} {needs} state, so one worker does {named(tasks)}, in {seconds} an item"
    return Reason("stage", sentence)


def of_lock(tasks: Sequence[PlanTask], cut: Cut) -> Reason:
    """The stages in this process need the interpreter lock all the time."""
    parts = [task for s in cut.stages if s.way.executor != "processes" for task in tasks_of(tasks, s)]
    if sum(task.lock_seconds or 0.0 for task in parts) < cut.lock / 2:
        return Reason("hand-over", f"handing items over holds the interpreter lock for {show(cut.lock)} an item")
    holding = [task for task in parts if task.lock_seconds]
    sentence = (
        f"{named(holding)} {'holds' if len(holding) == 1 else 'hold'} the interpreter lock for {show(cut.lock)} an item"
    )
    stuck = [task for task in holding if not task.in_processes]
    stays = "stays" if len(stuck) == 1 else "stay"
    return Reason("lock", f"{sentence}; {named(stuck)} {stays} in this process" if stuck else sentence)


def of_loop(tasks: Sequence[PlanTask], cut: Cut) -> Reason:
    """The loop works all the time."""
    parts = [task for s in cut.stages if s.way.executor in ON_LOOP for task in tasks_of(tasks, s)]
    if sum(task.busy_seconds if task.is_fixed else task.seconds for task in parts) < cut.loop / 2:
        return Reason("hand-over", f"the loop needs {show(cut.loop)} an item to hand it over")
    return Reason(
        "loop", f"{named(parts)} {'holds' if len(parts) == 1 else 'hold'} the loop for {show(cut.loop)} an item"
    )


def tasks_of(tasks: Sequence[PlanTask], stage: CutStage) -> Sequence[PlanTask]:
    """The tasks of a stage."""
    return tasks[stage.way.start : stage.way.stop]


def named(tasks: Iterable[PlanTask]) -> str:
    """The names of tasks as part of a sentence."""
    return listed(tuple(repr(task.name) for task in tasks))
