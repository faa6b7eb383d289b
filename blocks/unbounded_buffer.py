"""A first-in first-out buffer without a bound."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, TypeVar

from .buffer import Buffer, BufferCore
from .core.shape import Shape
from .core.storing import LeftOver

T = TypeVar("T")


class UnboundedBuffer(Buffer[T]):
    """Keeps any number of messages until they are taken, in the order in which they came.

    - Inputs and outputs: takes messages from links and senders; each goes to the first linked target that accepts it,
      or to a receiver.
    - Order: first in, first out.
    - Holds: any number of messages.
    - Back-pressure: none; a send never waits. Bound it with a governor, or use a `BoundedBuffer`.
    - Ends: after its last producer, when it is empty; without a link or declared reader it keeps its messages,
      which can be received after the run.
    - Fails: calls no user function except the filters; when its network stops, its messages are discarded.

    Args:
        filter: Only messages for which this is true are taken; others are declined.
        left_over: What the network does if messages are still here in the end although a linked target should take
            them: "report" (the default) raises `Stalled`; "keep" leaves them, for example the tokens of a pool.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `left_over` is not one of the two words.
    """

    kind: ClassVar[str] = "unbounded buffer"

    def __init__(
        self,
        *,
        filter: Callable[[T], bool] | None = None,
        left_over: LeftOver = "report",
        name: str | None = None,
    ) -> None:
        self._core = BufferCore(self, deque(), None, filter, left_over, name)

    @property
    def keeps_order(self) -> bool:
        """Return True: messages go out in the order in which they came in."""
        return True

    @property
    def shape(self) -> Shape:
        """Every message goes out as it came in."""
        return Shape(stores=type(self) is UnboundedBuffer, needs_taker=False)
