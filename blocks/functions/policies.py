"""The policies for items whose function call raised, and the budgets for the number of failures.

Deciding is plain code without a loop: `Failures` holds the state of a block's policy. For a failure, `try_again` says
whether and when there is a further try, and `decide` what becomes of an item without one.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, cast

import attrs

from ..base.callables import check_answer
from ..base.checks import check_count, check_function, check_kind, check_number
from ..base.error_info import ErrorInfo
from ..core.target import Target


def _whole(minimum: int) -> Callable[[object, Any, Any], None]:
    def check(instance: object, attribute: Any, value: Any) -> None:
        if value is not None:
            check_count(type(instance).__name__, attribute.name, value, minimum)

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
        target: Takes the dead letters. In a `Pipeline`, which makes new blocks for each run, a function that is called
            with each of them.
        budget: How many items may be dead-lettered; None for any number.
    """

    target: Target[ErrorInfo] | Callable[[ErrorInfo], object]
    budget: Budget | None = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.target, Target) and not callable(self.target):
            raise TypeError(
                f"DeadLetter: target must be a block that takes messages, or a function, got {self.target!r}"
            )


@attrs.frozen
class Fallback:
    """Call another function with the item; its result takes the place of the missing one, also in the order.

    For `Transformer`, `TransformMany` and `Call`. The other function runs where the first one runs, is of the same kind
    (plain or asynchronous), and has the same time limit and, with a resource, the same lease. The call counts as a
    further try. To try the first function again before, use `Retry(…, then=Fallback(…))`.

    Args:
        function: It is called with the item, or with the item and the lease.
        then: What to do when it has failed too. Its exception then has that of the first function as its cause.
        budget: How many items may need it; None for any number.

    Raises:
        TypeError: `function` cannot be called.
    """

    function: Callable[..., Any]
    then: Fail | Skip | DeadLetter | Literal["fail", "skip"] = attrs.field(factory=Fail, kw_only=True)
    budget: Budget | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"Fallback: the function must be callable, got {self.function!r}")
        check_kind("Fallback", "budget", self.budget, Budget)


Kinds = type[Exception] | tuple[type[Exception], ...]


def _cap(retry: Retry) -> float:
    return math.inf if callable(retry.backoff) else 60.0


def _jitter(retry: Retry) -> float:
    return 0.0 if callable(retry.backoff) else 0.5


@attrs.frozen
class Retry:
    """Call the function again with the same item, after a pause; if the last try fails too, use the policy `then`.

    The item keeps its place in the order while it is tried again. The pause before try n = 1, 2 … is

    > min(`max_backoff`, `backoff` × 2ⁿ⁻¹) × (1 - `jitter` × random number from 0 to 1)

    Many items may fail at the same moment, because a server is down. With jitter, they are not all tried again at the
    same moment. With `jitter=1`, this is the "full jitter" of Marc Brooker, "Exponential Backoff And Jitter" (AWS
    Architecture Blog, 2015), and with 0.5 his "equal jitter". The numbers come from Python's `random`: `random.seed(1)`
    makes them repeatable.

    Args:
        times: The maximum number of further tries, >= 1.
        backoff: Seconds before the first further try, >= 0, doubled for each later try; or a function that returns the
            seconds for try 1, 2 …. The default is 0: no wait.
        then: What to do when the last try has failed too.
        on: The type of exceptions for which there is a further try, or a tuple of types; or a function that is given
            the exception and returns whether there is one. For other exceptions, `then` is used at once. An
            `ExceptionGroup` has a type if all exceptions in it have that type. The default is `Exception`.
        max_backoff: The longest pause in seconds, >= 0; `math.inf` for no bound. The default is 60, or no bound if
            `backoff` is a function.
        jitter: The random share of a pause, 0 … 1. The default is 0.5, or 0 if `backoff` is a function.
        max_seconds: No try begins later than this many seconds after the first failure of the item, > 0. If the pause
            would last longer than that, `then` is used at once. None (default) for no such bound.

    Raises:
        ValueError: A number is out of its range.
        TypeError: `backoff` or `on` is a function that is not plain, or `on` is neither a type of exceptions, nor a
            tuple of these, nor a function.
    """

    times: int = attrs.field(validator=_whole(1))
    backoff: float | Callable[[int], float] = 0.0
    then: Fail | Skip | DeadLetter | Fallback | Literal["fail", "skip"] = attrs.field(factory=Fail)
    on: Kinds | Callable[[Exception], bool] = attrs.field(default=Exception, kw_only=True)
    max_backoff: float = attrs.field(default=attrs.Factory(_cap, takes_self=True), kw_only=True)
    jitter: float = attrs.field(default=attrs.Factory(_jitter, takes_self=True), kw_only=True)
    max_seconds: float | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if callable(self.backoff):
            check_function("Retry", "backoff", self.backoff)
        else:
            check_number("Retry", "backoff", self.backoff)
        if self.max_backoff != math.inf:
            check_number("Retry", "max_backoff", self.max_backoff)
        check_number("Retry", "jitter", self.jitter)
        if self.jitter > 1:
            raise ValueError(f"Retry: jitter must be between 0 and 1, got {self.jitter!r}")
        if self.max_seconds is not None:
            check_number("Retry", "max_seconds", self.max_seconds, above=True)
        _check_kinds(self.on)

    def retries(self, error: Exception) -> bool:
        """Whether there is a further try after this exception, as far as `on` decides."""
        on = self.on
        if not isinstance(on, (type, tuple)):
            answer = on(error)
            check_answer("Retry", "on", answer)
            return bool(answer)
        kinds = cast("Kinds", on)
        if isinstance(error, kinds):
            return True
        return isinstance(error, ExceptionGroup) and cast("ExceptionGroup[Exception]", error).split(kinds)[1] is None

    def delay(self, attempt: int) -> float:
        """Seconds to wait before try `attempt`, counted from 1."""
        if callable(self.backoff):
            seconds = self.backoff(attempt)
            check_answer("Retry", "backoff", seconds)
            if not 0 <= seconds < math.inf:
                raise ValueError(f"Retry: backoff must give seconds >= 0, got {seconds!r} for try {attempt}")
        else:
            seconds = self.backoff * 2.0 ** min(attempt - 1, LARGEST_EXPONENT)
        seconds = min(seconds, self.max_backoff)
        return seconds * (1.0 - self.jitter * random.random()) if self.jitter else seconds


