"""Calls the predicate of a filter, and keeps each item together with the answer.

On the loop, the answers for a batch are enough: the runner still has the items. In tasks and executors, a sieve is
called instead of the predicate. It returns the item itself, or the item marked as rejected.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs

from ..base.callables import NOT_RUN, check_answer
from .function_block import FunctionCore
from .inline_runner import InlineRunner, close_unused, refuse


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


class FilteringRunner(InlineRunner):
    """Maps a plain predicate over batches of items.

    Args:
        block: The block that has the predicate.
        sort_out: Called with items and their answers, True or False.
    """

    passes_on = True
    __slots__ = ("sort_out",)

    def __init__(self, block: FunctionCore[Any], sort_out: Callable[[Sequence[Any], list[Any]], None]) -> None:
        super().__init__(block)
        self.sort_out: Callable[[Sequence[Any], list[Any]], None] = sort_out

    def _refuse(self, results: list[Any]) -> tuple[int, Exception] | None:
        """Turn the answers into True and False; return the place and the error of the first that is neither."""
        if set(map(type, results)) == {bool}:
            return None
        for place, answer in enumerate(results):
            if type(answer) in NOT_RUN:
                return place, refuse(self.block, results[place:])
            try:
                check_answer(self.block, "the predicate", answer)
                results[place] = bool(answer)
            except Exception as error:
                close_unused(results[place:])
                return place, error
        return None

    def _give(self, items: Sequence[Any], results: list[Any]) -> None:
        self.sort_out(items, results)
