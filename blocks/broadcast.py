"""A block that gives every message to every target."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, TypeVar, cast

import attrs

from .base.checks import check_capacity
from .core.contexts import context_of
from .core.fan_out import FanOut
from .core.fan_out_core import FanOutCore
from .core.inbox import Inbox
from .core.shape import Shape
from .core.storing_block import StoringBlock
from .functions.function_block import DEFAULT_CAPACITY

T = TypeVar("T")


class BroadcastOutbox(FanOut[T]):
    """An outbox that publishes the next message when every target has taken the last one."""

    __slots__ = ()
    delivered: int
    published: int

    def flush(self) -> None:
        """Hand messages out in step with the slowest target."""
        self.hand_out_all()
        while self.deliver() and self.queue and self.holder is None and self.links:
            head = self.queue[0]
            context = context_of(self.queue)
            takers = self.publish(head) if context is None else context.run(self.publish, head)
            if not takers:
                self.block.scheduler.declined(self)
                break  # no target wants the message: it stays, and is reported
            self.queue.popleft()
            self.block.counts["produced"] += takers - 1
        if not self.links:
            self.serve()

    def hand_out_all(self) -> None:
        """Hand out many messages at once, if every target takes all messages that fit in."""
        links = self.links
        if not links or not self.queue or self.holder is not None or self.carries:
            return
        if self.behind or any(link.inbox.closed or not link.is_unfiltered for link in links):
            return
        queue = cast("deque[T]", self.queue)
        count = min(len(queue), *(link.inbox.room() for link in links))
        batch = [queue.popleft() for _ in range(count)]
        if (tracer := self.block.tracer) is not None:
            for item in batch:
                tracer.multiply(self.block.name, item, len(links))
        self.block.counts["produced"] += count * (len(links) - 1)
        self.published += count
        for link in links:
            taken = link.push_all(batch) if batch else 0
            self.delivered += taken
            self.fall_behind(link, batch[taken:])  # a governor may let in fewer than fit in

    def has_head(self, accepts: Callable[[T], bool] | None) -> bool:
        """Whether a receiver can take a message; raises an error if the targets would then miss it."""
        if self.links:
            raise RuntimeError(f"{self.block} gives every message to its targets; link a buffer and receive from that")
        return super().has_head(accepts)


class BroadcastCore(FanOutCore[T]):
    """The core of a broadcast."""

    __slots__ = ()
    copies: ClassVar[bool] = True

    def __init__(
        self, facade: Broadcast[T], capacity: int | None, filter: Callable[[T], bool] | None, name: str | None
    ) -> None:
        super().__init__(facade, name)
        queue: deque[T] = deque()
        self.outbox = BroadcastOutbox(self, queue)
        self.inbox: Inbox[T] = Inbox(self, queue, capacity=capacity, filter=filter)

    @property
    def shape(self) -> Shape:
        """Every target gets every message."""
        return attrs.evolve(super().shape, copies=True, needs_taker=True)


class Broadcast(StoringBlock[T]):
    """Gives every message to every linked target, at the pace of the slowest, and loses none.

    - Inputs and outputs: takes messages from links and senders; every target that is linked when a message is handed
      out gets it (the same object: copy it yourself if a target changes it), except targets whose filter declines it
      and complete targets. A message that no target wants stays, and the network reports it.
    - Order: first in, first out, for each target.
    - Holds: up to `capacity` messages, and the one being handed out.
    - Back-pressure: a target without room makes all others wait; when the broadcast is full, senders wait and links are
      postponed.
    - Ends: after its last producer, when every target has everything.
    - Fails: calls no user function except filters.

    In the balance, each copy beyond the first counts as produced.

    Args:
        capacity: Up to this many messages wait, >= 1; None for no bound.
        filter: Only messages for which this is true are taken; others are declined.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `capacity` is less than 1.
    """

    kind: ClassVar[str] = "broadcast"

    def __init__(
        self,
        *,
        capacity: int | None = DEFAULT_CAPACITY,
        filter: Callable[[T], bool] | None = None,
        name: str | None = None,
    ) -> None:
        check_capacity(f"broadcast {name!r}" if name else "a broadcast", capacity)
        self._core = BroadcastCore(self, capacity, filter, name)
