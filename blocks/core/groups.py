"""Finds which messages came of one input of a one-to-many block, at a block behind it and any stages in between.

The one-to-many block says after which of its outputs each input has ended. The losses on the way are heard. So each
message that comes, and each one that is lost, has a number: its place among the outputs. Invariant: the messages that
have come and belong to the current group are the first `here` of those that wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from .block_core import BlockCore
from .branch import Branch
from .forks import Way, distrust, put_in_by_hand, ways_to
from .listening import Listening
from .owner import Owner

REMEDY = "give each output the key of its input, and group them by this key in a Fold"


class SplitBranch(Branch):
    """The path from a one-to-many block; the inputs that this block loses have no outputs."""

    __slots__ = ()

    def lost(self, block: Owner, places: Sequence[int], count: int) -> None:
        """Note that a block lost messages, unless it is the first one."""
        if block is not self.stages[0][0]:
            super().lost(block, places, count)


class Groups:
    """The groups of messages that a block collects.

    Args:
        block: The block.
        split: The one-to-many block.
        wake: Called when a group may be complete.

    Attributes:
        here: How many messages of the current group have come.
    """

    def __init__(self, block: BlockCore, split: BlockCore, wake: Callable[[], None]) -> None:
        self._block = block
        self._split = split
        self._wake = wake
        self._listening = Listening(wake)
        self._next = 1  # the number of the next message
        self._ends: deque[int] = deque()  # the number of the last output of each input, 0 or more groups ahead
        self._lost: set[int] = set()
        self.here: int = 0

    def problems(self) -> Iterator[str]:
        """The reasons why it cannot be known which messages belong together."""
        way = self._way()
        reasons = (f"no path leads from {self._split} to it",) if way is None else self._obstacles(way)
        if reasons:
            yield self._words("; ".join(dict.fromkeys(reasons)))

    def _words(self, reason: str) -> str:
        return f"{self._block} cannot know which messages came of one input of {self._split}: {reason}. Or {REMEDY}"

    def _way(self) -> Way | None:
        return ways_to(self._block.inbox, self._block, lambda block: block is self._split).get(self._split)

    def split(self) -> BlockCore | None:
        """The one-to-many block, if it is known which messages come of each of its inputs; else None."""
        is_known = self._listening.look(lambda: not any(self.problems()))
        return self._split if is_known else None

    def _obstacles(self, way: Way) -> Sequence[str]:
        link = way.stages[0][1]
        assert link is not None
        own = tuple(distrust(self._split, link))  # more come out than go in, which is known here
        reasons = [reason for reason in way.obstacles if reason not in own]
        return [*reasons, *put_in_by_hand(way)]

    def set_up(self) -> None:
        """Listen to the losses on the way.

        Raises:
            ValueError: It cannot be known which messages belong together.
        """
        for problem in self.problems():
            raise ValueError(problem)
        way = self._way()
        assert way is not None
        branch = SplitBranch(way.stages, self._hear, self._listening.break_off, lambda: self._next)
        self._next = branch.first
        self._listening.along(way.stages, branch)

    def _hear(self, number: int) -> None:
        self._lost.add(number)
        self._wake()

    def ended(self, number: int) -> None:
        """Note that an input has ended with this output."""
        self._ends.append(number)
        self._wake()

    def is_complete(self, waiting: int, is_over: bool) -> bool:
        """Whether the current group is complete; count what has come of it.

        Args:
            waiting: How many messages wait.
            is_over: Whether no more will come.

        Raises:
            ValueError: An event on the way has made the numbers unknown.
        """
        if self._listening.broken_off is not None:
            raise ValueError(self._words(self._listening.broken_off))
        while not (self._ends and self._next > self._ends[0]):
            if self._next in self._lost:
                self._lost.remove(self._next)
            elif self.here < waiting:
                self.here += 1
            else:
                return is_over and bool(self._ends)
            self._next += 1
        return True

    def take(self) -> int:
        """Return how many messages of the current group are there; from now on they are no longer counted here."""
        count, self.here = self.here, 0
        return count

    def next_group(self) -> int:
        """Go on to the next group; return how many messages of the last one are there."""
        self._next = max(self._next, self._ends.popleft() + 1)
        return self.take()
