"""Calls the predicate of a filter in a task or an executor, and keeps the item together with the answer.

A sieve returns the item itself, or the item marked as rejected. It is sent to worker processes, so this module imports
little.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from ..base.callables import NOT_RUN, check_answer


@attrs.frozen(slots=True)
class Rejected:
    """An item for which the predicate is false."""

    item: Any


@attrs.frozen(slots=True)
class Sieve:
    """A predicate as a function for an executor."""

    predicate: Callable[[Any], Any]

    def __call__(self, item: Any) -> Any:
        """The item if the predicate is true for it; otherwise the item marked as rejected."""
        answer: object = self.predicate(item)
        if type(answer) in NOT_RUN:
            return answer  # the runner refuses it, as it does in every block
        check_answer("filter", "the predicate", answer)
        return item if answer else Rejected(item)


def async_sieve(predicate: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """An async predicate as a function for tasks."""

    async def sift(item: Any) -> Any:
        answer: object = await predicate(item)
        check_answer("filter", "the predicate", answer)
        return item if answer else Rejected(item)

    return sift
