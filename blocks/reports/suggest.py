"""Suggests changes that make a network faster, from the measurements of a run and the model of `model.py`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from ..base.network_statistics import Statistics
from ..base.statistics import LEFT, BlockStatistics
from ..base.units import printable, shortened, show, show_aligned
from .fusing import fused
from .model import IN_TASKS, Model, Stage, available

if TYPE_CHECKING:
    from ..base.grid import Grid
    from ..base.html import Printer

MOST_AT_ONCE = 64
"""The highest concurrency that is suggested for a stage."""
TOO_SMALL = 20e-6
"""Seconds per item; for shorter calls, sending items to an executor costs a good part of the time that it saves."""
SLOW_FEEDER = 0.1
"""An agent, or the body, that feeds others for less than this share of the run does not hold them up."""
TOO_LONG_FOR_LOOP = 0.001
"""Seconds per item; a longer call keeps everything else on the loop waiting."""


@attrs.frozen
class Suggestion:
    """The measurements of a run, and suggested changes.

    Attributes:
        stages: The measured stages, in the order of the blocks.
        items: The number of items that the first stage has worked on.
        seconds: The seconds that the run took.
        processors: The number of usable processors.
        free: The average number of free processors; None if the run was too short or the system does not show it.
        slowest: The name of the stage that takes longest, given its concurrency.
        concurrency: The best concurrency of each stage, including unchanged ones.
        predicted: The seconds that a run with this concurrency would take.
        advice: Suggested changes, in words; empty if nothing would help.
    """

    stages: tuple[Stage, ...]
    items: int
    seconds: float
    processors: int
    slowest: str
    concurrency: dict[str, int]
    predicted: float
    advice: tuple[str, ...]
    free: float | None = None

    def __str__(self) -> str:
        lines = [
            self._title(),
            f"  {'stage':<24} {'where':<12} {'at once':>7} {'per item':>10} {'processor':>10}",
        ]
        lines += [
            f"  {printable(stage.name):<24} {stage.place:<12} {stage.concurrency:>7} "
            f"{show(stage.seconds / stage.items):>10} {show(stage.cpu / stage.items):>10}"
            f"{'  slowest' if stage.name == self.slowest else ''}"
            for stage in self.stages
        ]
        lines += [f"  {printable(line)}" for line in self._advice()]
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from ..base.html import division, heading, listed, table  # late: only notebooks need it

        return division(heading(self._title()), table(self._grid()), listed(self._advice()))

    def _title(self) -> str:
        busy = sum(stage.cpu for stage in self.stages) / (self.seconds * self.processors)
        return (
            f"{self.items} items in {self.seconds:.3g} s, {show(self.seconds / self.items)} per item; "
            f"{self.processors} processors, {busy:.0%} busy with the stages{self._free()}"
        )

    def _grid(self) -> Grid:
        from ..base.grid import Column, Grid  # late as well

        stages = self.stages
        marked = next((number for number, stage in enumerate(stages) if stage.name == self.slowest), None)
        best = [str(best) if (best := self.concurrency[stage.name]) != stage.concurrency else "" for stage in stages]
        return Grid(
            (
                Column("stage", tuple(shortened(stage.name) for stage in stages), is_text=True),
                Column("where", tuple(stage.place for stage in stages), is_text=True),
                Column("at once", tuple(str(stage.concurrency) for stage in stages)),
                Column("better", tuple(best)),
                Column("per item", tuple(show_aligned(stage.seconds / stage.items) for stage in stages)),
                Column("processor", tuple(show_aligned(stage.cpu / stage.items) for stage in stages)),
                Column("", tuple("slowest" if stage.name == self.slowest else "" for stage in stages), is_text=True),
            ),
            marked,
        )

    def _advice(self) -> tuple[str, ...]:
        return self.advice or ("nothing to change",)

    def _free(self) -> str:
        return "" if self.free is None else f", {min(1.0, self.free / self.processors):.0%} free"


def measured(statistics: Statistics) -> list[Stage]:
    """Return the stages: blocks that have called functions or read iterables, and agents or a body that feed slowly."""
    stages = [stage_of(block) for block in statistics.blocks if is_measured(block)]
    feeders = [(agent, "agent") for agent in statistics.agents] + [(statistics.body, "body")]
    return stages + [
        Stage(agent.name, place, 1, agent.emitted, agent.feeding, 0.0, is_source=True)
        for agent, place in feeders
        if agent.emitted and agent.feeding > SLOW_FEEDER * statistics.seconds
    ]


def is_measured(block: BlockStatistics) -> bool:
    """Whether the time of a block's calls is known; False for the sum of the blocks that have left."""
    return block.service.total > 0 and block.kind != LEFT


