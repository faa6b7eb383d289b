"""Where the branches of a block listen for losses, and why the numbers of its messages are unknown, if they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from .branch import Branch
from .forks import Stage

T = TypeVar("T")


class Heard(Protocol):
    """An inbox or an outbox, at which branches hear what is lost.

    Attributes:
        branches: The branches.
    """

    branches: tuple[Branch, ...]


class Listening:
    """The places at which the branches of one block listen.

    Args:
        wake: Called when the numbers become unknown.

    Attributes:
        broken_off: Why the numbers cannot be known any more; None if they are known.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._places: list[tuple[Heard, Branch]] = []
        self._is_looking = False
        self.broken_off: str | None = None

    def look(self, find: Callable[[], T]) -> T | None:
        """Look for something on the paths; None in a circle of links, where the search has come back to its block."""
        if self._is_looking:
            return None
        self._is_looking = True
        try:
            return find()
        finally:
            self._is_looking = False

    def along(self, stages: Sequence[Stage], branch: Branch, with_first: bool = True) -> None:
        """Let a branch listen at all places of a path; at the output of its first block only if `with_first`."""
        for place, (block, link) in enumerate(stages):
            if place or with_first:
                self._at(block.outboxes()[0], branch)
            if link is not None:
                self._at(link.inbox, branch)

    def _at(self, place: Heard, branch: Branch) -> None:
        place.branches += (branch,)
        self._places.append((place, branch))

    def forget(self) -> None:
        """Listen nowhere any more."""
        for place, branch in self._places:
            place.branches = tuple(other for other in place.branches if other is not branch)
        self._places.clear()

    def break_off(self, reason: str) -> None:
        """Note that the numbers cannot be known any more; the first reason counts."""
        self.broken_off = self.broken_off or reason
        self._wake()
