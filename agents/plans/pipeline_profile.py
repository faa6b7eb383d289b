"""The measurements of a pipeline, from which a plan is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import attrs

from penstock.blocks.base.byte_count import show_bytes
from penstock.blocks.base.checks import check_count, check_number
from penstock.blocks.base.grid import Column, Grid
from penstock.blocks.base.units import shortened, show_aligned

from .hand_over_costs import HandOverCosts
from .json_file import Saved
from .plan import Plan
from .task_profile import TaskProfile

FREE = 1.7
"""The machine is free if the probe, which wants two cores, gets this many."""


@attrs.frozen(kw_only=True)
class PipelineProfile(Saved):
    """What the tasks of a pipeline cost. `Pipeline.run_profile` and `Pipeline.profile` measure it.

    `print(profile)` shows a table. `profile.plan(cores=8)` is the best plan for these costs.

    Attributes:
        tasks: The measurements of each task, in order.
        items: The number of items that were used.
        item_bytes: The size of an item of the source when it is pickled; 0 if it cannot be.
        item_copy_seconds: Seconds to pickle an item of the source and to make it again; None if it cannot be pickled.
        free_cores: How many of two cores were free for the measurement, 0 … 2.
        hand_over: What it costs to hand an item over on this machine.
    """

    file_kind: ClassVar[str] = "profile"
    file_parts: ClassVar[Mapping[str, type[Any]]] = {"tasks": TaskProfile}
    file_part: ClassVar[Mapping[str, type[Any]]] = {"hand_over": HandOverCosts}

    tasks: tuple[TaskProfile, ...] = attrs.field(converter=tuple[TaskProfile, ...])
    items: int
    item_bytes: float = 0
    item_copy_seconds: float | None = 0.0
    free_cores: float = 2.0
    hand_over: HandOverCosts = attrs.field(factory=HandOverCosts)

    def __attrs_post_init__(self) -> None:
        who = "PipelineProfile"
        for task in self.tasks:
            if not isinstance(task, TaskProfile):
                raise TypeError(f"{who}: each task must be a TaskProfile, got {task!r}")
        check_count(who, "items", self.items)
        check_number(who, "item_bytes", self.item_bytes)
        check_number(who, "free_cores", self.free_cores)
        if self.item_copy_seconds is not None:
            check_number(who, "item_copy_seconds", self.item_copy_seconds)
        if not isinstance(self.hand_over, HandOverCosts):
            raise TypeError(f"{who}: hand_over must be HandOverCosts, got {self.hand_over!r}")

    @property
    def is_free(self) -> bool:
        """Whether the machine had nothing else to do, so that the times are those of the tasks."""
        return self.free_cores >= FREE

    @property
    def notes(self) -> tuple[str, ...]:
        """What is doubtful in it, in sentences."""
        return tuple(doubts(self))

    def plan(self, cores: int | None = None, *, assume_lock: float = 1.0, processes: bool = True) -> Plan:
        """Return the best plan for these costs, as `Plan.fastest` does.

        Args:
            cores: The number of cores, >= 1; by default those that this process may use.
            assume_lock: The share of its processor time for which a task is assumed to hold the interpreter lock where
                this could not be measured, 0 … 1. Default: 1.
            processes: Whether stages may run in other processes. Default: True. A script then needs
                `if __name__ == "__main__":`.

        Raises:
            ValueError: There is no task, or a number is out of its range.
        """
        return Plan.fastest(
            (task.plan_task for task in self.tasks),
            cores,
            item_copy_seconds=self.item_copy_seconds,
            assume_lock=assume_lock,
            processes=processes,
            hand_over=self.hand_over,
            notes=self.notes,
        )

    def __str__(self) -> str:
        size = "" if self.item_copy_seconds is None else f" of {show_bytes(self.item_bytes)}"
        lines = [f"{self.items} items{size}", str(grid_of(self.tasks))]
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])


def doubts(profile: PipelineProfile) -> Iterator[str]:
    """What is doubtful in a profile."""
    if not profile.is_free:
        yield (
            f"the machine was busy while the tasks were measured ({profile.free_cores:.1f} of 2 cores were free), so "
            "the times may be too long; measure again when it is free"
        )
    for task in profile.tasks:
        if not task.calls_per_item:
            yield f"no item came to {task.name!r}, so it seems to cost nothing"
        if task.failed:
            yield f"{task.failed} calls of {task.name!r} raised; their items were tried again or left out"


def grid_of(tasks: Sequence[TaskProfile]) -> Grid:
    """Return the measurements as a table."""
    return Grid(
        (
            Column("task", tuple(shortened(task.name) for task in tasks), is_text=True),
            Column("time", tuple(show_aligned(task.seconds) for task in tasks)),
            Column("spread", tuple(show_aligned(task.spread_seconds) for task in tasks)),
            Column("processor", tuple(show_aligned(task.processor_seconds) for task in tasks)),
            Column("lock", tuple("?" if task.lock_share is None else f"{task.lock_share:.0%}" for task in tasks)),
            Column("result", tuple(size_of(task) for task in tasks)),
            Column("calls", tuple("" if task.calls_per_item == 1 else f"{task.calls_per_item:.3g}" for task in tasks)),
            Column("", tuple(kind_of(task) for task in tasks), is_text=True),
        )
    )


def size_of(task: TaskProfile) -> str:
    """The size of a result, for people."""
    return "not pickled" if task.copy_seconds is None else show_bytes(task.result_bytes)


def kind_of(task: TaskProfile) -> str:
    """What a plan cannot do with a task, for people."""
    if task.is_fixed:
        return "as written"
    words = [word for word, holds in (("stateful", task.is_stateful), ("alone", task.is_alone)) if holds]
    return ", ".join(words if task.in_processes or task.is_stateful else [*words, "not in processes"])
