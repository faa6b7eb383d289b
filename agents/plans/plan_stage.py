"""One stage of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import attrs

from penstock.blocks.base.checks import check_count, check_number

from .cut import ON_LOOP, ExecutorKind

EXECUTORS = get_args(ExecutorKind)


def _first(stage: PlanStage) -> str:
    return stage.first


def _numbers(cpus: Iterable[int] | None) -> tuple[int, ...] | None:
    return None if cpus is None else tuple(cpus)


@attrs.frozen
class PlanStage:
    """One stage of a `Plan`: neighbouring tasks of a pipeline that the same worker does, one after the other.

    Args:
        first: The name of its first task.
        last: The name of its last task; by default it has only one.
        workers: The number of workers, >= 1; the loop has none, and `workers` is 1.
        executor: Where they are: "threads", "processes" or "loop"; "as written" leaves its only task as it is.
        buffer: Up to this many items wait for the stage or are in work, >= `workers`; None for the default of a block.
        cpus: Numbers of the processors to which the workers are pinned, in turn; None for no pinning. No effect if the
            system cannot do it.
        seconds: Seconds that one worker is expected to need for each item, with the hand-over; None if not known.

    Raises:
        TypeError: A name is not a text.
        ValueError: A number is out of its range, or there is no such executor.
    """

    first: str
    last: str = attrs.field(default=attrs.Factory(_first, takes_self=True))
    workers: int = attrs.field(default=1, kw_only=True)
    executor: ExecutorKind = attrs.field(default="threads", kw_only=True)
    buffer: int | None = attrs.field(default=None, kw_only=True)
    cpus: tuple[int, ...] | None = attrs.field(default=None, kw_only=True, converter=_numbers)
    seconds: float | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        for what in ("first", "last"):
            if not isinstance(getattr(self, what), str):
                raise TypeError(f"PlanStage: {what} must be the name of a task, got {getattr(self, what)!r}")
        who = f"PlanStage {self.name!r}"
        check_count(who, "workers", self.workers)
        if self.buffer is not None:
            check_count(who, "buffer", self.buffer, self.workers)
        if self.executor not in EXECUTORS:
            raise ValueError(f"{who}: executor must be one of {', '.join(map(repr, EXECUTORS))}, got {self.executor!r}")
        if self.executor in ON_LOOP and self.workers > 1:
            raise ValueError(f"{who}: executor={self.executor!r} has no workers, got workers={self.workers}")
        if self.cpus is not None and (self.executor in ON_LOOP or not self.cpus):
            raise ValueError(f"{who}: cpus must be numbers of processors for threads or processes, got {self.cpus!r}")
        if self.seconds is not None:
            check_number(who, "seconds", self.seconds)

    @property
    def name(self) -> str:
        """The first and the last task, for people."""
        return self.first if self.first == self.last else f"{self.first} … {self.last}"
