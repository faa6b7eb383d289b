"""The stages of a time limit: what a network does when it takes too long."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ..base.checks import check_number

STAGES = ("report", "warn", "cancel", "fail")
"""The stages, in the order in which they come."""


@attrs.frozen(kw_only=True)
class TimeLimit:
    """Says what a network does when it takes too long; for its arguments `time_limit` and `progress_limit`.

    All times are in seconds on trio's clock, > 0, each later than those before it. None, the default, skips a stage.

    Args:
        report: Log the network's report, at level INFO, through the logger "penstock".
        warn: Log, as a WARNING, where items are stuck.
        cancel: Stop as with `network.cancel()`: held items are discarded and counted, and the `async with` ends without
            an exception. A WARNING is logged.
        fail: Stop with a `TimeLimitExceeded`, raised like any other fault. After a `cancel`, this applies only to a
            network that has not ended by then: the exception is raised when it ends.

    Raises:
        ValueError: A number is out of its range, the numbers do not rise, or none is given.
    """

    report: float | None = None
    warn: float | None = None
    cancel: float | None = None
    fail: float | None = None

    def __attrs_post_init__(self) -> None:
        before: tuple[str, float] | None = None
        for stage in STAGES:
            seconds = getattr(self, stage)
            if seconds is None:
                continue
            check_number("TimeLimit", stage, seconds, above=True)
            if before is not None and seconds <= before[1]:
                raise ValueError(f"TimeLimit: {stage} must come after {before[0]}, {before[1]!r} s, got {seconds!r}")
            before = stage, seconds
        if before is None:
            raise ValueError(f"TimeLimit: give at least one of {', '.join(STAGES)}")

    def stages(self) -> Iterator[tuple[str, float]]:
        """The stages that are set, each with its seconds, in order."""
        for stage in STAGES:
            seconds: float | None = getattr(self, stage)
            if seconds is not None:
                yield stage, seconds


def as_time_limit(who: str, what: str, value: TimeLimit | float | None) -> TimeLimit | None:
    """Convert the argument for a time limit; a plain number is the time after which the network fails.

    Raises:
        ValueError: The value is neither a `TimeLimit` nor a number > 0.
    """
    if value is None or isinstance(value, TimeLimit):
        return value
    check_number(who, what, value, above=True)
    return TimeLimit(fail=value)
