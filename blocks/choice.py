"""A block that takes messages from any input that has one."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from .core.inbox import Inbox
from .core.inputs import InputsBlock, InputsCore
from .core.outbox import Outbox
from .core.source import Source

T = TypeVar("T")


@attrs.frozen
class Chosen(Generic[T]):
    """The message that a choice has taken.

    Attributes:
        index: The input that the message came from, counted from 0.
        value: The message.
    """

    index: int
    value: T


class ChoiceCore(InputsCore[Chosen[T]]):
    """The core of a choice."""

    __slots__ = ("_ended", "_stirred")

    def __init__(self, facade: Choice[T], name: str | None) -> None:
        super().__init__(facade, name)
        self._stirred: list[int] = []  # a heap of the inputs that may have a message; checking all costs too much
        self._ended = 0  # the number of exhausted inputs before the first open one

    @property
    def may_overtake(self) -> bool:
        """Return True: the preferred input goes first."""
        return True

    def inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        self._check_not_linked(outbox)
        return self._add_input().inbox

    def stir(self, index: int) -> None:
        """Record that an input may have a message."""
        if not self.inputs[index].is_stirred:
            self.inputs[index].is_stirred = True
            heappush(self._stirred, index)

    def look_at_all(self) -> None:
        """Check the inputs that are preferred to the first input known to have a message."""
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
        """The index of the input that is chosen."""
        index = self._winner()
        assert index is not None
        return index

    def is_ready(self) -> bool:
        return self._winner() is not None

    def look(self) -> Chosen[T]:
        index = self._winner()
        assert index is not None
        return Chosen(index, self.inputs[index].head())

    def take(self) -> Chosen[T]:
        index = self._winner()
        assert index is not None
        item = self.inputs[index].take()
        chosen = Chosen(index, item)
        self.merged_into((item,), chosen)
        return chosen

    def take_run(self, most: int) -> Sequence[Chosen[T]]:
        index = self._winner()
        assert index is not None
        count = min(most, self.inputs[index].ahead())
        if count < 2 or self.tracer is not None:
            return ()
        return [Chosen(index, item) for item in self.inputs[index].take_many(count)]

    def _is_over(self) -> bool:
        while self._ended < len(self.inputs) and self.inputs[self._ended].is_exhausted:
            self._ended += 1
        return 0 < len(self.inputs) == self._ended


class Choice(InputsBlock[Chosen[T]]):
    """Waits until one of several sources has a message, and takes it; messages of the other sources stay there.

    - Inputs and outputs: any number of sources, given or linked later. `Chosen(index, value)` goes to the first linked
      target that accepts it, or to a receiver.
    - Order: if several sources have a message, the first one in argument order always wins.
    - Holds: nothing; it takes a message only when a target or receiver takes it from the choice.
    - Back-pressure: from the target or receiver that takes from the choice.
    - Ends: when all sources are finished.
    - Fails: calls no user function except filters.

    Args:
        sources: The sources, the most preferred first.
        name: The name of the block in reports; by default its class and a number.
    """

    __slots__ = ()
    kind: ClassVar[str] = "choice"
    _core: ChoiceCore[T]

    def __init__(self, *sources: Source[T], name: str | None = None) -> None:
        self._core = ChoiceCore(self, name)
        self._core.link_sources(sources)
