"""The policies for items whose function call raised, and the budgets for the number of failures.

Deciding is plain code without a loop: `Failures` holds the state of a block's policy, and `decide` returns the next
step for one failure.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

import attrs

from ..base.callables import check_answer
from ..base.checks import check_function, check_number
from ..base.error_info import ErrorInfo
from ..core.target import Target


def _whole(minimum: int) -> Callable[[object, Any, Any], None]:
    def check(instance: object, attribute: Any, value: Any) -> None:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < minimum):
            name = type(instance).__name__
            raise ValueError(f"{name}: {attribute.name} must be an int >= {minimum}, got {value!r}")

    return check


@attrs.frozen
class Budget:
    """The number or share of items that may fail for good before a failure is a fault.

    Args:
        at_most: The number of items that may be skipped or dead-lettered, >= 0; the next one is a fault. None for no
            such bound.
        rate: The share of the items seen so far that may fail, 0 … 1. None for no such bound.
        minimum: The rate is checked only from this number of items on, >= 1, so that one early failure is not "100 %".

    Raises:
        ValueError: A number is out of its range, or neither bound is given.
    """

    at_most: int | None = attrs.field(default=None, validator=_whole(0))
    rate: float | None = None
    minimum: int = attrs.field(default=20, validator=_whole(1))

    def __attrs_post_init__(self) -> None:
        if self.at_most is None and self.rate is None:
            raise ValueError("Budget: give at_most, rate, or both")
        if self.rate is not None:
            check_number("Budget", "rate", self.rate)
        if self.rate is not None and self.rate > 1:
            raise ValueError(f"Budget: rate must be between 0 and 1, got {self.rate!r}")

    def allows(self, failed: int, seen: int) -> bool:
        """Whether `failed` of `seen` items are within the budget."""
        if self.at_most is not None and failed > self.at_most:
            return False
        return self.rate is None or seen < self.minimum or failed <= self.rate * seen


@attrs.frozen
class Fail:
    """The first exception is a fault: it stops the network and comes out of its `async with`. The default."""


@attrs.frozen
class Skip:
    """Drop the item, count it as dropped ("skipped"), and go on.

    Args:
        budget: How many items may be skipped; None for any number.
    """

    budget: Budget | None = None


@attrs.frozen
class DeadLetter:
    """Send an `ErrorInfo` with the item and the exception to a target, and go on.

    The block counts as a producer of the target. While the target has no room, the block waits.

    Args:
        target: Takes the dead letters.
        budget: How many items may be dead-lettered; None for any number.
    """

    target: Target[ErrorInfo]
    budget: Budget | None = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.target, Target):
            raise TypeError(f"DeadLetter: target must be a block that takes messages, got {self.target!r}")


@attrs.frozen
class Retry:
    """Call the function again with the same item, after a pause; if the last try fails too, use the policy `then`.

    The item keeps its place in the order while it is tried again.

    Args:
        times: The maximum number of further tries, >= 1.
        backoff: Seconds before the first further try, >= 0, doubled for each later try; or a function that returns the
            seconds for try 1, 2 …. The default is 0: no wait.
        then: What to do when the last try has failed too.

    Raises:
        ValueError: `times` is less than 1, or the pause is negative.
        TypeError: `backoff` is a function that is not plain.
    """

    times: int = attrs.field(validator=_whole(1))
    backoff: float | Callable[[int], float] = 0.0
    then: Fail | Skip | DeadLetter | Literal["fail", "skip"] = attrs.field(factory=Fail)

    def __attrs_post_init__(self) -> None:
        if callable(self.backoff):
            check_function("Retry", "backoff", self.backoff)
        else:
            check_number("Retry", "backoff", self.backoff)

    def delay(self, attempt: int) -> float:
        """Seconds to wait before try `attempt`, counted from 1."""
        if callable(self.backoff):
            seconds = self.backoff(attempt)
            check_answer("Retry", "backoff", seconds)
            return seconds
        return self.backoff * 2.0 ** (attempt - 1)


Policy = Fail | Skip | DeadLetter | Retry
OnError = Policy | Literal["fail", "skip"]


class Action(Enum):
    """The reaction to one failure."""

    FAIL = "fail"
    SKIP = "skip"
    DEAD_LETTER = "dead letter"
    RETRY = "retry"


FAIL = Fail()


def as_policy(who: str, on_error: OnError) -> Policy:
    """Convert the `on_error` argument of a block into a policy.

    Raises:
        ValueError: It is neither a policy nor the name of one.
    """
    if on_error == "fail":
        return FAIL
    if on_error == "skip":
        return Skip()
    if isinstance(on_error, Policy):
        return on_error
    raise ValueError(f"{who}: on_error must be 'fail', 'skip', Fail, Skip, DeadLetter or Retry, got {on_error!r}")


class Failures:
    """Counts the failures of one block and decides what to do about each."""

    __slots__ = ("final", "given_up", "retry", "seen")

    def __init__(self, who: str, policy: Policy) -> None:
        self.retry: Retry | None = policy if isinstance(policy, Retry) else None
        final = as_policy(who, policy.then) if isinstance(policy, Retry) else policy
        if isinstance(final, Retry):
            raise ValueError(f"{who}: a Retry ends in fail, skip or DeadLetter, not in another Retry")
        self.final: Fail | Skip | DeadLetter = final
        self.given_up: int = 0
        self.seen: int = 0

    @property
    def is_strict(self) -> bool:
        """Whether every failure is a fault."""
        return self.retry is None and isinstance(self.final, Fail)

    def decide(self, attempt: int, seen: int, may_drop: bool = True) -> Action:
        """Decide about an item that failed.

        Args:
            attempt: How many times the item was tried again already.
            seen: The number of the item, counted from 1; with concurrency, later items may have been seen before.
            may_drop: Whether the item may be dropped at all.
        """
        self.seen = max(self.seen, seen)
        if self.retry is not None and attempt < self.retry.times:
            return Action.RETRY
        if isinstance(self.final, Fail) or not may_drop:
            return Action.FAIL
        self.given_up += 1
        if self.final.budget is not None and not self.final.budget.allows(self.given_up, self.seen):
            return Action.FAIL
        return Action.SKIP if isinstance(self.final, Skip) else Action.DEAD_LETTER

    def delay(self, attempt: int) -> float:
        """Seconds to wait before try `attempt`."""
        return self.retry.delay(attempt) if self.retry is not None else 0.0
