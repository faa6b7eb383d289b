"""How tasks run, apart from their function: the policy for failures and the time limit."""

from __future__ import annotations

import attrs

from penstock.blocks import Fail, Retry
from penstock.blocks.base.checks import check_number


@attrs.frozen
class TaskOptions:
    """The options of a task.

    Attributes:
        retry: Whether it is tried again when it has failed; None: no.
        time_limit: Seconds that one try may take; None: no limit.
    """

    retry: Retry | None = None
    time_limit: float | None = None


PLAIN = TaskOptions()


def options_of(who: str, on_error: object, time_limit: float | None) -> TaskOptions:
    """Check the options of a user.

    Raises:
        TypeError: The policy is one for items.
        ValueError: The time limit is not above 0.
    """
    if time_limit is not None:
        check_number(who, "time_limit", time_limit, above=True)
    if on_error is None or on_error == "fail" or isinstance(on_error, Fail):
        return PLAIN if time_limit is None else TaskOptions(None, time_limit)
    if not isinstance(on_error, Retry):
        raise TypeError(f"{who}: on_error must be Retry or None, because a task has no item to drop; got {on_error!r}")
    if on_error.then != "fail" and not isinstance(on_error.then, Fail):
        raise TypeError(f"{who}: a Retry of a task can only end in a failure, got then={on_error.then!r}")
    return TaskOptions(on_error, time_limit)
