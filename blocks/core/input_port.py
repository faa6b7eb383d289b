"""One input of a block that has several: where its messages wait, and how the block looks at them and takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from contextvars import Context, copy_context
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from ..base.message_status import MessageStatus
from .contexts import context_of
from .inbox import Inbox
from .link import Link
from .owner import Feed, Owner
from .target import Target

if TYPE_CHECKING:
    from .outbox import Outbox

T = TypeVar("T")


class Merger(Owner, Protocol):
    """The block to which an input belongs.

    Attributes:
        closed_inputs: How many of its inputs accept nothing more.
    """

    closed_inputs: int

    def stir(self, index: int) -> None:
        """Note that a message was offered or sent to an input."""
        ...


class HeadsInbox(Inbox[T]):
    """Postpones offers of links and leaves the messages there; stores one message that a task sends."""

    __slots__ = ("index",)
    block: Merger  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def __init__(self, block: Merger, index: int) -> None:
        super().__init__(block, deque(), capacity=1, label=f"{block} input {index}")
        self.takes_one_by_one()
        self.index: int = index

    def came_along(self, link: Feed) -> int:
        """Always 0, because messages of links stay in their sources and are not accepted here."""
        del link
        return 0

    def offer(self, message: T, link: Feed | None = None) -> MessageStatus:
        """Remember which link has a message."""
        if link is None:
            return super().offer(message)
        if self.closed:
            return MessageStatus.DECLINED
        self.postponed[link] = None
        self.block.stir(self.index)
        self.block.wake()
        return MessageStatus.POSTPONED

    def store(self, message: T) -> None:
        """Store a message that a task sends."""
        self.block.stir(self.index)
        super().store(message)

    def close(self) -> None:
        """Accept nothing more."""
        self.block.closed_inputs += not self.closed
        super().close()

    def _ask_first(self, room: int) -> None:
        """Ask all links, because the block looks at all of them and none has to wait for room."""
        self.wake_postponed()
        self.block.wake()


class EarlyInbox(Inbox[T]):
    """Stores messages as they come, and tells its block at which input something has changed."""

    __slots__ = ("index",)
    block: Merger  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def __init__(self, block: Merger, index: int, capacity: int | None) -> None:
        super().__init__(block, deque(), capacity=capacity, label=f"{block} input {index}")
        self.index: int = index

    def push(self, items: Sequence[T], link: Feed) -> int:
        """Append as many items as fit."""
        self.block.stir(self.index)
        return super().push(items, link)

    def store(self, message: T) -> None:
        """Append a message."""
        self.block.stir(self.index)
        super().store(message)

    def close(self) -> None:
        """Accept nothing more."""
        self.block.closed_inputs += not self.closed
        self.block.stir(self.index)
        super().close()

    @property
    def is_restless(self) -> bool:
        """Whether the next step of the block must begin here too, although nothing may have come until then."""
        return bool(self.credit or self._links_asked or self._turns.asked)


class InputPort(Generic[T]):
    """The core of one input: the messages that wait there, in its inbox or in the sources that are linked to it.

    Attributes:
        inbox: The store of the messages that the block has accepted.
        index: The place among the inputs, counted from 0.
        facade: The input as the user sees it.
        takes_early: Whether messages are stored as they come, and not left in their sources.
        is_stirred: Whether its block has marked it as an input that may have a message.
    """

    __slots__ = ("_link", "block", "facade", "inbox", "index", "is_stirred", "takes_early")

    def __init__(self, block: Merger, inbox: Inbox[T], index: int) -> None:
        self.block: Merger = block
        self.inbox: Inbox[T] = inbox
        self.index: int = index
        self.facade: Input[T] = Input(self)
        self.takes_early: bool = False
        self.is_stirred: bool = False
        self._link: Link[T] | None = None

    def inlet(self, outbox: Outbox[Any]) -> Inbox[T]:
        """The inbox at which a new link from a source ends."""
        del outbox
        return self.inbox

    def has_message(self) -> bool:
        """Whether there is a message; `head` and `take` use the place that was found here last."""
        inbox = self.inbox
        if self.takes_early:
            return bool(inbox.queue)
        link = self._link  # the link that had a message last time is likely to have another
        if link is not None and not inbox.queue and link.outbox.available(link):
            return True
        self._link = None
        if inbox.queue:
            return True
        for producer in inbox.producers:
            if isinstance(producer, Link):
                link = cast("Link[T]", producer)
                if link.outbox.available(link):
                    self._link = link
                    return True
        return False

    def producers(self) -> Iterable[object]:
        """The producers of the input: links, agents, handles."""
        return tuple(self.inbox.producers)

    def head(self) -> T:
        """The next message, which stays in its place; call it right after `has_message`."""
        link = self._link
        head: T = self.inbox.queue[0] if link is None else link.outbox.head(link)
        return head

    def head_context(self) -> Context:
        """The context of the next message; call it right after `has_message`."""
        link = self._link
        context = context_of(self.inbox.queue) if link is None else link.outbox.context_at(link)
        return copy_context() if context is None else context

    def take(self) -> T:
        """Take the next message; call it right after `has_message`."""
        link = self._link
        if link is not None:
            self.block.counts["pulled"] += 1
            taken: T = link.outbox.take(link)
            return taken
        item = self.inbox.queue.popleft()
        self.block.stir(self.index)
        self.inbox.serve_waiting()
        return item

    def ahead(self) -> int:
        """How many messages `take_many` may take, from the head on; call it right after `has_message`."""
        link = self._link
        return 1 if link is None else link.outbox.ahead(link)

    def look_ahead(self, count: int) -> Sequence[T]:
        """The next `count` messages, at most as many as `ahead` says, which stay in their places."""
        link = self._link
        if link is None:
            return (self.head(),)
        queue: deque[T] = link.outbox.queue
        return list(islice(queue, count))

    def take_many(self, count: int) -> Sequence[T]:
        """Take the next `count` messages, at most as many as `ahead` says."""
        link = self._link
        if link is None or count == 1:
            return (self.take(),)
        self.block.counts["pulled"] += count
        taken: Sequence[T] = link.outbox.take_many(link, count)
        return taken

    @property
    def is_exhausted(self) -> bool:
        """Whether the input has no message and none will come."""
        return self.inbox.closed and not self.has_message()


class Input(Target[T], Generic[T]):
    """One input of a block with several: a target to link to or send to."""

    __slots__ = ("_core",)
    _core: InputPort[T]

    def __init__(self, port: InputPort[T]) -> None:
        self._core = port

    def __repr__(self) -> str:
        return f"<Input {self.index} of {self._core.block}>"

    @property
    def index(self) -> int:
        """The place among the inputs of the block, counted from 0."""
        return self._core.index
