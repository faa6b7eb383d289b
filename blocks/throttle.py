"""A block that hands messages on at up to a rate."""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Generic, TypeVar

import attrs

from .base.checks import check_capacity
from .base.statistics import BlockStatistics
from .base.timing import LARGEST_BATCH
from .core.block import Block
from .core.inbox import Inbox
from .core.outbox import Outbox
from .core.rate import Rate, as_rate
from .core.source import Source
from .core.storing import PassageCore, PassageInbox
from .core.target import Target
from .functions.function_block import DEFAULT_CAPACITY
from .functions.pacing import Pacing

T = TypeVar("T")


class ThrottleCore(PassageCore, Generic[T]):
    """The core of a throttle."""

    __slots__ = ("_pacing",)

    def __init__(self, facade: Throttle[T], rate: Rate | float, capacity: int | None, name: str | None) -> None:
        super().__init__(facade, name)
        limit = as_rate(str(self), rate)
        if limit is None:
            raise TypeError(f"{self}: rate must be a Rate, or the number of messages per second, got None")
        check_capacity(str(self), capacity)
        self._pacing = Pacing(self, limit, None)
        self.outbox: Outbox[T] = Outbox(self, deque())
        self.inbox: Inbox[T] = PassageInbox(self, deque(), capacity=capacity, filter=None)

    @property
    def rate(self) -> Rate:
        """The rate at which messages are handed on."""
        return self._pacing.rate

    @property
    def keeps_order(self) -> bool:
        """Return True: messages go out in the order in which they came in."""
        return True

    def begin(self) -> None:
        self._pacing.begin()
        super().begin()

    def step(self) -> None:
        if self.host is None or self.host.is_stopping:
            return
        inbox, outbox = self.inbox, self.outbox
        inbox.begin_step()
        outbox.flush()
        if inbox.queue and not outbox.queue:
            most = min(len(inbox.queue), LARGEST_BATCH)
            count = 0
            while count < most and self._pacing.start():
                count += 1
            if count:
                outbox.emit(list(inbox.take(count)))
        self._pacing.stepped()
        inbox.serve_waiting()
        if inbox.queue and not outbox.queue and not self._pacing.waits:
            self.wake()
        if inbox.closed and not self.held() and not self.finished:
            self.finish()

    def finish(self) -> None:
        super().finish()
        self._pacing.close()

    def abort(self, reason: str) -> None:
        super().abort(reason)
        self._pacing.close()

    def measured(self, seconds: float) -> BlockStatistics:
        return attrs.evolve(super().measured(seconds), wait_for_rate=self._pacing.waits_for_rate)


class Throttle(Block, Target[T], Source[T]):
    """Hands messages on unchanged, at up to a rate. Works in a network only.

    Use it in front of an agent or behind a source. A block with a function has `rate=` instead, which also counts
    further tries of failed items.

    - Inputs and outputs: takes messages from links and senders; each goes to the first linked target that accepts it,
      or to a receiver.
    - Order: first in, first out.
    - Holds: up to `capacity` messages.
    - Back-pressure: when it is full, senders wait and links are postponed. While messages are not taken, no further one
      is let through.
    - Ends: after its last producer, when every message was taken.
    - Fails: calls no user function except filters.

    Args:
        rate: A `Rate`, or the number of messages per second, > 0. Blocks with the same `Rate` share its limit.
        capacity: Up to this many messages wait, >= 1; None for no bound.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: A number is out of its range.
        TypeError: `rate` is neither a rate nor a number.
    """

    __slots__ = ()
    kind: ClassVar[str] = "throttle"
    _core: ThrottleCore[T]

    def __init__(self, rate: Rate | float, *, capacity: int | None = DEFAULT_CAPACITY, name: str | None = None) -> None:
        self._core = ThrottleCore(self, rate, capacity, name)
