"""The last block of a pipeline that a program outside of trio iterates over."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar

import trio

from penstock.blocks import Block, Shape, Target
from penstock.blocks.core.block import Unmade
from penstock.blocks.core.block_core import BlockCore
from penstock.blocks.core.inbox import Inbox
from penstock.blocks.core.outbox import Outbox

from .hand_over import HandOver

T = TypeVar("T")


class OutletInbox(Inbox[T]):
    """An inbox that also counts the items which the consumer has and has not released."""

    __slots__ = ()
    block: OutletCore[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def room(self) -> int:
        """Return how many more items fit in."""
        return max(0, self.capacity - len(self.queue) - self.block.out)


class OutletCore(BlockCore, Generic[T]):
    """The core of an outlet.

    Attributes:
        out: How many items were handed over and not released yet.
    """

    __slots__ = ("_hand_over", "_is_busy", "inbox", "out", "outbox")

    def __init__(self, facade: Outlet[T], hand_over: HandOver[T], name: str) -> None:
        super().__init__(facade, name)
        self.made: Unmade | None = None
        self.out: int = 0
        self._hand_over = hand_over
        self._is_busy = False
        self.inbox: Inbox[T] = OutletInbox(self, deque(), capacity=hand_over.bound)
        self.outbox: Outbox[T] = Outbox(self, deque())  # always empty

    @property
    def shape(self) -> Shape:
        """No messages come out."""
        return Shape(needs_taker=False)

    def begin(self) -> None:
        token = trio.lowlevel.current_trio_token()

        def tell() -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(self.wake, idempotent=True)

        self._hand_over.open(tell)
        super().begin()

    def step(self) -> None:
        inbox = self.inbox
        inbox.begin_step()
        self._collect()
        self._put()
        inbox.serve_waiting()
        self._note_consumer()
        if inbox.closed and not self.held() and not self.finished:
            self.finish()

    def change_bound(self, bound: int) -> None:
        """Change how many items may be handed over and not released."""
        self._hand_over.change_bound(bound)
        self.inbox.capacity = self._hand_over.bound
        self.wake()

    def _put(self) -> None:
        """Hand over the items that wait."""
        inbox = self.inbox
        if inbox.queue:
            items = list(inbox.take(len(inbox.queue)))
            self.out += len(items)
            if (tracer := self.tracer) is not None:
                tracer.forget(self.name, items)
            self._hand_over.put(items)

    def _collect(self) -> None:
        """Count the items that the consumer has released."""
        released = self._hand_over.released()
        self.out -= released
        self.counts["consumed"] += released

    def _note_consumer(self) -> None:
        """Tell the network whether the consumer has items, so that it may go on."""
        is_busy = self.out > 0
        if self.host is not None and is_busy is not self._is_busy:
            self._is_busy = is_busy
            self.host.busy_count += 1 if is_busy else -1
            if not is_busy:
                self.host.pump.wake()

    def why_waiting(self) -> str:
        return f"the program has {self.out} results, and takes no more now"

    def abort(self, reason: str) -> None:
        self.mark_broken(reason)
        self.inbox.withdraw_credit()
        self._collect()
        self._put()  # after a fault, the consumer still gets what came before it
        unread = self._hand_over.unread()
        self.counts["consumed"] += self.out - unread
        self.counts["discarded"] += unread + self.inbox.abort(reason)
        self.out = 0
        self._note_consumer()

    def held(self) -> int:
        return len(self.inbox.queue) + self.out

    def inboxes(self) -> Sequence[Inbox[Any]]:
        return (self.inbox,)

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return (self.outbox,)


class Outlet(Block, Target[T]):
    """Hands the results of a network to a consumer in another thread. Works in a network only.

    - Inputs and outputs: takes messages from links and senders; has no output in the network.
    - Order: first in, first out.
    - Holds: up to the bound of the hand-over, with the items that the consumer has taken last.
    - Back-pressure: when it is full, senders wait and links are postponed.
    - Ends: after its last producer, when the consumer has released the last item.
    - Fails: calls no user function.
    """

    __slots__ = ()
    kind: ClassVar[str] = "outlet"
    _core: OutletCore[T]

    def __init__(self, hand_over: HandOver[T], name: str = "results") -> None:
        self._core = OutletCore(self, hand_over, name)

    def change_bound(self, bound: int) -> None:
        """Change how many items it holds at most."""
        self._core.change_bound(bound)
