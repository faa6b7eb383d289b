"""Puts what was started in order back into that order, whenever it is done.

Plain: it knows neither blocks nor functions. Items are numbered from 1 on as they are started; several that were taken
together are one entry, with the number of the first. Invariant: what is handed on is, in order, everything up to
`handed_on`, and what is done behind that waits here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

E = TypeVar("E")


class Reorder(Generic[E]):
    """The order of what is between its start and being handed on.

    Args:
        ordered: Whether entries are handed on in the order in which they were started; if not, as they are done.

    Attributes:
        started: How many items were started.
        handed_on: How many were handed on.
    """

    __slots__ = ("_done", "handed_on", "ordered", "started")

    def __init__(self, ordered: bool) -> None:
        self.ordered = ordered
        self.started = 0
        self.handed_on = 0
        self._done: dict[int, tuple[E, int]] = {}

    def start(self, count: int = 1) -> int:
        """Start some items together; give the number of the first."""
        number = self.started + 1
        self.started += count
        return number

    def done(self, number: int, entry: E, count: int = 1) -> Sequence[E]:
        """An entry is done; give those that can be handed on now, in order."""
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
        """Nothing of what is done is wanted any more."""
        self._done.clear()
