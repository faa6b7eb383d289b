"""A first-in first-out buffer without a bound."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, TypeVar

from .buffer import Buffer
from .core.queue import Queue
from .core.shape import Shape
from .core.storing import LeftOver

T = TypeVar("T")


class UnboundedBuffer(Buffer[T]):
    """Keeps messages until they are taken, in the order in which they came, however many.

    - Inputs and outputs: takes messages from links and senders; each goes to the first linked target that accepts it,
      or to a receiver.
    - Order: first in, first out.
    - Holds: any number of messages.
    - Back-pressure: none; a send never waits. Bound it with a governor, or use a `BoundedBuffer`.
    - Ends: after its last producer, when it is empty; without any link or declared reader it keeps its messages, to
      be received after the run.
    - Fails: runs no function of the user's but the filters; when its network stops, what it holds is discarded.

    Args:
        filter: Only messages of which this is true are taken; others are declined.
        left_over: What the network does about messages that are still here in the end although something is linked
            to take them: "report" (the default) raises `Stalled`; "keep" leaves them, as the tokens of a pool are.
        name: What reports call the block; by default its class and a number.

    Raises:
        ValueError: `left_over` is neither of the two.
    """

    kind: ClassVar[str] = "unbounded buffer"

    def __init__(
        self,
        *,
        filter: Callable[[T], bool] | None = None,
        left_over: LeftOver = "report",
        name: str | None = None,
    ) -> None:
        super().__init__(filter=filter, left_over=left_over, name=name)

    @property
    def keeps_order(self) -> bool:
        """Messages go out in the order in which they came in."""
        return True

    @property
    def shape(self) -> Shape:
        """Every message goes out as it came in."""
        return Shape(stores=type(self) is UnboundedBuffer, needs_taker=False)

    def _make_queue(self) -> Queue[T]:
        return deque()
