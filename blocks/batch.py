"""A block that collects messages into lists."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import trio

from .base.checks import check_capacity, check_number
from .base.timing import LARGEST_BATCH
from .core.block import Block
from .core.carried import Carried
from .core.contexts import plain_all
from .core.inbox import Inbox
from .core.outbox import Outbox
from .core.shape import Shape
from .core.source import Source
from .core.storing import PassageCore
from .core.target import Target
from .functions.function_block import DEFAULT_CAPACITY

if TYPE_CHECKING:
    from .core.ports import Host

T = TypeVar("T")


class BatchCore(PassageCore, Generic[T]):
    """The core of a batch."""

    __slots__ = ("_alarm", "_due", "_max_items", "_max_seconds")

    def __init__(
        self,
        facade: Batch[T],
        max_items: int,
        max_seconds: float | None,
        capacity: int | None,
        filter: Callable[[T], bool] | None,
        name: str | None,
    ) -> None:
        super().__init__(facade, name)
        if not isinstance(max_items, int) or isinstance(max_items, bool) or max_items < 1:
            raise ValueError(f"{self}: max_items must be an int >= 1, got {max_items!r}")
        if max_seconds is not None:
            check_number(str(self), "max_seconds", max_seconds, above=True)
        check_capacity(str(self), capacity)
        self._max_items = max_items
        self._max_seconds = max_seconds
        room = None if capacity is None else max(capacity, max_items)
        self.inbox: Inbox[T] = Inbox(self, deque(), capacity=room, filter=filter)
        self.outbox: Outbox[list[T]] = Outbox(self, deque())
        self._due: float | None = None
        self._alarm: trio.CancelScope | None = None

    def step(self) -> None:
        inbox, outbox = self.inbox, self.outbox
        inbox.begin_step()
        outbox.flush()
        while not outbox.queue and self._is_due():
            self._give(self._room())
            self._due = None
        inbox.serve_waiting()
        if inbox.queue and self._max_seconds is not None and self.host is not None:
            self._keep_time(self._max_seconds, self.host)
        else:
            self._stop_alarm()
        if inbox.closed and not self.held() and not self.finished:
            self.finish()

    def _room(self) -> int:
        """How many lists to make at once: as many as the target takes, or one if they go one by one."""
        links = self.outbox.links
        is_plain = len(links) == 1 and links[0].inbox.takes_runs and not self.outbox.carries
        return min(links[0].inbox.room(), LARGEST_BATCH) if is_plain else 1

    def _give(self, room: int) -> None:
        """Make lists of waiting messages, at least one, and hand them on."""
        size, outbox = self._max_items, self.outbox
        count = max(1, min(room, len(self.inbox.queue) // size))
        taken: Sequence[Any] = self.inbox.take(count * size)
        self.counts["merged"] += len(taken)
        self.counts["produced"] += count
        if outbox.carries:
            batch = plain_all(taken)
            self.merged_into(batch, batch)
            outbox.emit(cast("list[list[T]]", [Carried(batch, taken[0].context)]))
            return
        items = list(taken)
        batches = [items] if count == 1 else [items[start : start + size] for start in range(0, len(items), size)]
        if self.tracer is not None:
            for batch in batches:
                self.merged_into(batch, batch)
        outbox.emit(batches)

    def _is_due(self) -> bool:
        waiting = len(self.inbox.queue)
        if not waiting or waiting >= self._max_items or self.inbox.closed:
            return waiting > 0
        return self._due is not None and trio.current_time() >= self._due

    def _keep_time(self, seconds: float, network: Host) -> None:
        """Set an alarm that steps the block when the current list is due; one alarm serves all lists."""
        now = trio.current_time()
        if self._due is None:
            self._due = now + seconds
        if self._alarm is None and not self.outbox.queue:  # when a waiting list is taken, the block is stepped anyway
            self._alarm = network.after(self._due - now, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.wake()

    def _stop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    @property
    def shape(self) -> Shape:
        """Several messages make one list."""
        return Shape(
            group=self._max_items,
            group_remedy="lower max_items, or give the batch max_seconds",
            group_is_timed=self._max_seconds is not None,
        )

    def rest(self) -> int:
        """Return how many messages wait in a list that is not full and has no running time limit."""
        waiting = len(self.inbox.queue)
        return waiting if waiting < self._max_items and not self.outbox.queue and self._alarm is None else 0

    def give_rest(self) -> bool:
        """Hand on a list that is not full, because no more messages come; return whether there was one."""
        if not self.rest():
            return False
        self._due = -math.inf
        self.wake()
        return True


class Batch(Block, Target[T], Source[list[T]]):
    """Collects messages into lists of `max_items`, or into shorter lists when time is up or no more will come.

    - Inputs and outputs: takes messages from links and senders; each list goes to the first linked target that
      accepts it, or to a receiver.
    - Order: first in, first out, within and between lists.
    - Holds: up to `capacity` messages (never less than `max_items`) and one list that is not taken yet.
    - Back-pressure: while a list is not taken, no other list is made; when it is full, senders wait and links are
      postponed.
    - Ends: after its last producer, when every list was taken; the last list is short if messages are left over.
    - Fails: calls no user function except filters.

    In the balance, messages count as merged and lists as produced.

    Args:
        max_items: The number of messages in a full list, >= 1.
        max_seconds: The longest time, in seconds, from the first message of a list until the list goes out, > 0; None
            to wait forever.
        capacity: Up to this many messages wait, >= 1; None for no bound.
        filter: Only messages for which this is true are taken; others are declined.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: A number is out of its range.
    """

    __slots__ = ()
    kind: ClassVar[str] = "batch"
    _core: BatchCore[T]

    def __init__(
        self,
        max_items: int,
        *,
        max_seconds: float | None = None,
        capacity: int | None = DEFAULT_CAPACITY,
        filter: Callable[[T], bool] | None = None,
        name: str | None = None,
    ) -> None:
        self._core = BatchCore(self, max_items, max_seconds, capacity, filter, name)
