"""A block that takes a message from whichever of its inputs has one."""

from __future__ import annotations

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

    __slots__ = ()
    kind: ClassVar[str] = "choice"

    def __init__(self, *sources: Source[T], name: str | None = None) -> None:
        super().__init__(name)
        self._link_sources(sources)

    @property
    def may_overtake(self) -> bool:
        """The preferred input goes first."""
        return True

    def _inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        self._check_not_linked(outbox)
        return self._add_input().inbox

    def _winner(self) -> int | None:
        return next((port.index for port in self.inputs if port.has_message()), None)

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
        return bool(self.inputs) and all(port.is_exhausted for port in self.inputs)
