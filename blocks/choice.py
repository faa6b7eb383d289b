"""A block that takes a message from whichever of its inputs has one."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from .core.inbox import Inbox
from .core.inputs import InputsBlock
from .core.outbox import Outbox
from .core.source import Source

T = TypeVar("T")


@attrs.frozen
class Chosen(Generic[T]):
    """What a choice has chosen.

    Attributes:
        index: Which input the message came from, counted from 0.
        value: The message.
    """

    index: int
    value: T


class Choice(InputsBlock[Chosen[T]]):
    """Waits until one of several sources has a message, and takes that one; the others' stay where they are.

    - Inputs and outputs: any number of sources, given or linked later. Gives `Chosen(index, value)`, to the first
      linked target that accepts it, or to a receiver.
    - Order: if several sources have a message, the first in argument order wins, each time.
    - Holds: nothing; it takes a message when somebody takes it from the choice.
    - Back-pressure: that of whoever takes from the choice.
    - Ends: when all sources are finished.
    - Fails: runs no function of the user's but filters.

    Args:
        sources: What to choose from, the most preferred first.
        name: What reports call the block; by default its class and a number.
    """

    __slots__ = ("_ended", "_stirred")
    kind: ClassVar[str] = "choice"

    def __init__(self, *sources: Source[T], name: str | None = None) -> None:
        super().__init__(name)
        self._stirred: list[int] = []  # a heap of the inputs that may have a message: looking at all costs too much
        self._ended = 0  # so many inputs, from the first on, are exhausted
        self._link_sources(sources)

    @property
    def may_overtake(self) -> bool:
        """The preferred input goes first."""
        return True

    def _inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        self._check_not_linked(outbox)
        return self._add_input().inbox

    def stir(self, index: int) -> None:
        """An input may have a message."""
        if not self.inputs[index].is_stirred:
            self.inputs[index].is_stirred = True
            heappush(self._stirred, index)

    def look_at_all(self) -> None:
        """Look at the inputs that go before those which are known to have a message."""
        first = self._stirred[0] if self._stirred else len(self.inputs)
        for port in self.inputs[self._ended : first]:
            if port.has_message():
                self.stir(port.index)
                return

    def _winner(self) -> int | None:
        while self._stirred:
            port = self.inputs[self._stirred[0]]
            if port.has_message():
                return port.index
            port.is_stirred = False
            heappop(self._stirred)
        return None

    def leading_input(self) -> int:
        """The input that is chosen."""
        index = self._winner()
        assert index is not None
        return index

    def _is_ready(self) -> bool:
        return self._winner() is not None

    def _look(self) -> Chosen[T]:
        index = self._winner()
        assert index is not None
        return Chosen(index, self.inputs[index].head())

    def _take(self) -> Chosen[T]:
        index = self._winner()
        assert index is not None
        item = self.inputs[index].take()
        chosen = Chosen(index, item)
        self._became((item,), chosen)
        return chosen

    def _is_over(self) -> bool:
        while self._ended < len(self.inputs) and self.inputs[self._ended].is_exhausted:
            self._ended += 1
        return 0 < len(self.inputs) == self._ended
