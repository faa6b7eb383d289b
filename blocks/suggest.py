"""What would make a network faster, judged from a run of it.

The model is the chapter's, with processors: a run of N items takes the longest of
- the service time of any one stage, divided by its concurrency;
- the processor time of all stages, divided by the number of processors;
- the service time of all stages that run on the loop, which take turns there.

Service times swell while the processors are busy: what a stage has waited then is counted as waiting for a processor,
the more so the busier they were, so that a stage is judged by its processor time rather than by the clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from .block import Block
from .function_block import FunctionBlock

MOST_AT_ONCE = 64
"""No more is suggested for a stage, however long it waits for others."""
TOO_SMALL = 20e-6
"""Seconds an item; below that, handing items over costs a good part of what it saves."""
TOO_LONG_FOR_LOOP = 0.001
"""Seconds an item; a call that takes longer keeps everything else waiting."""


@attrs.frozen
class Stage:
    """What was measured of a block that calls a function.

    Attributes:
        name: The block.
        place: Where its function ran: "loop", "tasks" (async functions), or the kind of its executor.
        concurrency: How many calls it was allowed at once.
        items: How many items it has worked on.
        seconds: Summed up over its calls, by the clock on the wall.
        cpu: Seconds of processor time of its calls; 0 for async functions, of which it is not known.
    """

    name: str
    place: str
    concurrency: int
    items: int
    seconds: float
    cpu: float

    @property
    def can_be_parallel(self) -> bool:
        """Whether another concurrency is all that it takes."""
        return self.place != "loop"


@attrs.frozen
class Suggestion:
    """What was measured, and what would be better.

    Attributes:
        stages: What was measured, in the order of the blocks.
        items: How many items the first stage has worked on.
        seconds: How long the run took.
        processors: How many there are to use.
        slowest: The name of the stage that takes longest by itself, its concurrency counted in.
        concurrency: What each stage should have; those that are not to change included.
        predicted: Seconds that a run with that would take.
        advice: What to change, in words; empty if nothing would help.
    """

    stages: tuple[Stage, ...]
    items: int
    seconds: float
    processors: int
    slowest: str
    concurrency: dict[str, int]
    predicted: float
    advice: tuple[str, ...]

    def __str__(self) -> str:
        busy = sum(stage.cpu for stage in self.stages) / (self.seconds * self.processors)
        lines = [
            f"{self.items} items in {self.seconds:.3g} s, {show(self.seconds / self.items)} an item; "
            f"{self.processors} processors, {busy:.0%} busy with the stages",
            f"  {'stage':<24} {'where':<12} {'at once':>7} {'an item':>10} {'processor':>10}",
        ]
        lines += [
            f"  {stage.name:<24} {stage.place:<12} {stage.concurrency:>7} {show(stage.seconds / stage.items):>10} "
            f"{show(stage.cpu / stage.items):>10}{'  slowest' if stage.name == self.slowest else ''}"
            for stage in self.stages
        ]
        lines += [f"  {line}" for line in self.advice or ("nothing to change",)]
        return "\n".join(lines)


def measured(blocks: Iterable[Block]) -> list[Stage]:
    """Look at the blocks that have called their functions."""
    stages: list[Stage] = []
    for block in blocks:
        if isinstance(block, FunctionBlock):
            runner, effort = block._runner, block._effort
            stages.append(Stage(block.name, runner.place, runner.at_once, effort.items, effort.seconds, effort.cpu))
    return [stage for stage in stages if stage.items and stage.seconds > 0]


def suggest(stages: Sequence[Stage], seconds: float, processors: int) -> Suggestion:
    """Judge a run.

    Args:
        stages: What was measured, in order; each has worked on an item at least.
        seconds: How long the run took, > 0.
        processors: How many there are to use.
    """
    service = {stage.name: service_time(stage, stages, seconds, processors) for stage in stages}
    cpu = sum(stage.cpu for stage in stages) / processors
    loop = sum(service[stage.name] for stage in stages if not stage.can_be_parallel)
    parallel = [stage for stage in stages if stage.can_be_parallel]
    least = max([cpu, loop, *(service[stage.name] / MOST_AT_ONCE for stage in parallel)])
    best = {stage.name: stage.concurrency for stage in stages}
    for stage in parallel:
        needed = math.ceil(service[stage.name] / least - 0.05) if least > 0 else 1
        best[stage.name] = max(stage.concurrency, min(needed, MOST_AT_ONCE, stage.items))
    predicted = max([cpu, loop, *(service[stage.name] / best[stage.name] for stage in parallel)])
    now = max([cpu, loop, *(service[stage.name] / stage.concurrency for stage in parallel)])
    slowest = max(stages, key=lambda stage: service[stage.name] / stage.concurrency)
    worth_it = predicted < 0.95 * now and now > seconds / 2
    if not worth_it:
        predicted, best = now, {stage.name: stage.concurrency for stage in stages}
    advice = list(changes(stages, best))
    if worth_it:
        each = predicted / stages[0].items
        advice.append(f"predicted: {show(each)} an item, {seconds / predicted:.2g} × as fast as now")
    advice += [line for stage in stages for line in remarks(stage, stages, seconds, processors)]
    if now < seconds / 2 and not advice:
        part = now / seconds
        slower = "what feeds them or takes their results, or, in a short run, the start of their workers, is slower"
        advice.append(f"the stages need {part:.0%} of the time: {slower}")
    return Suggestion(tuple(stages), stages[0].items, seconds, processors, slowest.name, best, predicted, tuple(advice))


def changes(stages: Sequence[Stage], best: Mapping[str, int]) -> Iterator[str]:
    """Say which concurrency to change."""
    for stage in stages:
        if best[stage.name] != stage.concurrency:
            workers = "" if stage.place == "tasks" else ", and as many workers,"
            yield f"{stage.name}: concurrency={best[stage.name]}{workers} instead of {stage.concurrency}"


def service_time(stage: Stage, stages: Sequence[Stage], seconds: float, processors: int) -> float:
    """Seconds that the calls of a stage would take by themselves, on a machine with nothing else to do."""
    if stage.cpu == 0:
        return stage.seconds
    busy = sum(other.cpu for other in stages) / (seconds * processors)
    swollen = min(1.0, max(0.0, 2 * busy - 1))  # half busy: a free processor was there; all busy: none ever was
    return stage.seconds - swollen * max(0.0, stage.seconds - stage.cpu)


def remarks(stage: Stage, stages: Sequence[Stage], seconds: float, processors: int) -> list[str]:
    """What else is to be said about a stage."""
    each = stage.seconds / stage.items
    if stage.place not in ("loop", "tasks") and each < TOO_SMALL:
        return [f"{stage.name}: {show(each)} an item is too small to be worth an executor; run it on the loop"]
    if stage.place == "loop" and each > TOO_LONG_FOR_LOOP:
        return [f"{stage.name}: {show(each)} an item is too long for the loop; give it executor=Threads(n)"]
    in_threads = sum(other.cpu for other in stages if "Thread" in other.place)
    takes_turns = processors > 1 and in_threads > 0.85 * seconds and in_threads < 1.15 * seconds
    if "Thread" in stage.place and takes_turns and stage.seconds > 1.5 * stage.cpu > 0.1 * seconds:
        return [f"{stage.name}: its threads seem to take turns for the interpreter lock; give it executor=Processes(n)"]
    return []


def show(seconds: float) -> str:
    """Seconds in a unit that people can read."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
