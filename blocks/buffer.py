"""The base of blocks that store messages and hand them on unchanged; also the base for your own buffers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from .base.checks import check_capacity, check_function
from .base.error_info import annotate
from .core.block import inside
from .core.inbox import Inbox
from .core.outbox import Outbox
from .core.queue import Queue
from .core.shape import Shape
from .core.storing import LeftOver, StoringCore
from .core.storing_block import StoringBlock

T = TypeVar("T")


class Store(Generic[T]):
    """Makes the hooks of a custom buffer look like a deque to the inbox and the outbox."""

    __slots__ = ("_buffer", "_returned")

    def __init__(self, buffer: Buffer[T]) -> None:
        self._buffer = buffer
        self._returned: deque[T] = deque()

    def append(self, item: T) -> None:
        try:
            self._buffer.put(item)
        except Exception as error:
            self._name(error, "put")
            raise

    def appendleft(self, item: T) -> None:
        self._returned.appendleft(item)

    def popleft(self) -> T:
        try:
            return self._returned.popleft() if self._returned else self._buffer.pop()
        except Exception as error:
            self._name(error, "pop")
            raise

    def clear(self) -> None:
        while self:
            self.popleft()

    def __getitem__(self, index: int) -> T:
        try:
            return self._returned[index] if self._returned else self._buffer.peek()
        except Exception as error:
            self._name(error, "peek")
            raise

    def __len__(self) -> int:
        try:
            return len(self._returned) + self._buffer.size()
        except Exception as error:
            self._name(error, "size")
            raise

    def _name(self, error: Exception, method: str) -> None:
        """Say in which buffer a method has raised: the exception may come out at a block before it."""
        annotate(error, f"raised by {method}() of {inside(self._buffer)}")


class SortingOutbox(Outbox[T]):
    """The messages of a buffer with an order of its own: a better one may come until the target can start the next."""

    __slots__ = ()
    block: BufferCore[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    @property
    def waits_to_give(self) -> bool:
        """True, unless the messages go out in the order in which they came in."""
        return self.block.may_overtake


class BufferCore(StoringCore[T]):
    """The core of a buffer: the queue is given, or uses the four methods of a user's class."""

    __slots__ = ()
    facade: Buffer[T]

    def __init__(
        self,
        facade: Buffer[T],
        queue: Queue[T],
        capacity: int | None,
        filter: Callable[[T], bool] | None,
        left_over: LeftOver,
        name: str | None,
    ) -> None:
        super().__init__(facade, name, left_over)
        self.inbox: Inbox[T] = Inbox(self, queue, capacity=capacity, filter=filter)
        self.outbox: Outbox[T] = (Outbox if isinstance(queue, deque) else SortingOutbox)(self, queue)

    @property
    def may_overtake(self) -> bool:
        """Whether messages may change their order."""
        return self.facade.may_overtake

    @property
    def keeps_order(self) -> bool:
        """Whether messages go out in the order in which they came in."""
        return self.facade.keeps_order

    @property
    def shape(self) -> Shape:
        """What the buffer does with messages; a user's class may define it."""
        return self.facade.shape

    @property
    def stored_shape(self) -> Shape:
        """The shape of a buffer that only stores."""
        return super().shape


class Buffer(StoringBlock[T]):
    """A buffer that keeps its messages in your own order: override `put`, `pop`, `peek` and `size`.

    Everything else (links, filters, waiting, completion, faults, the balance) is inherited. The four methods must be
    plain and quick, and must never wait; they are called only as described.

    Args:
        capacity: The number of messages that fit in, >= 1; None for no bound. When it is full, senders wait and links
            are postponed.
        filter: Only messages for which this is true are taken.
        left_over: What the network does if messages are still here in the end although a linked target should take
            them: "report" (the default) raises `Stalled`; "keep" leaves them, for example the tokens of a pool.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `capacity` is not None and less than 1, or `left_over` is not one of the two words.
        TypeError: One of the four methods is not plain.
    """

    kind: ClassVar[str] = "buffer"
    _core: BufferCore[T]

    def __init__(
        self,
        *,
        capacity: int | None = None,
        filter: Callable[[T], bool] | None = None,
        left_over: LeftOver = "report",
        name: str | None = None,
    ) -> None:
        who = f"{self.kind} {name!r}" if name else f"a {self.kind}"
        check_capacity(who, capacity)
        for method in (self.put, self.pop, self.peek, self.size):
            check_function(who, f"{method.__name__}()", method)
        self._core = BufferCore(self, Store(self), capacity, filter, left_over, name)

    @property
    def keeps_order(self) -> bool:
        """Whether messages go out in the order in which they came in: False, unless a class says otherwise."""
        return False

    @property
    def may_overtake(self) -> bool:
        """Whether messages may change their order: True, unless the buffer says that it keeps their order."""
        return not self.keeps_order

    @property
    def shape(self) -> Shape:
        """What the buffer does with messages, for the checks, the deadlock detection and the reports."""
        return self._core.stored_shape

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
