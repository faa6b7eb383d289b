"""A block that collects messages into lists."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import trio

from .base.checks import check_capacity, check_count, check_function, check_number
from .base.timing import LARGEST_BATCH
from .core.block import Block
from .core.carried import Carried
from .core.contexts import plain_all
from .core.inbox import UNBOUNDED, Inbox
from .core.outbox import Outbox
from .core.shape import Shape
from .core.source import Source
from .core.storing import PassageCore
from .core.target import Target
from .core.threads import check_thread
from .core.weigher import Weigher
from .functions.function_block import DEFAULT_CAPACITY

if TYPE_CHECKING:
    from .core.ports import Host

T = TypeVar("T")


class BatchCore(PassageCore, Generic[T]):
    """The core of a batch."""

    __slots__ = ("_alarm", "_cuts", "_due", "_max_items", "_max_seconds", "_size", "_weigher")

    def __init__(
        self,
        facade: Batch[T],
        max_items: int | None,
        max_weight: float | None,
        weight: Callable[[T], float] | None,
        max_seconds: float | None,
        capacity: int | None,
        filter: Callable[[T], bool] | None,
        name: str | None,
    ) -> None:
        super().__init__(facade, name)
        who = str(self)
        check_size(who, max_items, max_weight, weight)
        if max_seconds is not None:
            check_number(who, "max_seconds", max_seconds, above=True)
        check_capacity(who, capacity)
        room = UNBOUNDED if capacity is None else max(capacity, max_items or 1)
        self._max_items: int = max_items or room
        self._max_seconds = max_seconds
        self._weigher = None if weight is None or max_weight is None else Weigher(self, weight, max_weight)
        self._cuts: deque[int] = deque()  # the lengths of the rows of waiting messages that `flush` has cut off
        self._size: int = self._max_items  # the most messages in the next list, which ends at a cut
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
        size, count, outbox = self._size, 1, self.outbox
        if self._weigher is not None:
            size = self._weigher.count
        elif not self._cuts:
            count = max(1, min(room, len(self.inbox.queue) // size))
        taken: Sequence[Any] = self.inbox.take(count * size)
        self.counts["merged"] += len(taken)
        self.counts["produced"] += count
        if self._weigher is not None:
            self._weigher.next_list()
        if self._cuts:
            self._shorten_cut(len(taken))
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
        if not waiting:
            return False
        weigher = self._weigher
        is_full = waiting >= self._size if weigher is None else weigher.is_full(self.inbox.queue, self._size)
        return is_full or self.inbox.closed or (self._due is not None and trio.current_time() >= self._due)

    # By hand

    def flush(self) -> None:
        """End a list after the last message that waits now."""
        waiting = len(self.inbox.queue) - sum(self._cuts)
        if waiting:
            self._cuts.append(waiting)
            self._size = min(self._max_items, self._cuts[0])
            self.wake()

    def _shorten_cut(self, taken: int) -> None:
        """Take messages off the first row, and begin the next one if it is over."""
        self._cuts[0] -= taken
        if not self._cuts[0]:
            self._cuts.popleft()
        self._size = min(self._max_items, self._cuts[0]) if self._cuts else self._max_items

    def end_early(self) -> None:
        super().end_early()
        self._cuts.clear()
        self._size = self._max_items
        if self._weigher is not None:
            self._weigher.forget()

    # By time

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
        """Several messages make one list; with weights, it is not known how many."""
        return Shape(
            group=self._max_items if self._weigher is None else 1,
            group_remedy="lower max_items, or give the batch max_seconds",
            group_is_timed=self._max_seconds is not None,
        )

    def rest(self) -> int:
        """Return how many messages wait in a list that is not full and has no running time limit."""
        waiting = len(self.inbox.queue)
        return waiting if waiting < self._size and not self.outbox.queue and self._alarm is None else 0

    def give_rest(self) -> bool:
        """Hand on a list that is not full, because no more messages come; return whether there was one."""
        if not self.rest():
            return False
        self._due = -math.inf
        self.wake()
        return True


def check_size(who: str, max_items: int | None, max_weight: float | None, weight: Callable[..., float] | None) -> None:
    """Check the arguments that say when a list is full."""
    if max_items is None and weight is None and max_weight is None:
        raise ValueError(f"{who}: give max_items, or max_weight and weight, or all three")
    if max_items is not None:
        check_count(who, "max_items", max_items)
    if weight is not None and max_weight is None:
        raise ValueError(f"{who}: weight needs max_weight, the greatest weight of a list")
    if max_weight is not None:
        if weight is None:
            raise ValueError(f"{who}: max_weight needs weight, a function that returns the weight of a message")
        check_number(who, "max_weight", max_weight, above=True)
    check_function(who, "weight", weight)


class Batch(Block, Target[T], Source[list[T]]):
    """Collects messages into lists until a list is full, time is up, or no more messages will come.

    - Inputs and outputs: takes messages from links and senders; each list goes to the first linked target that
      accepts it, or to a receiver.
    - Order: first in, first out, within and between lists.
    - Holds: up to `capacity` messages (never less than `max_items`) and one list that is not taken yet.
    - Back-pressure: while a list is not taken, no other list is made; when it is full, senders wait and links are
      postponed.
    - Ends: after its last producer, when every list was taken; the last list is short if messages are left over.
    - Fails: calls no user function except filters and `weight`; an exception from these is a fault.

    In the balance, messages count as merged and lists as produced.

    A list is full if it has `max_items` messages. With `weight`, it is also full if its messages weigh `max_weight`
    together, or if the next message would make it heavier. So a list is never heavier than `max_weight`, unless it is a
    single message: a message that weighs more makes a list of its own. Each message is weighed once, after all messages
    before it.

    Args:
        max_items: The number of messages in a full list, >= 1. None, with `weight`, for as many as may wait
            (`capacity`).
        max_weight: The greatest weight of a list, > 0.
        weight: A plain function that returns the weight of a message, >= 0: its bytes, for example, or its words.
        max_seconds: The longest time, in seconds, from the first message of a list until the list goes out, > 0; None
            to wait forever.
        capacity: Up to this many messages wait, >= 1; None for no bound.
        filter: Only messages for which this is true are taken; others are declined.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: A number is out of its range; neither `max_items` nor `weight` is given; or only one of `weight` and
            `max_weight`.
        TypeError: `weight` is not a plain function.
    """

    __slots__ = ()
    kind: ClassVar[str] = "batch"
    _core: BatchCore[T]

    def __init__(
        self,
        max_items: int | None = None,
        *,
        max_weight: float | None = None,
        weight: Callable[[T], float] | None = None,
        max_seconds: float | None = None,
        capacity: int | None = DEFAULT_CAPACITY,
        filter: Callable[[T], bool] | None = None,
        name: str | None = None,
    ) -> None:
        self._core = BatchCore(self, max_items, max_weight, weight, max_seconds, capacity, filter, name)

    def flush(self) -> None:
        """End the list of the messages that wait now, although it is not full, and hand it on; never waits.

        Messages that come later belong to another list. If the last list is not taken yet, this one goes out after it.
        If no message waits, this does nothing: no list is empty.
        """
        check_thread(self._core, "flush")
        self._core.flush()
