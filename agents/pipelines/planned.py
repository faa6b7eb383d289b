"""The steps of a pipeline that runs with a plan: each stage of the plan is one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

from penstock.agents.plans.plan import Plan
from penstock.agents.plans.plan_stage import PlanStage
from penstock.blocks import Filter, Processes, Tap, Threads, Transformer
from penstock.blocks.base.units import listed

from .fused import Fused, FusedTask, Mode, is_kept
from .fused_meter import FusedMeter
from .pipeline_task import PipelineTask, own_options, tasks_of
from .steps import FunctionCall, Made, Step, Wrap, step_of, tried

WHO: Final = "Pipeline.planned"
MODES: Final[Mapping[Any, Mode]] = {Transformer: "map", Filter: "filter", Tap: "tap"}


def planned_steps(steps: Sequence[Step], plan: object) -> tuple[Step, ...]:
    """Return the steps of a pipeline that runs with a plan.

    Raises:
        TypeError: It is no plan, or a function cannot be sent to processes.
        ValueError: The stages of the plan are not those of this pipeline, a task cannot run as its stage says, or this
            process may not use a processor.
    """
    if not isinstance(plan, Plan):
        raise TypeError(f"{WHO}: needs a Plan, got {plan!r}")
    tasks = tasks_of(steps)
    return tuple(step_for(stage, parts) for stage, parts in zip(plan.stages, cut_up(tasks, plan.stages), strict=True))


# Which tasks belong to which stage


def cut_up(tasks: Sequence[PipelineTask], stages: Sequence[PlanStage]) -> list[Sequence[PipelineTask]]:
    """Return the tasks of each stage; every task is in exactly one of them."""
    places = {task.name: number for number, task in enumerate(tasks)}
    parts: list[Sequence[PipelineTask]] = []
    done = 0
    for stage in stages:
        for name in (stage.first, stage.last):
            if name not in places:
                raise ValueError(
                    f"{WHO}: stage {stage.name!r}: the pipeline has no task {name!r}; it has "
                    f"{listed(names_of(tasks), len(tasks) + 1) or 'none'}"
                )
        first, last = places[stage.first], places[stage.last]
        if last < first:
            raise ValueError(f"{WHO}: stage {stage.name!r}: {stage.last!r} comes before {stage.first!r}")
        if first < done:
            raise ValueError(
                f"{WHO}: stage {stage.name!r}: {stage.first!r} is in a stage before it, or comes before it"
            )
        refuse_gap(tasks[done:first])
        parts.append(tasks[first : last + 1])
        done = last + 1
    refuse_gap(tasks[done:])
    return parts


def refuse_gap(tasks: Sequence[PipelineTask]) -> None:
    """Raise a `ValueError` if there are tasks in no stage."""
    if tasks:
        names = names_of(tasks)
        raise ValueError(f"{WHO}: {listed(names, len(names) + 1)} {'is' if len(names) == 1 else 'are'} in no stage")


def names_of(tasks: Iterable[PipelineTask]) -> tuple[str, ...]:
    """The names of tasks, as in messages."""
    return tuple(repr(task.name) for task in tasks)


# The step for a stage


def step_for(stage: PlanStage, tasks: Sequence[PipelineTask]) -> Step:
    """Return one step for the tasks of a stage."""
    if stage.executor == "as written":
        if len(tasks) > 1:
            refuse(stage, "several tasks cannot be one stage as they are written")
        return tasks[0].step
    calls: list[FunctionCall] = []
    for task in tasks:
        if task.call is None:
            refuse(
                stage,
                f"{task.name!r} is not a plain function that a plan can move; give it a stage of its own, with "
                "executor='as written'",
            )
        if task.is_alone and len(tasks) > 1:
            refuse(stage, f"{task.name!r} has options of its own, or many results; give it a stage of its own")
        if task.is_stateful and (stage.workers > 1 or stage.executor == "processes"):
            refuse(stage, f"{task.name!r} is stateful; it needs one worker, in threads or on the loop")
        calls.append(task.call)
    options = options_for(stage)
    if len(calls) > 1:
        return fused_step([(task.name, call) for task, call in zip(tasks, calls, strict=True)], options)
    call = calls[0]
    options = {"name": call.options.get("name"), **own_options(call), **options}
    return step_of(WHO, call.kind, (call.function,), options, tasks[0].step.label)


def refuse(stage: PlanStage, reason: str) -> NoReturn:
    """Raise a `ValueError` about a stage."""
    raise ValueError(f"{WHO}: stage {stage.name!r}: {reason}")


def options_for(stage: PlanStage) -> dict[str, Any]:
    """The options of the block of a stage."""
    options: dict[str, Any] = {}
    if stage.buffer is not None:
        options["capacity"] = stage.buffer
    if stage.executor != "loop":
        pool = Threads if stage.executor == "threads" else Processes
        options |= {"executor": pool(stage.workers, cpus=stage.cpus), "concurrency": stage.workers}
    return options


def fused_step(calls: Sequence[tuple[str, FunctionCall]], options: Mapping[str, Any]) -> Step:
    """Return one step for several functions; a filter among them needs a second block, which drops the items."""
    tasks = tuple(FusedTask(name, MODES[call.kind], call.function) for name, call in calls)
    label = " + ".join(name for name, _ in calls)
    dropping = [task.name for task in tasks if task.mode == "filter"]

    def make(wrap: Wrap) -> Made:
        del wrap  # the functions are plain
        fused = Fused(tasks, FusedMeter(len(tasks)))
        work: Transformer[Any, Any] = Transformer(fused, **options, name=label)
        if not dropping:
            return Made(work, work, (work,))
        kept: Filter[Any] = Filter(is_kept, name=f"filter {' + '.join(dropping)}")
        work.link_target(kept)
        return Made(work, kept, (work, kept))

    return tried(label, make)
