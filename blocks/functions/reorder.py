"""Puts finished entries back into the order in which they were started.

It knows neither blocks nor functions. Items are numbered from 1 as they are started; items that were taken together
are one entry, with the number of the first. Invariant, if ordered: all items up to `handed_on` were handed on, in
order, and later entries that are done wait here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

E = TypeVar("E")


class Reorder(Generic[E]):
    """The entries that are started and not yet handed on.

    Args:
        ordered: Whether entries are handed on in the order of their start; if not, as they are done.

    Attributes:
        started: How many items were started.
        handed_on: How many items were handed on.
    """

    __slots__ = ("_done", "handed_on", "ordered", "started")

    def __init__(self, ordered: bool) -> None:
        self.ordered: bool = ordered
        self.started: int = 0
        self.handed_on: int = 0
        self._done: dict[int, tuple[E, int]] = {}

    def start(self, count: int = 1) -> int:
        """Start some items together; return the number of the first."""
        number = self.started + 1
        self.started += count
        return number

    def done(self, number: int, entry: E, count: int = 1) -> Sequence[E]:
        """Take a finished entry; return the entries that can be handed on now, in order."""
        if self.ordered and number != self.handed_on + 1:
            self._done[number] = entry, count
            return ()
        self.handed_on += count
        if not self._done:
            return (entry,)
        ready = [entry]
        while (found := self._done.pop(self.handed_on + 1, None)) is not None:
            entry, count = found
            self.handed_on += count
            ready.append(entry)
        return ready

    def clear(self) -> None:
        """Forget the entries that are done."""
        self._done.clear()
