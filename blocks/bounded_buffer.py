"""A first-in first-out buffer with a bound; the user chooses what happens when it is full."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, Literal, TypeVar, cast, get_args

import attrs

from .base.checks import check_capacity
from .base.message_status import MessageStatus
from .core.inbox import Inbox
from .core.outbox import Outbox
from .core.owner import Feed
from .core.shape import Shape
from .core.storing import LeftOver, StoringCore
from .core.storing_block import StoringBlock

T = TypeVar("T")
Overflow = Literal["wait", "reject", "drop_oldest", "drop_newest"]


class OverflowInbox(Inbox[T]):
    """An inbox that rejects or drops messages when it is full, instead of making senders wait."""

    __slots__ = ("outbox", "overflow")

    def __init__(
        self,
        outbox: Outbox[T],
        queue: deque[T],
        overflow: Overflow,
        capacity: int,
        filter: Callable[[T], bool] | None,
    ) -> None:
        super().__init__(outbox.block, queue, capacity=capacity, filter=filter)
        self.outbox: Outbox[T] = outbox
        self.overflow = overflow
        self.takes_one_by_one()

    def refuse(self, message: T, link: Feed | None) -> MessageStatus:
        """Answer an offer when there is no room."""
        if self.gate is not None and self.room() >= 1:  # senders always wait for a governor
            return super().refuse(message, link)
        if self.overflow == "reject":
            super().refuse(message, link)  # the link may try again when there is room
            return MessageStatus.DECLINED
        self.withdraw_credit()
        self._accepted += 1
        queue = cast("deque[T]", self.queue)
        oldest = int(self.outbox.holder is not None)  # a reserved head is kept
        place = self.accepted  # the number of the new message among those that came
        if self.overflow == "drop_oldest" and len(queue) > oldest:
            place -= len(queue) - oldest
            dropped = queue[oldest]
            del queue[oldest]
            queue.append(message)
        else:
            dropped = message
        self.block.drop(self.overflow.removeprefix("drop_"), (dropped,), (place,))
        return MessageStatus.ACCEPTED


class BoundedCore(StoringCore[T]):
    """The core of a bounded buffer."""

    __slots__ = ()

    def __init__(
        self,
        facade: BoundedBuffer[T],
        capacity: int,
        overflow: Overflow,
        filter: Callable[[T], bool] | None,
        left_over: LeftOver,
        name: str | None,
    ) -> None:
        super().__init__(facade, name, left_over)
        queue: deque[T] = deque()
        self.outbox: Outbox[T] = Outbox(self, queue)
        self.inbox: Inbox[T]
        if overflow == "wait":
            self.inbox = Inbox(self, queue, capacity=capacity, filter=filter)
        else:
            self.inbox = OverflowInbox(self.outbox, queue, overflow, capacity, filter)

    @property
    def keeps_order(self) -> bool:
        """Return True: messages go out in the order in which they came in."""
        return True

    @property
    def shape(self) -> Shape:
        """Every message goes out as it came in, unless some are rejected or dropped."""
        is_plain = type(self.inbox) is Inbox
        return attrs.evolve(super().shape, stores=is_plain and type(self.facade) is BoundedBuffer)

    def _describe_held(self) -> str:
        return f"{self.held()} of {self.inbox.capacity} held"


class BoundedBuffer(StoringBlock[T]):
    """Keeps up to `capacity` messages until they are taken, in the order in which they came.

    - Inputs and outputs: takes messages from links and senders; each goes to the first linked target that accepts it,
      or to a receiver.
    - Order: first in, first out.
    - Holds: up to `capacity` messages.
    - Back-pressure: by `overflow`. "wait": senders wait, links are postponed. "reject": a send raises `Declined`, a
      linked source offers the message to its next target. "drop_oldest" and "drop_newest": a message is dropped and
      counted under that reason.
    - Ends: after its last producer, when it is empty; without a link or declared reader it keeps its messages,
      which can be received after the run.
    - Fails: calls no user function except the filters; when its network stops, its messages are discarded.

    Args:
        capacity: Up to this many messages, >= 1.
        overflow: What happens to a message that comes while the buffer is full.
        filter: Only messages for which this is true are taken; others are declined.
        left_over: What the network does if messages are still here in the end although a linked target should take
            them: "report" (the default) raises `Stalled`; "keep" leaves them, for example the tokens of a pool.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `capacity` is less than 1, or `overflow` or `left_over` is not one of its words.
    """

    kind: ClassVar[str] = "bounded buffer"
    _core: BoundedCore[T]

    def __init__(
        self,
        capacity: int,
        *,
        overflow: Overflow = "wait",
        filter: Callable[[T], bool] | None = None,
        left_over: LeftOver = "report",
        name: str | None = None,
    ) -> None:
        who = f"bounded buffer {name!r}" if name else "bounded buffer"
        check_capacity(who, capacity)
        if capacity is None:
            raise ValueError(f"{who}: capacity must be an int >= 1; for no bound use an UnboundedBuffer")
        if overflow not in get_args(Overflow):
            raise ValueError(f"{who}: overflow must be one of {', '.join(get_args(Overflow))}, got {overflow!r}")
        self._core = BoundedCore(self, capacity, overflow, filter, left_over, name)

    @property
    def capacity(self) -> int:
        """The number of messages that fit in."""
        return self._core.inbox.capacity
