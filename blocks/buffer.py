"""The base of blocks that store messages and hand them on unchanged; also the base for your own buffers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from .base.checks import check_capacity
from .base.own_names import check_names
from .core.inbox import Inbox
from .core.outbox import Outbox
from .core.queue import Queue
from .core.storing import LeftOver, StoringBlock

T = TypeVar("T")


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
    """A buffer that keeps its messages in your own order: override `put`, `pop`, `peek` and `size`.

    Everything else (links, filters, waiting, completion, faults, the balance) is inherited. The four methods must be
    plain and quick, and must never wait; they are called only as described.

    Args:
        capacity: How many messages fit in; None for no bound. When it is full, senders wait and links are postponed.
        filter: Only messages for which this is true are taken.
        left_over: What the network does if messages are still here in the end although a linked target should take
            them: "report" (the default) raises `Stalled`; "keep" leaves them, for example the tokens of a pool.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `capacity` is not None and less than 1, or `left_over` is not one of the two words.
        TypeError: The class defines a private name that `Buffer` uses itself.
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
        check_names(type(self), Buffer)
        check_capacity(f"{self.kind} {name!r}" if name else f"a {self.kind}", capacity)
        queue = self._make_queue()
        super().__init__(Inbox(self, queue, capacity=capacity, filter=filter), Outbox(self, queue), name, left_over)

    def _make_queue(self) -> Queue[T]:
        return Store(self)

    @property
    def may_overtake(self) -> bool:
        """Whether messages may change their order: True, unless the buffer says that it keeps it."""
        return not self.keeps_order

    def put(self, item: T) -> None:
        """Store a message."""
        raise NotImplementedError(f"{type(self).__name__} must define put(item)")

    def pop(self) -> T:
        """Remove and return the next message; called only while `size()` > 0."""
        raise NotImplementedError(f"{type(self).__name__} must define pop()")

    def peek(self) -> T:
        """Return the message that `pop` would return, without removing it; called only while `size()` > 0."""
        raise NotImplementedError(f"{type(self).__name__} must define peek()")

    def size(self) -> int:
        """Return how many messages are stored."""
        raise NotImplementedError(f"{type(self).__name__} must define size()")
