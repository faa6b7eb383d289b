"""The public part of blocks that store messages and hand them on unchanged."""

from __future__ import annotations

from typing import Any, TypeVar

from .block import Block
from .source import Source
from .storing import LeftOver, StoringCore
from .target import Target

T = TypeVar("T")


class StoringBlock(Block, Target[T], Source[T]):
    """A block with one queue for incoming and outgoing messages."""

    __slots__ = ()

    def __len__(self) -> int:
        """Return how many messages are stored."""
        return len(self._core.outbox)

    def __bool__(self) -> bool:
        return True  # so that an empty buffer is not mistaken for "no buffer"

    @property
    def left_over(self) -> LeftOver:
        """What the network does with messages that are still here at the end."""
        core: StoringCore[Any] = self._core
        return core.left_over
