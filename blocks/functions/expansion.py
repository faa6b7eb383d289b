"""A batch of items, and the iterables that a function returns for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from ..base.callables import NOT_ITERABLE, let_go, not_run
from ..base.error_info import forget_frames

LISTS: frozenset[type] = frozenset({list, tuple})
"""Types of results that are complete when the function returns."""
CHUNK = 256
"""How many results are kept at a time; with more, the garbage collector would look through them again and again."""


class Expansion:
    """Calls a function with the items of a batch, some at a time, and hands out what the results give, in order.

    Attributes:
        items: The batch.
        done: How many items have given all their outputs.
        error: What the function has raised for the item behind those.
    """

    __slots__ = (
        "_ahead",
        "_are_lists",
        "_block",
        "_current",
        "_error",
        "_function",
        "_results",
        "done",
        "error",
        "items",
    )

    def __init__(self, block: object, function: Callable[[Any], Iterable[Any]], items: Sequence[Any]) -> None:
        self._block = block
        self._function = function
        self._ahead = iter(items)  # the items for which the function is still to be called
        self._are_lists = False
        self._results: list[Iterable[Any]] = []
        self._current: Iterator[Any] | None = None
        self._error: BaseException | None = None  # of the item behind those that have results
        self.items: Sequence[Any] = items
        self.done: int = 0
        self.error: BaseException | None = None

    def read(self, outputs: list[Any], most: int) -> bool:
        """Append up to `most` outputs to a list; return whether the batch is at its end, or at an error."""
        while self.done < len(self.items) and self.error is None:
            if not self._results and self._error is None:
                self._call()
            if not self._read_results(outputs, most):
                return False
            self.error = self.error or self._error
        return True

    def _call(self) -> None:
        """Call the function with the next items, up to the first for which it raises or returns no iterable."""
        chunk = list(islice(self._ahead, CHUNK))
        results = self._results
        try:
            results.extend(map(self._function, chunk))
        except BaseException as error:
            self._error = error
        else:
            if len(results) < len(chunk):  # `map` takes StopIteration for the end
                from ..executors.work import stop_iteration  # late: most functions never raise it

                self._error = stop_iteration(str(self._block))
        kinds = set(map(type, results))
        self._are_lists = kinds <= LISTS
        if not (self._are_lists or NOT_ITERABLE.isdisjoint(kinds)):
            place = [type(result) in NOT_ITERABLE for result in results].index(True)
            self._error = not_run(self._block, results[place], is_read=True)
            self._let_go_from(place + 1)
            results.pop()
        if self._error is not None:
            forget_frames(self._error)

    def _read_results(self, outputs: list[Any], most: int) -> bool:
        """Append what the results give, up to `most` outputs in all; return whether they are at their end."""
        results = self._results
        lists: Any = results
        if self._are_lists and self._current is None and len(outputs) + sum(map(len, lists)) <= most:
            outputs.extend(chain.from_iterable(results))
            self.done += len(results)
            results.clear()
            return True
        results.reverse()
        try:
            while results:
                if self._current is None:
                    self._current = iter(results[-1])
                outputs.extend(islice(self._current, most - len(outputs)))
                if len(outputs) >= most:
                    return False  # there may be more
                self._current = None
                self.done += 1
                results.pop()
        except BaseException as error:
            forget_frames(error)
            self.error = error
        finally:
            results.reverse()
        return True

    def _let_go_from(self, place: int) -> None:
        """Close the results from a place on."""
        for result in self._results[place:]:
            let_go(result)
        del self._results[place:]

    def rest(self) -> list[Any]:
        """The items that are not done."""
        return list(islice(self.items, self.done, None))

    def close(self) -> None:
        """Close what is being read, and the results behind it."""
        current, self._current = self._current, None
        if current is not None:
            let_go(current)
        self._let_go_from(0)
