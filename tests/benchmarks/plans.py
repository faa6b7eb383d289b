"""What a plan predicts, what a run with it takes, and what the same pipeline takes with a stage for each task."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from penstock.agents import Pipeline, Plan, PlanStage
from penstock.agents.plans.gauge import Gauge
from penstock.agents.plans.pipeline_profile import FREE
from penstock.blocks.base.units import show

from .measuring import Effort, Row, WrongResult

ITEMS = 600
MEASURED = 200
WARM = 0.2
"""The share of the items before the clock starts."""
DATA = bytes(600_000)
NUMBERS = np.random.default_rng(1).random((150, 150))
PICTURE = Image.effect_noise((600, 500), 50)
Work = Callable[[int], int]


def digest(item: int) -> int:
    hashlib.sha256(DATA).digest()
    return item


def order(item: int) -> int:
    np.sort(NUMBERS, axis=0)
    return item


def shrink(item: int) -> int:
    PICTURE.resize((200, 160), Image.Resampling.LANCZOS)
    return item


def chain(*works: Work) -> Pipeline[Any, Any]:
    """Three tasks, of which the one in the middle has a state."""
    pipeline: Pipeline[Any, Any] = Pipeline.of(int)
    for number, work in enumerate(works):
        pipeline = pipeline.map(work, name=f"{work.__name__} {number}", stateful=number == 1)
    return pipeline


CHAINS = {
    "sha256": chain(digest, digest, digest),
    "NumPy": chain(order, order, order),
    "Pillow": chain(shrink, shrink, shrink),
    "mixed": chain(shrink, digest, order),
}


def period(pipeline: Pipeline[Any, Any], items: int) -> float:
    """Seconds from one result to the next, after the start."""
    marks: list[float] = []
    results: list[int] = []
    for result in pipeline.run(range(items)):
        marks.append(time.perf_counter())
        results.append(result)
    if results != list(range(items)):
        raise WrongResult("a plan gave other results")
    first = int(items * WARM)
    return (marks[-1] - marks[first]) / (items - 1 - first)


def rows(effort: Effort) -> Iterator[Row]:
    """For each chain: a run with the plan against the prediction, and against a stage for each task."""
    items = effort.items(ITEMS, 10)
    gauge = Gauge()
    for what, pipeline in CHAINS.items():
        profile = pipeline.run_profile(range(1000), count=effort.items(MEASURED, 100))
        plan = profile.plan(2, assume_lock=0.1, processes=False)
        names = [task.name for task in profile.tasks]
        ones = Plan([PlanStage(name, workers=1 if number == 1 else 2) for number, name in enumerate(names)])
        planned: list[float] = []
        apart: list[float] = []
        free = [profile.free_cores]
        for _ in range(effort.rounds):
            planned.append(period(pipeline.planned(plan), items))
            apart.append(period(pipeline.planned(ones), items))
            free.append(gauge.free_cores())
        assert plan.period is not None
        is_free = min(free) >= FREE
        busy = "" if is_free else f" (the machine was busy: {min(free):.1f} of 2 cores were free)"
        ratio = median(planned) / plan.period
        value = f"{show(median(planned))} per item{busy}"
        target = abs(ratio - 1) <= 0.1 if is_free else None
        yield Row(f"plan: {what}", "planned", value, ratio, "prediction", "0.9 … 1.1 ×", target)
        ratio = median(planned) / median(apart)
        target = ratio <= 1.05 if is_free else None
        yield Row(f"plan: {what}", "planned", value, ratio, "a stage for each task", "≤ 1.05 ×", target)
