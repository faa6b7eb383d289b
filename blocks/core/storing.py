"""The shared core of blocks that store messages and hand them on unchanged."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, Literal, TypeVar, get_args

from .block_core import BlockCore
from .contexts import ContextQueue
from .inbox import UNBOUNDED, Inbox
from .outbox import Outbox
from .shape import Shape

T = TypeVar("T")
LeftOver = Literal["report", "keep"]


class PassageInbox(Inbox[T]):
    """An inbox that also counts the messages that wait to be handed on."""

    __slots__ = ()
    block: PassageCore  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def room(self) -> int:
        """Return how many more messages fit in."""
        return self.capacity - len(self.queue) - len(self.block.outbox)


class PassageCore(BlockCore):
    """The core of a block with an inbox and an outbox."""

    __slots__ = ("inbox", "outbox")

    def finish(self) -> None:
        super().finish()
        self.outbox.end()

    def abort(self, reason: str) -> None:
        if not self.finished:
            self.mark_broken(reason)
            self.counts["discarded"] += self.inbox.abort(reason) + self.outbox.abort(reason)

    def held(self) -> int:
        return len(self.inbox.queue) + len(self.outbox)

    def carry_contexts(self) -> bool:
        """Keep the context of each message on its way through."""
        if not self.outbox.carries:
            self.inbox.carry(ContextQueue(self.inbox.queue))
            self.outbox.carry(ContextQueue(self.outbox.queue))
        return True

    def inboxes(self) -> Sequence[Inbox[Any]]:
        return (self.inbox,)

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return (self.outbox,)


class StoringCore(PassageCore, Generic[T]):
    """The core of a block with one queue for incoming and outgoing messages."""

    __slots__ = ("_seen", "left_over")

    def __init__(self, facade: Any, name: str | None, left_over: LeftOver = "report") -> None:
        super().__init__(facade, name)
        if left_over not in get_args(LeftOver):
            raise ValueError(f"{self}: left_over must be one of {', '.join(get_args(LeftOver))}, got {left_over!r}")
        self.left_over: LeftOver = left_over
        self._seen = 0  # how many messages had come before the last `loose`

    @property
    def shape(self) -> Shape:
        """The shape of a block that needs no taker; its room is the capacity of a plain inbox."""
        is_plain = type(self.inbox) is Inbox and self.inbox.capacity < UNBOUNDED
        return Shape(needs_taker=False, room=self.inbox.capacity if is_plain else math.inf)

    def carry_contexts(self) -> bool:
        """Keep the context of each message, unless the block has a queue of its own kind; return whether it does."""
        if isinstance(self.inbox.queue, deque) and self.inbox.queue is self.outbox.queue:
            queue = ContextQueue(self.inbox.queue)
            self.inbox.carry(queue)
            self.outbox.carry(queue)
        return self.outbox.carries

    def note_depth(self) -> None:
        self.inbox.note_depth()

    def step(self) -> None:
        self.inbox.begin_step()
        self.outbox.withdraw_credit()
        self.inbox.note_depth()
        self.outbox.flush()
        self.inbox.serve_waiting()
        if self.inbox.closed:
            self._try_to_finish()

    def _try_to_finish(self) -> None:
        if self.finished:
            self.outbox.release_targets()
        elif not len(self.outbox) or self.host is None or self.keeps_results():
            self.finish()

    def keeps_results(self) -> bool:
        """Whether nothing in the network takes the stored messages, so that the user reads them after the run."""
        outbox = self.outbox
        return not (outbox.links or outbox.readers or outbox.receivers or outbox.holder)

    def arrived(self) -> None:
        outbox = self.outbox
        outbox.withdraw_credit()
        if outbox.links:
            self.wake()
        elif outbox.receivers.waiters:
            outbox.serve()
            if self.inbox.postponed or self.inbox.senders or self.governed:  # there may be room again
                self.wake()

    def needs_no_wake(self) -> bool:
        return self.queued or not (self.outbox.links or self.outbox.receivers.waiters)

    def item_taken(self) -> None:
        inbox = self.inbox
        if inbox.senders.waiters or inbox.postponed:
            inbox.withdraw_credit()
            inbox.serve_waiting()
        if inbox.closed and not len(self.outbox):
            self.wake()
        self.notify_governors()

    def loose(self) -> int:
        """Return all but the last message; none if receives alternate with sends, or if anything waits or observes."""
        inbox, outbox = self.inbox, self.outbox
        before, self._seen = self._seen, inbox.accepted
        if 0 < self._seen - before < 3 or type(inbox.queue) is not deque or type(outbox) is not Outbox:
            return 0
        if outbox.links or inbox.senders.waiters or inbox.postponed or self.governed or self.tracer is not None:
            return 0
        inbox.withdraw_credit()
        return len(inbox.queue) - 1

    def room_is_awaited(self) -> None:
        self.outbox.withdraw_credit()

    def link_comes(self) -> None:
        self.inbox.withdraw_credit()
        self.outbox.withdraw_credit()

    def receiver_comes(self) -> None:
        self.inbox.withdraw_credit()

    def held(self) -> int:
        return len(self.outbox)

    def undelivered(self) -> int:
        return 0 if self.left_over == "keep" or self.keeps_results() else self.held()

    def complete_circle(self) -> None:
        """Take no more input; also finish, if the stored messages are meant to stay."""
        super().complete_circle()
        if self.left_over == "keep" and not self.finished:
            self.finish()
            self.outbox.let_go()
