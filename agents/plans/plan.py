"""Plans: the stages into which a pipeline is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import attrs

from penstock.blocks.base.checks import check_count, check_number, check_share
from penstock.blocks.base.cpus import usable_cpus
from penstock.blocks.base.units import show, show_rate

from .cut import Cut, Cutter
from .hand_over_costs import HandOverCosts
from .json_file import Saved
from .plan_stage import PlanStage
from .plan_table import grid_of, headline
from .plan_task import PlanTask
from .why_not_faster import Bottleneck, named, why_not_faster


@attrs.frozen
class Plan(Saved):
    """How a pipeline is cut into stages: `Plan([PlanStage("load", "scale", workers=2), PlanStage("save")])`.

    Write one by hand, let `fastest` find the best one for known costs, or get it from a `PipelineProfile`, which has
    measured them. `Pipeline.planned` runs a pipeline with it. `print(plan)` shows it with what it predicts.

    Args:
        stages: The stages, in order: one or more.

    Attributes:
        cores: The number of cores that it was made for; None if it was written by hand.
        period: The expected seconds from one result to the next; None if it was written by hand.
        one_core: The expected seconds from one result to the next with one core; None if it was written by hand.
        busy_cores: The expected number of cores that are busy; None if it was written by hand.
        bottleneck: What keeps it from being faster: the number of "cores"; the interpreter "lock"; the "loop"; one
            "stage", which can have one worker only; or the "hand-over" to a stage. None if it was written by hand.
        why: The same in a sentence.
        notes: What was assumed, and what else there is to know, in sentences.

    Raises:
        TypeError: The stages are no stages.
        ValueError: There is no stage.
    """

    file_kind: ClassVar[str] = "plan"
    file_parts: ClassVar[Mapping[str, type[Any]]] = {"stages": PlanStage}

    stages: tuple[PlanStage, ...] = attrs.field(converter=tuple[PlanStage, ...])
    cores: int | None = attrs.field(default=None, kw_only=True)
    period: float | None = attrs.field(default=None, kw_only=True)
    one_core: float | None = attrs.field(default=None, kw_only=True)
    busy_cores: float | None = attrs.field(default=None, kw_only=True)
    bottleneck: Bottleneck | None = attrs.field(default=None, kw_only=True)
    why: str = attrs.field(default="", kw_only=True)
    notes: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=tuple[str, ...])

    def __attrs_post_init__(self) -> None:
        if not self.stages:
            raise ValueError("Plan: needs one stage or more, got none")
        for stage in self.stages:
            if not isinstance(stage, PlanStage):
                raise TypeError(f"Plan: each stage must be a PlanStage, got {stage!r}")
        if self.cores is not None:
            check_count("Plan", "cores", self.cores)
        for what in ("period", "one_core", "busy_cores"):
            if getattr(self, what) is not None:
                check_number("Plan", what, getattr(self, what))
        for text in (self.why, *self.notes):
            if not isinstance(text, str):
                raise TypeError(f"Plan: why and notes must be texts, got {text!r}")

    @classmethod
    def fastest(
        cls,
        tasks: Iterable[PlanTask],
        cores: int | None = None,
        *,
        item_copy_seconds: float | None = 0.0,
        assume_lock: float = 1.0,
        processes: bool = True,
        hand_over: HandOverCosts | None = None,
        notes: Iterable[str] = (),
    ) -> Plan:
        """Return the best plan for known costs: the smallest period, then the fewest cores, workers and stages.

        It is exact: no other cut into stages is better. Counted are the work, the hand-over to each stage and to the
        caller, copies between processes, the processor time, the interpreter lock, and the loop. There may be more
        workers than cores, which the system then divides among them. A stage has up to 64 workers. Tasks that have a
        state stay in this process. Plain functions are on the loop only if they take less than 0.2 ms for each item.

        Args:
            tasks: The tasks, in order: one or more.
            cores: The number of cores, >= 1; by default those that this process may use.
            item_copy_seconds: Seconds to pickle an item of the source and to make it again; None if it cannot be
                pickled.
            assume_lock: The share of its processor time for which a task is assumed to hold the interpreter lock if it
                is not known, 0 … 1. Default: 1, which never promises too much.
            processes: Whether stages may run in other processes. Default: True.
            hand_over: What it costs to hand an item over. Default: what it costs on a virtual machine with two cores.
            notes: Sentences for the plan.

        Raises:
            TypeError: The tasks are no tasks, or the costs no costs.
            ValueError: There is no task, or a number is out of its range.
        """
        who = "Plan.fastest"
        given = checked_tasks(who, tasks)
        cores = usable_cpus() if cores is None else cores
        check_count(who, "cores", cores)
        if item_copy_seconds is not None:
            check_number(who, "item_copy_seconds", item_copy_seconds)
        check_share(who, "assume_lock", assume_lock)
        if hand_over is not None and not isinstance(hand_over, HandOverCosts):
            raise TypeError(f"{who}: hand_over must be HandOverCosts, got {hand_over!r}")
        known = [with_lock(task, assume_lock, processes) for task in given]
        cutter = Cutter(known, item_copy_seconds, hand_over)
        cut = cutter.best(cores)
        reason = why_not_faster(known, cut, cutter, cores)
        return cls(
            stages_of(known, cut),
            cores=cores,
            period=cut.period,
            one_core=cutter.best(1).period,
            busy_cores=cut.processor / cut.period,
            bottleneck=reason.bottleneck,
            why=reason.sentence,
            notes=(*notes, *remarks(given, assume_lock)),
        )

    def __str__(self) -> str:
        lines = [headline(self.stages), *self._expected(), str(grid_of(self.stages, self.period))]
        if self.why:
            lines.append(f"It cannot be faster: {self.why}.")
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])

    def _expected(self) -> Iterator[str]:
        if self.period and self.one_core and self.busy_cores is not None:
            yield (
                f"one item every {show(self.period)}, {show_rate(1 / self.period)}/s, "
                f"{self.one_core / self.period:.2f} times as fast as one core; "
                f"{self.busy_cores:.3g} of {self.cores} cores busy"
            )


def checked_tasks(who: str, tasks: Iterable[PlanTask]) -> tuple[PlanTask, ...]:
    """Return the tasks as a tuple.

    Raises:
        TypeError: One of them is no task.
        ValueError: There is none, or two have the same name.
    """
    given = tuple(tasks)
    for task in given:
        if not isinstance(task, PlanTask):
            raise TypeError(f"{who}: each task must be a PlanTask, got {task!r}")
    if not given:
        raise ValueError(f"{who}: needs one task or more, got none")
    names = [task.name for task in given]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{who}: each task needs a name of its own, but {name!r} comes {names.count(name)} times")
    return given


def with_lock(task: PlanTask, share: float, processes: bool) -> PlanTask:
    """The task with a known time in which it holds the interpreter lock, and without processes if none are wanted."""
    lock = task.busy_seconds * share if task.lock_seconds is None else task.lock_seconds
    return attrs.evolve(task, lock_seconds=lock, in_processes=task.in_processes and processes)


def stages_of(tasks: Sequence[PlanTask], cut: Cut) -> tuple[PlanStage, ...]:
    """The stages of a plan."""
    return tuple(
        PlanStage(
            tasks[stage.way.start].name,
            tasks[stage.way.stop - 1].name,
            workers=stage.workers,
            executor=stage.way.executor,
            seconds=stage.way.seconds,
        )
        for stage in cut.stages
    )


def remarks(tasks: Sequence[PlanTask], share: float) -> list[str]:
    """What the plan assumes."""
    unknown = [task for task in tasks if task.lock_seconds is None]
    if not unknown:
        return []
    return [
        f"assumed, not measured: {named(unknown)} {'holds' if len(unknown) == 1 else 'hold'} the interpreter lock for "
        f"{share:.0%} of the processor time; give assume_lock= if you know it"
    ]