LARGEST_EXPONENT = 1000
"""A larger power of 2 might not be a float; `backoff` times this one is longer than any pause, or is 0."""


def _check_kinds(on: object) -> None:
    """Raise a `TypeError` if `on` is neither a type of exceptions, nor a tuple of these, nor a plain function."""
    kinds = cast("tuple[object, ...]", on) if isinstance(on, tuple) else (on,)
    if all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds) and kinds:
        return
    if isinstance(on, (type, tuple)) or not callable(on):
        raise TypeError(
            "Retry: on must be a type of exceptions (a subclass of Exception), a tuple of these, or a function that is "
            f"given the exception, got {on!r}"
        )
    check_function("Retry", "on", on)


@attrs.frozen
class Attempt:
    """A further try of an item.

    Attributes:
        number: The number of the further try, counted from 1.
        delay: Seconds to wait before it.
        failed_at: The time of the first failure of the item.
        cause: The last exception of the function, if this is a call of the fallback; else None.
    """

    number: int
    delay: float
    failed_at: float
    cause: Exception | None = None


Policy = Fail | Skip | DeadLetter | Fallback | Retry
OnError = Policy | Literal["fail", "skip"]


class Action(Enum):
    """The reaction to one failure."""

    FAIL = "fail"
    SKIP = "skip"
    DEAD_LETTER = "dead letter"
    RETRY = "retry"
    FALLBACK = "fallback"


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
    raise ValueError(
        f"{who}: on_error must be 'fail', 'skip', Fail, Skip, DeadLetter, Fallback or Retry, got {on_error!r}"
    )


class Failures:
    """Counts the failures of one block and decides what to do about each."""

    __slots__ = ("fallback", "fallen_back", "final", "given_up", "retry", "seen")

    def __init__(self, who: str, policy: Policy) -> None:
        self.retry: Retry | None = policy if isinstance(policy, Retry) else None
        final = as_policy(who, policy.then) if isinstance(policy, Retry) else policy
        self.fallback: Fallback | None = final if isinstance(final, Fallback) else None
        if isinstance(final, Fallback):
            final = as_policy(who, final.then)
        if isinstance(final, (Retry, Fallback)):
            end = "a Retry ends in fail, skip, DeadLetter or Fallback, and a Fallback in fail, skip or DeadLetter"
            raise ValueError(f"{who}: {end}; got {policy!r}")
        self.fallen_back: int = 0
        self.final: Fail | Skip | DeadLetter = final
        self.given_up: int = 0
        self.seen: int = 0

    @property
    def is_strict(self) -> bool:
        """Whether every failure is a fault."""
        return self.retry is None and self.fallback is None and isinstance(self.final, Fail)

    def try_again(self, error: Exception, last: Attempt | None, now: float) -> Attempt | None:
        """Return the next try of an item that failed, or None if there is none.

        Args:
            error: The exception that was raised.
            last: The try that failed; None for the first call.
            now: The time of the failure.
        """
        retry = self.retry
        number = 1 if last is None else last.number + 1
        if retry is None or number > retry.times or (last and last.cause) or not retry.retries(error):
            return None
        failed_at = now if last is None else last.failed_at
        delay = retry.delay(number)
        if retry.max_seconds is not None and now + delay > failed_at + retry.max_seconds:
            return None
        return Attempt(number, delay, failed_at)

    def decide(self, seen: int, may_drop: bool = True, may_fall_back: bool = False) -> Action:
        """Decide about an item that failed and is not tried again.

        Args:
            seen: The number of the item, counted from 1; with concurrency, later items may have been seen before.
            may_drop: Whether the item may be dropped at all.
            may_fall_back: Whether a fallback may be called for it.
        """
        self.seen = max(self.seen, seen)
        fallback = self.fallback if may_fall_back else None
        if fallback is not None and (
            fallback.budget is None or fallback.budget.allows(self.fallen_back + 1, self.seen)
        ):
            self.fallen_back += 1
            return Action.FALLBACK
        if isinstance(self.final, Fail) or not may_drop:
            return Action.FAIL
        self.given_up += 1
        if self.final.budget is not None and not self.final.budget.allows(self.given_up, self.seen):
            return Action.FAIL
        return Action.SKIP if isinstance(self.final, Skip) else Action.DEAD_LETTER