def stage_of(block: BlockStatistics) -> Stage:
    """Make the model's stage of a block that works on items."""
    is_source = block.kind == "source"
    return Stage(
        block.name,
        block.place,
        max(1, block.at_once),
        block.service.count,
        block.service.total,
        block.cpu,
        is_source,
        block.mean_at_once,
        block.wait_for_key.total,
    )


def suggest(
    stages: Sequence[Stage],
    seconds: float,
    processors: int,
    free: float | None = None,
    lines: Sequence[Sequence[str]] = (),
) -> Suggestion:
    """Suggest changes after a run.

    Args:
        stages: The measured stages, in order; each has worked on at least one item.
        seconds: The length of the run, > 0.
        processors: The number of usable processors.
        free: The average number of free processors; None if not known.
        lines: The names of stages that could be put together, in lines.
    """
    model = Model(stages, seconds, available(stages, seconds, processors, free))
    service = model.service
    parallel = [stage for stage in stages if stage.can_be_parallel and stage.held < seconds / 2]
    best = {stage.name: stage.concurrency for stage in stages}
    least = model.limit(best | {stage.name: MOST_AT_ONCE for stage in parallel})
    for stage in parallel:
        needed = math.ceil(service[stage.name] / least - 0.05) if least > 0 else 1
        best[stage.name] = max(stage.concurrency, min(needed, MOST_AT_ONCE, stage.items))
    predicted = model.limit(best)
    now = model.limit()
    slowest = max(stages, key=model.load)
    is_changed = any(best[stage.name] != stage.concurrency for stage in stages)
    worth_it = is_changed and predicted < 0.95 * now and now > seconds / 2
    if not worth_it:
        predicted, best = now, {stage.name: stage.concurrency for stage in stages}
    predicted += max(0.0, seconds - now)  # the part of the run that the model does not explain
    advice = list(changes(stages, best))
    if worth_it:
        each = predicted / stages[0].items
        advice.append(f"predicted: {show(each)} per item, {seconds / predicted:.2g} × as fast as now")
    in_threads = sum(stage.cpu for stage in stages if "Thread" in stage.place)
    take_turns = processors > 1 and in_threads > 0.85 * seconds and in_threads < 1.15 * seconds
    advice += [line for stage in stages for line in remarks(stage, seconds, take_turns)]
    if now < seconds / 2 and not advice:
        part = now / seconds
        slower = "what feeds them or takes their results, or, in a short run, the start of their workers, is slower"
        advice.append(f"the stages need {part:.0%} of the time: {slower}")
    if slowest.is_source and not advice and now > seconds / 2:
        advice.append(f"{slowest.name} feeds the others too slowly; more calls at once there would not help")
    items = stages[0].items
    advice += fused(lines, stages, model.limit(best) / items)
    return Suggestion(tuple(stages), items, seconds, processors, slowest.name, best, predicted, tuple(advice), free)


def changes(stages: Sequence[Stage], best: Mapping[str, int]) -> Iterator[str]:
    """Yield advice in words for the stages whose concurrency should change."""
    for stage in stages:
        if best[stage.name] != stage.concurrency:
            workers = "" if stage.place == "tasks" else ", and as many workers,"
            yield f"{stage.name}: concurrency={best[stage.name]}{workers} instead of {stage.concurrency}"


def remarks(stage: Stage, seconds: float, take_turns: bool) -> list[str]:
    """Return further advice on a stage.

    Args:
        stage: The stage.
        seconds: The length of the run.
        take_turns: Whether all threads together used about one processor.
    """
    each = stage.seconds / stage.items
    if stage.held >= seconds / 2:
        share = min(1.0, stage.held / seconds)
        return [
            f"{stage.name}: calls waited for their keys {share:.0%} of the run; more concurrency does not help, but a "
            "larger window or other keys may"
        ]
    if stage.place not in ("loop", *IN_TASKS) and each < TOO_SMALL:
        return [f"{stage.name}: {show(each)} per item is too little to be worth an executor; run it on the loop"]
    if stage.place == "loop" and each > TOO_LONG_FOR_LOOP:
        workers = "1" if stage.is_source else "n"
        return [f"{stage.name}: {show(each)} per item is too long for the loop; give it executor=Threads({workers})"]
    if "Thread" in stage.place and take_turns and stage.seconds > 1.5 * stage.cpu > 0.1 * seconds:
        return [f"{stage.name}: its threads seem to take turns for the interpreter lock; give it executor=Processes(n)"]
    return []
