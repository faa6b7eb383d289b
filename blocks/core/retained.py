"""The shared core of blocks that keep one value; reading does not remove it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import trio

from ..base.in_trio import check_in_trio
from .fan_out import FanOut
from .inbox import Inbox
from .link import Link
from .queue import Queue
from .shape import Shape
from .storing import StoringCore
from .waiting import WaitList

T = TypeVar("T")


class RetainedOutbox(FanOut[T]):
    """Gives the current value to every receiver, and every value to every link."""

    __slots__ = ("changes", "version")
    holder: object
    queue: Queue[T]

    def __init__(self, block: RetainingCore[T], queue: deque[T]) -> None:
        super().__init__(block, queue)
        self.version: int = 0
        self.changes: WaitList[None] = WaitList()

    def set(self, value: T) -> None:
        """Replace the value and give it to the waiters."""
        if self.queue:
            self.queue.popleft()
            self.block.counts["dropped:overwritten"] += 1  # every link has a copy of its own
        self.queue.append(value)
        self.version += 1
        self.block.counts["produced"] += self.publish(value)  # copies; the value itself stays
        for waiter in self.changes:
            self.changes.wake(waiter, value)
        self.serve()

    def serve(self) -> None:
        """Give the value to the receivers that accept it."""
        for waiter in self.receivers:
            if self.queue and self.accepts(waiter, self.queue[0]):
                self.receivers.wake(waiter, self.queue[0])

    def has_head(self, accepts: Callable[[T], bool] | None) -> bool:
        """Whether there is a value that the filter accepts, also after the block has ended."""
        self.touch()
        if self.queue and (accepts is None or self.passes(accepts, self.queue[0])):
            return True
        return super().has_head(accepts)

    def pop(self) -> T:
        """Return the value; it stays."""
        self._was_looked_at()
        return self.queue[0]

    def _was_looked_at(self) -> None:
        """Count a received item for the task that used the block last; the value itself is not traced."""
        network = self.block.host
        if network is not None and network.measures.last_actor is not None:
            network.measures.last_actor.received += 1

    def consume(self, holder: object) -> T:
        """Return the reserved value; it stays."""
        self._check_holder(holder, "consume")
        self.holder = None
        self._was_looked_at()
        return self.queue[0]

    def greet(self, link: Link[T]) -> None:
        """Give a new link the current value."""
        super().greet(link)
        if self.queue and link.wants(self.queue[0]):
            link.first = self.published
            self.fall_behind(link, (self.queue[0],))
            self.block.counts["produced"] += 1
            self.block.wake()

    def end(self) -> None:
        """Tell receivers and targets that no other value will come."""
        self.ended = True
        for waiter in self.changes:
            self.changes.fail(waiter, trio.EndOfChannel(f"{self.block} is finished"))
        self.end_receivers()
        self.release_targets()

    def abort(self, reason: str) -> int:
        """Drop everything but the value because the network stops; the value can still be read."""
        for waiter in self.changes:
            self.changes.fail(waiter, trio.BrokenResourceError(f"{self.block} will not change: {reason}"))
        empty: deque[T] = deque()
        value, self.queue = self.queue, empty
        discarded = super().abort(reason)
        self.queue = value
        return discarded


class RetainingInbox(Inbox[T]):
    """Hands every message on to the outbox at once."""

    __slots__ = ("outbox",)

    def __init__(self, outbox: RetainedOutbox[T], filter: Callable[[T], bool] | None = None) -> None:
        super().__init__(outbox.block, deque(), filter=filter)
        self.outbox: RetainedOutbox[T] = outbox
        self.takes_one_by_one()

    def store(self, message: T) -> None:
        """Make the message the current value."""
        self._accepted += 1
        self.outbox.set(message)
        self.block.wake()


class RetainingCore(StoringCore[T]):
    """The core of a block whose value can be read any number of times."""

    __slots__ = ()
    outbox: RetainedOutbox[T]
    keeps_value = True
    copies = True

    def __init__(self, facade: Any, filter: Callable[[T], bool] | None, name: str | None) -> None:
        super().__init__(facade, name)
        self.outbox = RetainedOutbox(self, deque())
        self.inbox: Inbox[T] = self._make_inbox(self.outbox, filter)

    @property
    def keeps_order(self) -> bool:
        """True, because every link gets every value in order."""
        return True

    def _make_inbox(self, outbox: RetainedOutbox[T], filter: Callable[[T], bool] | None) -> RetainingInbox[T]:
        return RetainingInbox(outbox, filter)

    @property
    def shape(self) -> Shape:
        """A shape that needs no taker."""
        return Shape(needs_taker=False)

    async def wait_changed(self) -> T:
        """Wait for the next value that is set after this call, and return it."""
        outbox = self.outbox
        check_in_trio("wait for a change of", self)
        await trio.lowlevel.checkpoint_if_cancelled()
        if self.broken is not None:
            raise trio.BrokenResourceError(f"{self} will not change: {self.broken}")
        if outbox.ended:
            raise trio.EndOfChannel(f"{self} is finished and will not change")
        if self.host is not None:
            self.host.current_actor(self)
        value: T = await outbox.changes.park(self, "see a change", None)
        return value

    def step(self) -> None:
        everything_taken = self.outbox.deliver()
        if self.inbox.closed and not self.finished and (everything_taken or self.host is None):
            self.finish()
        elif self.finished:
            self.outbox.release_targets()

    def held(self) -> int:
        return len(self.outbox) + self.outbox.waiting_copies()

    def in_flight(self) -> int:
        """How many copies the targets have not taken; the value itself does not count."""
        return self.outbox.waiting_copies()

    def undelivered(self) -> int:
        return self.outbox.waiting_copies()
