"""One path from a broadcast to an input of a join, and the numbers of the messages that were lost on it.

Each block on the path keeps the order. It emits one message for each input message, or reports which one it lost. So
the number that a message had when it left the broadcast can be computed anywhere on the path: from its place in the
stream there, and from the numbers that are missing before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .numbering import Numbering

if TYPE_CHECKING:
    from .owner import Feed, Owner


class Branch:
    """The blocks between a broadcast and an input of a join.

    Args:
        stages: Each block with its outgoing link; the broadcast first. The link is None if what a block makes of a
            message comes together again in the next block.
        hears: Called with the number of a message that will not come.
        breaks: Called with a reason when the numbers cannot be known any more.
        least: Returns the smallest number of a message that may still be on the path.
    """

    __slots__ = ("_arrivals", "_breaks", "_departures", "_hears", "_least", "_place_of", "_results", "stages")

    def __init__(
        self,
        stages: Sequence[tuple[Owner, Feed | None]],
        hears: Callable[[int], None],
        breaks: Callable[[str], None],
        least: Callable[[], int],
    ) -> None:
        self.stages: tuple[tuple[Owner, Feed | None], ...] = tuple(stages)
        self._hears = hears
        self._least = least
        self._breaks = breaks
        self._place_of = {block: place for place, (block, _) in enumerate(stages)}
        self._arrivals = [Numbering(self.first) for _ in stages]
        self._results = [Numbering(self.first) for _ in stages]
        self._departures = [Numbering(self.first if place else 1) for place, _ in enumerate(stages)]

    @property
    def first(self) -> int:
        """The number of the first message that could come along this path."""
        link = self.stages[0][1]
        return 1 if link is None else link.first

    def goes_along(self, link: Feed) -> bool:
        """Whether a link is part of the path."""
        return any(link is own for _, own in self.stages)

    def lost(self, block: Owner, places: Sequence[int], count: int) -> None:
        """Note that a block lost messages; `places` are their positions in its input stream, counted from 1."""
        stage = self._place_of[block]
        if len(places) != count:
            self.break_off(f"{block} lost a message and did not say which")
        arrivals = self._arrivals[stage]
        for place in places:
            number = arrivals.number(place)
            self._results[stage].add(number)
            self._departures[stage].add(number)
            self._tell(stage, number)

    def rejected(self, block: Owner, places: Sequence[int]) -> None:
        """Note that a block dropped results of its function; `places` are their positions among the results."""
        stage = self._place_of[block]
        numbers = [self._results[stage].number(place) for place in places]
        for number in numbers:
            self._departures[stage].add(number)
            self._tell(stage, number)

    def left(self, block: Owner, link: Feed | None, place: int) -> None:
        """Note that message number `place` has left a block along a link, or to a receiver if `link` is None."""
        stage = self._place_of[block]
        own = self.stages[stage][1]
        if own is not None and link is not own:
            self._tell(stage, self._departures[stage].number(place))

    def published(self, block: Owner, takers: Sequence[Feed], place: int) -> None:
        """Note that a broadcast on the path has given its message number `place` to the links in `takers`."""
        stage = self._place_of[block]
        link = self.stages[stage][1]
        if link is not None and link not in takers:
            self._tell(stage, self._departures[stage].number(place))

    def break_off(self, reason: str) -> None:
        """Report that the numbers of the messages cannot be known any more."""
        self._breaks(reason)

    def _tell(self, stage: int, number: int) -> None:
        """Note that a number will not come to the later stages, and forget numbers that are no longer needed."""
        least = self._least()
        for numbering in (*self._arrivals, *self._results, *self._departures):
            numbering.forget(least)
        for later in range(stage + 1, len(self.stages)):
            for numberings in (self._arrivals, self._results, self._departures):
                numberings[later].add(number)
        self._hears(number)
