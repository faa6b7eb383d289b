"""The measurements of one task of a pipeline."""

from __future__ import annotations

import attrs

from penstock.blocks.base.checks import check_number, check_share

from .plan_task import PlanTask

NUMBERS = ("seconds", "spread_seconds", "processor_seconds", "calls_per_item", "result_bytes")


@attrs.frozen(kw_only=True)
class TaskProfile:
    """The measurements of one task of a pipeline: medians over its calls.

    Attributes:
        name: The name of the task.
        seconds: Wall-clock seconds of one call.
        spread_seconds: Half of the calls are within this many seconds: the distance between the quartiles.
        processor_seconds: Seconds of processor time of one call.
        lock_share: The share of its time for which it holds the interpreter lock, 0 … 1; None if it is not known.
        calls_per_item: The number of calls for each item of the source: less than 1 behind a filter or a batch.
        result_bytes: The size of a result when it is pickled; 0 if it cannot be.
        copy_seconds: Seconds to pickle a result and to make it again; None if it cannot be pickled.
        failed: The number of calls that raised, without an end of the measurement, because of `on_error`.
        is_stateful: Whether it has a state.
        is_alone: Whether it cannot share a stage with other tasks.
        in_processes: Whether the function can be sent to other processes.
        is_fixed: Whether a plan leaves it as it is written.
    """

    name: str
    seconds: float
    spread_seconds: float = 0.0
    processor_seconds: float = 0.0
    lock_share: float | None = None
    calls_per_item: float = 1.0
    result_bytes: float = 0
    copy_seconds: float | None = 0.0
    failed: int = 0
    is_stateful: bool = False
    is_alone: bool = False
    in_processes: bool = True
    is_fixed: bool = False

    def __attrs_post_init__(self) -> None:
        who = f"TaskProfile {self.name!r}"
        for what in (*NUMBERS, "failed"):
            check_number(who, what, getattr(self, what))
        if self.lock_share is not None:
            check_share(who, "lock_share", self.lock_share)
        _ = self.plan_task  # it checks the rest

    @property
    def plan_task(self) -> PlanTask:
        """What it costs for each item of the source."""
        calls = self.calls_per_item
        return PlanTask(
            name=self.name,
            seconds=self.seconds * calls,
            processor_seconds=self.processor_seconds * calls,
            lock_seconds=None if self.lock_share is None else self.lock_share * self.seconds * calls,
            result_bytes=self.result_bytes,
            copy_seconds=None if self.copy_seconds is None else self.copy_seconds * calls,
            is_stateful=self.is_stateful,
            is_alone=self.is_alone,
            in_processes=self.in_processes,
            is_fixed=self.is_fixed,
        )
