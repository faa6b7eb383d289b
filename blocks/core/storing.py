"""The shared core of blocks that store messages and hand them on unchanged."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, Literal, TypeVar, get_args

from .block import Block
from .contexts import ContextQueue
from .inbox import UNBOUNDED, Inbox
from .outbox import Outbox
from .shape import Shape
from .source import Source
from .target import Target

T = TypeVar("T")
LeftOver = Literal["report", "keep"]


class Passage(Block):
    """A block with an inbox and an outbox."""

    __slots__ = ("_inbox", "_outbox")
    _inbox: Inbox[Any]
    _outbox: Outbox[Any]

    def _finish(self) -> None:
        super()._finish()
        self._outbox.end()

    def _abort(self, reason: str) -> None:
        if not self._finished:
            self._broken = reason
            self._counts["discarded"] += self._inbox.abort(reason) + self._outbox.abort(reason)

    def _held(self) -> int:
        return len(self._inbox.queue) + len(self._outbox)

    def _ins(self) -> Sequence[Inbox[Any]]:
        return (self._inbox,)

    def _outs(self) -> Sequence[Outbox[Any]]:
        return (self._outbox,)


class StoringBlock(Passage, Target[T], Source[T]):
    """A block with one queue for incoming and outgoing messages."""

    __slots__ = ("left_over",)

    def __init__(self, inbox: Inbox[T], outbox: Outbox[T], name: str | None, left_over: LeftOver = "report") -> None:
        super().__init__(name)
        self._inbox: Inbox[T] = inbox
        self._outbox: Outbox[T] = outbox
        if left_over not in get_args(LeftOver):
            raise ValueError(f"{self}: left_over must be one of {', '.join(get_args(LeftOver))}, got {left_over!r}")
        self.left_over: LeftOver = left_over

    def __len__(self) -> int:
        """How many messages are stored."""
        return len(self._outbox)

    def __bool__(self) -> bool:
        return True  # so that an empty buffer is not mistaken for "no buffer"

    @property
    def shape(self) -> Shape:
        """The shape of a block that needs no taker; its room is the capacity of a plain inbox."""
        is_plain = type(self._inbox) is Inbox and self._inbox.capacity < UNBOUNDED
        return Shape(needs_taker=False, room=self._inbox.capacity if is_plain else math.inf)

    def carry_contexts(self) -> bool:
        """Keep the context of each message, unless the block has a queue of its own kind; return whether it does."""
        if isinstance(self._inbox.queue, deque) and self._inbox.queue is self._outbox.queue:
            queue = ContextQueue(self._inbox.queue)
            self._inbox.carry(queue)
            self._outbox.carry(queue)
        return self._outbox.carries

    def _note_depth(self) -> None:
        self._inbox.note_depth()

    def _step(self) -> None:
        self._inbox.begin_step()
        self._inbox.note_depth()
        self._outbox.flush()
        self._inbox.admit()
        if self._inbox.closed:
            self._try_to_finish()

    def _try_to_finish(self) -> None:
        if self._finished:
            self._outbox.release_targets()
        elif not len(self._outbox) or self._network is None or self._keeps_results():
            self._finish()

    def _keeps_results(self) -> bool:
        """Whether nothing in the network takes the stored messages, so that the user reads them after the run."""
        outbox = self._outbox
        return not (outbox.links or outbox.readers or outbox.receivers or outbox.holder)

    def _arrived(self) -> None:
        outbox = self._outbox
        if outbox.links:
            self._wake()
        elif outbox.receivers:
            outbox.serve()
            if self._inbox.postponed or self._inbox.senders or self._governed:  # there may be room again
                self._wake()

    def _needs_no_wake(self) -> bool:
        return self._queued or not (self._outbox.links or self._outbox.receivers)

    def _departed(self) -> None:
        inbox = self._inbox
        if inbox.senders or inbox.postponed:
            inbox.revoke()
            inbox.admit()
        if inbox.closed and not len(self._outbox):
            self._wake()
        self._changed()

    def _link_comes(self) -> None:
        self._inbox.revoke()

    def _receiver_comes(self) -> None:
        self._inbox.revoke()

    def _held(self) -> int:
        return len(self._outbox)

    def _stuck(self) -> int:
        return 0 if self.left_over == "keep" or self._keeps_results() else self._held()

    def complete_circle(self) -> None:
        """Take no more input; also finish, if the stored messages are meant to stay."""
        super().complete_circle()
        if self.left_over == "keep" and not self._finished:
            self._finish()
            self._outbox.let_go()
