"""Exercise 9: compares the learner's cuts with the best ones, and runs the learner's pipeline over generated chains."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations, pairwise
from types import ModuleType
from typing import cast

import trio

from penstock.blocks import Stalled
from penstock.samples.workshop.chain_steps import CHAIN, make_step
from penstock.samples.workshop.laws import Refused, part, require, run

__all__ = ["HINTS", "check"]

HINTS = (
    "The slowest stage sets the pace, so make the slowest stage as short as you can. 24 T ÷ stages is a lower bound.",
    "No stage can be shorter than the longest step: 6 T.",
    "`bounds = [0, *cuts, len(steps)]`: a stage goes from one bound to the next. Then `Pipeline(first).map(second)`.",
)
ERRORS: dict[type[BaseException], str] = {
    Stalled: "The pipeline cannot go on. Build it with `Pipeline(stage).map(stage)`.",
    TimeoutError: "A pipeline over a list ends by itself. Does a stage of yours wait for something else?",
}
NAMES, SECONDS = list(CHAIN), list(CHAIN.values())


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    part(answer, "make_pipeline")
    cuts = {stages: _cuts(answer, stages) for stages in (2, 3, 4)}
    for stages, places in cuts.items():
        _check_best(stages, places)
    for stages, places in cuts.items():
        _check_period(answer, stages, places)
    dice = random.Random(9)
    for _ in range(12):
        times = [float(dice.randrange(1, 9)) for _ in range(dice.randrange(2, 10))]
        places = sorted(dice.sample(range(1, len(times)), dice.randrange(min(4, len(times)))))
        _check_pipeline(answer, times, places)
    periods = ", ".join(f"{slowest(SECONDS, places):g} T with {stages}" for stages, places in cuts.items())
    return f"no cut is better: {periods} stages"


def slowest(seconds: Sequence[float], cuts: Sequence[int]) -> float:
    """The time of the slowest stage."""
    return max(sum(seconds[start:end]) for start, end in pairwise([0, *cuts, len(seconds)]))


def _cuts(answer: ModuleType, stages: int) -> list[int]:
    """The places of the learner's cuts."""
    law = f"`CUTS[{stages}]` has the names of {stages - 1} different steps, in the order of the chain"
    every: object = getattr(answer, "CUTS", None)
    found = cast("dict[object, object]", every).get(stages) if isinstance(every, dict) else None
    names = list(cast("Sequence[object]", found)) if isinstance(found, list | tuple) else []
    if unknown := [name for name in names if name not in NAMES]:
        raise Refused(law, f"there is no step {unknown[0]!r}", f"The steps are {', '.join(NAMES)}.")
    places = [NAMES.index(str(name)) for name in names]
    is_right = len(set(places)) == stages - 1 and places == sorted(places) and 0 not in places
    require(
        is_right,
        law,
        f"it is {found!r}",
        "Each cut is named after the step behind it, so the first step is never named.",
    )
    return places


def _check_best(stages: int, places: list[int]) -> None:
    best = min(slowest(SECONDS, cuts) for cuts in combinations(range(1, len(SECONDS)), stages - 1))
    period = slowest(SECONDS, places)
    if period <= best:
        return
    sums = [sum(SECONDS[start:end]) for start, end in pairwise([0, *places, len(SECONDS)])]
    counts = [end - start for start, end in pairwise([0, *places, len(SECONDS)])]
    if max(counts) - min(counts) <= 1:
        hint = "The stages have equally many steps, but not equally much work. Add up the T of each."
    elif sums[-1] == period:
        hint = "The last stage is the slowest. Cut later."
    else:
        hint = f"Stage {sums.index(period) + 1} is the slowest. Can a neighbour take its first or its last step?"
    raise Refused(
        f"no other cut into {stages} stages is faster",
        f"your stages take {' + '.join(f'{each:g}' for each in sums)} T, so an item comes every {period:g} T; "
        f"{best:g} T is possible",
        hint,
    )


def _check_period(answer: ModuleType, stages: int, places: list[int]) -> None:
    every: object = getattr(answer, "PERIODS", None)
    period = cast("dict[object, object]", every).get(stages) if isinstance(every, dict) else None
    right = slowest(SECONDS, places)
    if isinstance(period, int | float) and abs(period - right) < 0.01:
        return
    if period == sum(SECONDS) / stages:
        hint = "This is the average of the stages. The slowest stage sets the pace."
    elif period == sum(SECONDS):
        hint = "This is how long one item takes. But the next items follow it closely."
    else:
        hint = "Add up the steps of each stage; the largest sum counts."
    raise Refused(f"`PERIODS[{stages}]` is the time from item to item", f"it is {period!r}", hint)


def _check_pipeline(answer: ModuleType, times: list[float], places: list[int]) -> None:
    items, dice = list(range(10)), random.Random(len(times))
    adds = [dice.randrange(1, 1000) for _ in times]

    async def main() -> tuple[list[int], float]:
        steps = [make_step(seconds, add) for seconds, add in zip(times, adds, strict=True)]
        start = trio.current_time()
        results: list[int] = await answer.make_pipeline(steps, places).collect(items)
        return results, trio.current_time() - start

    results, seconds = run(main, answer=answer, hints=ERRORS)
    due = [item + sum(adds) for item in items]
    require(
        len(results) == len(due) and results == sorted(results),
        "the results keep the order of the items",
        f"of {len(due)} items, {len(results)} results came: {results[:4]} …",
        "Leave the stages ordered, with one item at a time.",
    )
    require(
        results == due,
        "the results are those of a loop over all steps",
        f"{len(times)} steps, cut at {places}: item 0 became {results[0]} instead of {due[0]}",
        "A step is left out or done twice. Look at the first and the last step of each stage.",
    )
    right = sum(times) + 9 * slowest(times, places)
    require(
        abs(seconds - right) <= 0.01 * right,
        "the pipeline is as fast as its slowest stage",
        f"steps of {times} T, cut at {places}: 10 items took {seconds:g} T instead of {right:g} T",
        "There should be one stage more than cuts, and each works on one item at a time."
        if seconds > right
        else "It is faster than it can be with one worker per stage. Leave out `concurrency`.",
    )
