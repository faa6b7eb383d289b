"""The connection from a source to a target, along which messages move."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ..base.callables import truth
from ..base.message_status import MessageStatus
from .threads import check_thread

if TYPE_CHECKING:
    from .block import Block
    from .inbox import Inbox
    from .owner import Outlet, Owner

T = TypeVar("T")


class Inquiry(threading.local):
    """Whether a filter is being called only for diagnostics, in this thread."""

    is_under_way = False


class Wiring:
    """Says when something was linked or unlinked, in any network.

    Attributes:
        changes: The number of links that were made and removed so far.
    """

    __slots__ = ("changes",)

    def __init__(self) -> None:
        self.changes: int = 0


inquiry: Inquiry = Inquiry()
wiring: Wiring = Wiring()
numbers: itertools.count[int] = itertools.count(1)
NO_BACKLOG: Any = ()
"""The backlog of a link whose source keeps none; a `FanOut` gives each of its links a queue."""


class Link(Generic[T]):
    """A connection from a source to a target, made by `link_target`; `unlink` removes it, also during a run.

    Attributes:
        giver: The core of the source.
        taker: The core of the target.
        passed: The number of messages that have gone along the link.
        number: Counts up with every new link, so a list of links in the order of their creation is sorted.
    """

    __slots__ = (
        "__weakref__",
        "backlog",
        "filter",
        "first",
        "giver",
        "inbox",
        "is_linked",
        "number",
        "outbox",
        "passed",
        "remaining",
        "taker",
        "turn",
    )

    def __init__(
        self,
        outbox: Outlet,
        inbox: Inbox[T],
        filter: Callable[[T], bool] | None,
        max_messages: int | None,
    ) -> None:
        self.outbox: Outlet = outbox
        self.inbox: Inbox[T] = inbox
        self.number: int = next(numbers)
        wiring.changes += 1
        self.giver: Owner = outbox.block
        self.taker: Owner = inbox.block
        self.filter: Callable[[T], bool] | None = filter
        self.remaining = max_messages
        self.passed: int = 0
        self.first: int = 1  # the number of the first message of the source that can come along
        self.backlog: deque[T] = NO_BACKLOG
        self.is_linked: bool = True
        self.turn: int = 0  # its place in the order of links that wait for room in the target, 0 if it does not wait

    def __str__(self) -> str:
        return f"{self.giver.name} → {self.taker.name}"

    def __repr__(self) -> str:
        return f"<Link {self}, {self.passed} passed{'' if self.is_linked else ', unlinked'}>"

    @property
    def source(self) -> Block:
        """The block that gives the messages."""
        return cast("Block", self.giver.facade)

    @property
    def target(self) -> Block:
        """The block that takes the messages."""
        return cast("Block", self.taker.facade)

    def contexts_from(self) -> tuple[Owner]:
        """The block that sends messages with contexts along the link."""
        return (self.giver,)

    @property
    def is_unfiltered(self) -> bool:
        """Whether many messages can move at once: neither the link nor the target has a filter or limit."""
        return self.filter is None and self.remaining is None and self.inbox.is_direct

    def wants(self, message: T) -> bool:
        """Whether the message would go along this link, now or later."""
        return (self.filter is None or self._passes(self.filter, message)) and self.inbox.wants(message)

    def _passes(self, accepts: Callable[[T], bool], message: T) -> bool:
        answer: object = accepts(message)
        return answer if answer is True or answer is False else truth(f"link {self}", answer)

    def declines(self, head: T) -> bool:
        """Whether the filters decline `head`, for diagnostics only.

        A filter that raises counts as declining; its error appears where the message is offered. A filter that asks
        for a report itself gets the answer False here, so that it is not called again.
        """
        if inquiry.is_under_way:
            return False
        inquiry.is_under_way = True
        try:
            return not self.wants(head)
        except Exception:
            return True
        finally:
            inquiry.is_under_way = False

    def obstacle(self, head: T) -> str:
        """Explain why a message has not gone along the link."""
        inbox = self.inbox
        if inbox.closed:
            return f"{inbox} is complete and takes no more"
        if self.declines(head):
            return f"a filter on the way to {inbox} declines the head"
        if inbox.room() < 1 or (inbox.gate is not None and self in inbox.postponed):
            return f"it is offered to {inbox}, but {inbox.why_full()}"
        return f"{inbox} has not taken the head: {self.taker.why_waiting()}"

    def offer(self, message: T) -> MessageStatus:
        """Offer a message to the target."""
        if self.filter is not None and not self._passes(self.filter, message):
            return MessageStatus.DECLINED
        status = self.inbox.offer(message, self)
        if status is MessageStatus.ACCEPTED:
            self.count()
        return status

    def push(self, items: deque[T]) -> int:
        """Move as many messages as the target takes now from the front of a queue; return how many."""
        if self.is_unfiltered and not self.inbox.closed:
            count = self.push_all(items)
            if count == len(items):
                items.clear()
            else:
                for _ in range(count):
                    items.popleft()
            return count
        count = 0
        while items and self.is_linked:
            item = items.popleft()  # before the offer: the last allowed message removes the link and its backlog
            try:
                accepted = self.offer(item) is MessageStatus.ACCEPTED
            except BaseException:
                items.appendleft(item)
                raise
            if not accepted:
                items.appendleft(item)
                break
            count += 1
        return count

    def push_all(self, items: Sequence[T]) -> int:
        """Push messages to a target that takes every message; return how many, from the first on, fit in."""
        count = self.inbox.push(items, self)
        self.passed += count
        return count

    def count(self) -> None:
        """Record that one message went along; the last allowed message removes the link."""
        self.passed += 1
        if self.remaining is not None:
            self.remaining -= 1
            if self.remaining == 0:
                self.unlink()

    def unlink(self) -> None:
        """Remove the link; messages that have not gone along stay in the source.

        The target loses a producer, but does not complete. If it has no other producer, it is an entry of its network
        from now on, and completes when the body of the network ends. Call `target.complete()` as well for a subscriber
        that will not be used again: then it leaves the running network.
        """
        if not self.is_linked:
            return
        check_thread(self.giver, "unlink")
        check_thread(self.taker, "unlink")
        self.is_linked = False
        wiring.changes += 1
        self.outbox.unlinked(self)
        self.inbox.unlinked(self)
        for block in (self.giver, self.taker):
            block.lost_link()


def as_link(feeder: object) -> Link[Any] | None:
    """The feeder itself if it is a link, else None."""
    return cast(Any, feeder) if isinstance(feeder, Link) else None
