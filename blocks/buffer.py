"""The base of blocks that store messages and hand them on unchanged; also the base for buffers of your own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

from .core.block import Block
from .core.inbox import Inbox
from .core.outbox import Outbox
from .core.queue import Queue
from .core.source import Source
from .core.target import Target

T = TypeVar("T")
LeftOver = Literal["report", "keep"]


class Passage(Block):
    """A block that holds what came in and what is to go out, and finishes when both are gone."""

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
    """A block with one queue that is both what came in and what is to go out."""

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
        return True  # a buffer is never mistaken for "no buffer", also when it is empty

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
        """Whether what is stored waits for nobody in the network, so that the user reads it after the run."""
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
        """Take no more input; what is meant to stay is no reason to go on."""
        super().complete_circle()
        if self.left_over == "keep" and not self._finished:
            self._finish()
            self._outbox.let_go()


class Store(Generic[T]):
    """Makes the hooks of a custom buffer look like a deque to the inbox and the outbox."""

    __slots__ = ("_buffer", "_returned")

    def __init__(self, buffer: Buffer[T]) -> None:
        self._buffer = buffer
        self._returned: deque[T] = deque()

    def append(self, item: T) -> None:
        self._buffer.put(item)

    def appendleft(self, item: T) -> None:
        self._returned.appendleft(item)

    def popleft(self) -> T:
        return self._returned.popleft() if self._returned else self._buffer.pop()

    def clear(self) -> None:
        while self:
            self.popleft()

    def __getitem__(self, index: int) -> T:
        return self._returned[index] if self._returned else self._buffer.peek()

    def __len__(self) -> int:
        return len(self._returned) + self._buffer.size()


class Buffer(StoringBlock[T]):
    """A buffer that keeps its messages in an order of your own: override `put`, `pop`, `peek` and `size`.

    Everything else (links, filters, waiting, completion, faults, the balance) is inherited. The four methods are
    plain and quick, never wait, and are called only as described.

    Args:
        capacity: How many messages fit in; None for no bound. When it is full, senders wait and links are postponed.
        filter: Only messages of which this is true are taken.
        left_over: What the network does about messages that are still here in the end although something is linked
            to take them: "report" (the default) raises `Stalled`; "keep" leaves them, as the tokens of a pool are.
        name: What reports call the block; by default its class and a number.

    Raises:
        ValueError: `capacity` is not None and less than 1, or `left_over` is neither of the two.
    """

    kind: ClassVar[str] = "buffer"

    def __init__(
        self,
        *,
        capacity: int | None = None,
        filter: Callable[[T], bool] | None = None,
        left_over: LeftOver = "report",
        name: str | None = None,
    ) -> None:
        check_capacity(f"{self.kind} {name!r}" if name else f"a {self.kind}", capacity)
        queue = self._make_queue()
        super().__init__(Inbox(self, queue, capacity=capacity, filter=filter), Outbox(self, queue), name, left_over)

    def _make_queue(self) -> Queue[T]:
        return Store(self)

    @property
    def may_overtake(self) -> bool:
        """A buffer may have an order of its own, unless it says that it keeps that of the messages."""
        return not self.keeps_order

    def put(self, item: T) -> None:
        """Store a message."""
        raise NotImplementedError(f"{type(self).__name__} must define put(item)")

    def pop(self) -> T:
        """Remove and return the message that goes next; called only while `size()` > 0."""
        raise NotImplementedError(f"{type(self).__name__} must define pop()")

    def peek(self) -> T:
        """Return the message that `pop` would return, without removing it; called only while `size()` > 0."""
        raise NotImplementedError(f"{type(self).__name__} must define peek()")

    def size(self) -> int:
        """Return how many messages are stored."""
        raise NotImplementedError(f"{type(self).__name__} must define size()")


def check_capacity(who: str, capacity: int | None) -> None:
    """Raise a `ValueError` that names the block if a capacity is not a whole number of at least 1."""
    if capacity is not None and (not isinstance(capacity, int) or isinstance(capacity, bool) or capacity < 1):
        raise ValueError(f"{who}: capacity must be an int >= 1, or None for no bound, got {capacity!r}")
