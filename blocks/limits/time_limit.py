"""What a network does when it takes too long."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ..base.checks import check_number

STAGES = ("report", "warn", "cancel", "fail")
"""In the order in which they come."""


@attrs.frozen(kw_only=True)
class TimeLimit:
    """What a network does after how long, for its arguments `time_limit` and `progress_limit`.

    All in seconds on trio's clock, > 0, each later than those before it; None, the default, for not at all.

    Args:
        report: Log the network's report, at level INFO, through the logger "penstock".
        warn: Log, as a WARNING, where items are stuck.
        cancel: Stop as by `network.cancel()`: what is held is discarded and counted, and the `async with` ends without
            an exception. Is logged as a WARNING.
        fail: Stop, with a `TimeLimitExceeded` that is raised like any other fault. If `cancel` came before it, only
            for a network that was not able to end in the time between: it is raised at its end then.

    Raises:
        ValueError: A number is out of its range, they do not rise, or none is given.
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
        """What is to be done, and after how many seconds, in order."""
        for stage in STAGES:
            seconds: float | None = getattr(self, stage)
            if seconds is not None:
                yield stage, seconds


def as_time_limit(who: str, what: str, value: TimeLimit | float | None) -> TimeLimit | None:
    """Understand a time limit of a network; a plain number is that after which it fails.

    Raises:
        ValueError: It is neither a `TimeLimit` nor a number > 0.
    """
    if value is None or isinstance(value, TimeLimit):
        return value
    check_number(who, what, value, above=True)
    return TimeLimit(fail=value)
