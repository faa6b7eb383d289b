"""Calls the predicate of a filter on the loop: there the answers for a batch are enough, the runner has the items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..base.callables import NOT_RUN, check_answer
from .function_block import FunctionCore
from .inline_runner import InlineRunner, close_unused, refuse


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
