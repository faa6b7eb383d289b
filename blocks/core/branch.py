"""One way from a broadcast to an input of a join, and the numbers of the messages that were lost on it.

Each block on the way keeps the order and gives one message for each that it gets, or says which one it lost. So the
number that a message had when it left the broadcast can be told anywhere on the way from its place in the stream
there and from what is missing in front of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .numbering import Numbering

if TYPE_CHECKING:
    from .block import Block
    from .link import Link


class Branch:
    """The blocks between a broadcast and an input of a join.

    Args:
        stages: Each block with the link that leads on; the broadcast first. The link is None if a block's copies
            come together again in the block behind it.
        hears: Called with the number of a message that will not come.
        breaks: Called with a sentence when the numbers cannot be known any more.
        least: Gives the least number of a message that may still be on its way.
    """

    __slots__ = ("_arrivals", "_breaks", "_departures", "_hears", "_least", "_place_of", "_results", "stages")

    def __init__(
        self,
        stages: Sequence[tuple[Block, Link[Any] | None]],
        hears: Callable[[int], None],
        breaks: Callable[[str], None],
        least: Callable[[], int],
    ) -> None:
        self.stages: tuple[tuple[Block, Link[Any] | None], ...] = tuple(stages)
        self._hears = hears
        self._least = least
        self._breaks = breaks
        self._place_of = {block: place for place, (block, _) in enumerate(stages)}
        self._arrivals = [Numbering(self.first) for _ in stages]
        self._results = [Numbering(self.first) for _ in stages]
        self._departures = [Numbering(self.first if place else 1) for place, _ in enumerate(stages)]

    @property
    def first(self) -> int:
        """The number of the first message that could come along this way."""
        link = self.stages[0][1]
        return 1 if link is None else link.first

    def goes_along(self, link: Link[Any]) -> bool:
        """Whether a link is part of the way."""
        return any(link is own for _, own in self.stages)

    def lost(self, block: Block, places: Sequence[int], count: int) -> None:
        """Messages were lost in a block, given by their places in the stream that comes into it."""
        stage = self._place_of[block]
        if len(places) != count:
            self.break_off(f"{block} lost a message and did not say which")
        arrivals = self._arrivals[stage]
        for place in places:
            number = arrivals.number(place)
            self._results[stage].add(number)
            self._departures[stage].add(number)
            self._tell(stage, number)

    def rejected(self, block: Block, places: Sequence[int]) -> None:
        """A block has dropped messages after its function, given by their places among those with a result."""
        stage = self._place_of[block]
        numbers = [self._results[stage].number(place) for place in places]
        for number in numbers:
            self._departures[stage].add(number)
            self._tell(stage, number)

    def left(self, block: Block, link: Link[Any] | None, place: int) -> None:
        """A message has left a block along a link, or to a receiver, as number `place` of those that left it."""
        stage = self._place_of[block]
        if link is None or link is not self.stages[stage][1]:
            self._tell(stage, self._departures[stage].number(place))

    def published(self, block: Block, takers: Sequence[Link[Any]], place: int) -> None:
        """A broadcast on the way has given its message number `place` to some of its links."""
        stage = self._place_of[block]
        link = self.stages[stage][1]
        if link is not None and link not in takers:
            self._tell(stage, self._departures[stage].number(place))

    def break_off(self, reason: str) -> None:
        """Nobody can know any more which message has which number."""
        self._breaks(reason)

    def _tell(self, stage: int, number: int) -> None:
        """A number will not come to the blocks behind a stage; what has gone by for good is forgotten."""
        least = self._least()
        for numbering in (*self._arrivals, *self._results, *self._departures):
            numbering.forget(least)
        for later in range(stage + 1, len(self.stages)):
            for numberings in (self._arrivals, self._results, self._departures):
                numberings[later].add(number)
        self._hears(number)
