"""What one task of a pipeline costs: the input of a plan."""

from __future__ import annotations

import attrs

from penstock.blocks.base.checks import check_number

KIND = "PlanTask"


@attrs.frozen(kw_only=True)
class PlanTask:
    """One task of a pipeline, and what it costs for each item of the pipeline. `Pipeline.run_profile` measures it.

    Args:
        name: The name of the task.
        seconds: Seconds that a worker needs, waits included, >= 0.
        processor_seconds: Seconds of processor time, >= 0; None if they are the same.
        lock_seconds: Seconds for which the task holds the interpreter lock, >= 0 and <= `seconds`; None if this is not
            known.
        result_bytes: The size of the result in bytes, >= 0.
        copy_seconds: Seconds to pickle the result and to make it again from that, >= 0; None if it cannot be pickled.
        is_stateful: Whether the task has a state, so that one worker has to do it, in order, in this process.
        is_alone: Whether it cannot share a stage with other tasks.
        in_processes: Whether other processes can do it.
        is_fixed: Whether a plan leaves it as it is written: a stage of its own, which holds the loop for its processor
            time.

    Raises:
        TypeError: The name is not a text.
        ValueError: A number is out of its range.
    """

    name: str
    seconds: float
    processor_seconds: float | None = None
    lock_seconds: float | None = None
    result_bytes: float = 0
    copy_seconds: float | None = 0.0
    is_stateful: bool = False
    is_alone: bool = False
    in_processes: bool = True
    is_fixed: bool = False

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f"{KIND}: name must be a text, got {self.name!r}")
        who = f"{KIND} {self.name!r}"
        for what in ("seconds", "processor_seconds", "lock_seconds", "result_bytes", "copy_seconds"):
            value = getattr(self, what)
            if value is not None or what in ("seconds", "result_bytes"):
                check_number(who, what, value)
        if self.lock_seconds is not None and self.lock_seconds > self.seconds:
            raise ValueError(
                f"{who}: lock_seconds must be at most the seconds of the task, {self.seconds:g}, got "
                f"{self.lock_seconds!r}"
            )
        for what in ("is_stateful", "is_alone", "in_processes", "is_fixed"):
            if not isinstance(getattr(self, what), bool):
                raise TypeError(f"{who}: {what} must be True or False, got {getattr(self, what)!r}")

    @property
    def is_replicable(self) -> bool:
        """Whether several workers may do the task at once."""
        return not (self.is_stateful or self.is_fixed)

    @property
    def busy_seconds(self) -> float:
        """Seconds of processor time."""
        return self.seconds if self.processor_seconds is None else min(self.processor_seconds, self.seconds)
