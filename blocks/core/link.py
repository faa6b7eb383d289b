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
    from .outbox import Outbox

T = TypeVar("T")


class Inquiry(threading.local):
    """Whether a filter is being called only to tell somebody what goes on."""

    is_under_way = False


inquiry: Inquiry = Inquiry()
numbers: itertools.count[int] = itertools.count(1)


class Link(Generic[T]):
    """Source → target, as made by `link_target`; `unlink` takes it away, also in the middle of a run, losing nothing.

    Attributes:
        source: The block that the messages come from.
        target: The block that they go to.
        passed: How many messages have gone along the link.
        number: Links are numbered as they are made, so a list of links in the order of their making is sorted.
    """

    __slots__ = (
        "__weakref__",
        "backlog",
        "filter",
        "first",
        "inbox",
        "is_linked",
        "number",
        "outbox",
        "passed",
        "remaining",
        "source",
        "target",
        "turn",
    )

    def __init__(
        self,
        outbox: Outbox[T],
        inbox: Inbox[T],
        filter: Callable[[T], bool] | None,
        max_messages: int | None,
    ) -> None:
        self.outbox: Outbox[T] = outbox
        self.inbox: Inbox[T] = inbox
        self.number: int = next(numbers)
        self.source: Block = outbox.block
        self.target: Block = inbox.block
        self.filter: Callable[[T], bool] | None = filter
        self.remaining = max_messages
        self.passed: int = 0
        self.first: int = 1  # the number of the first message that can come along, among those that the source gives
        self.backlog: deque[T] = deque()
        self.is_linked: bool = True
        self.turn: int = 0  # its place among those that wait for room in the target, 0 if it does not wait

    def __str__(self) -> str:
        return f"{self.source.name} → {self.target.name}"

    def __repr__(self) -> str:
        return f"<Link {self}, {self.passed} passed{'' if self.is_linked else ', unlinked'}>"

    def contexts_from(self) -> tuple[Block]:
        """The block from which messages come with their contexts."""
        return (self.source,)

    @property
    def is_plain(self) -> bool:
        """Whether every message goes along, so that many can move at once."""
        return self.filter is None and self.remaining is None and self.inbox.is_direct

    def wants(self, message: T) -> bool:
        """Whether the message would go along this link, now or later."""
        return (self.filter is None or self._passes(self.filter, message)) and self.inbox.wants(message)

    def _passes(self, accepts: Callable[[T], bool], message: T) -> bool:
        answer: object = accepts(message)
        return answer if answer is True or answer is False else truth(f"link {self}", answer)

    def declines(self, head: T) -> bool:
        """Whether a message is kept back, for who only wants to know it; he is disturbed by nothing that a filter does.

        One that raises keeps it back, and raises where the message is offered. One that wants to know itself what goes
        on, and so would be called again for that, gets no answer here.
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
        """Say in words why a message has not gone along the link."""
        inbox = self.inbox
        if inbox.closed:
            return f"{inbox} is complete and takes no more"
        if self.declines(head):
            return f"a filter on the way to {inbox} declines the head"
        if inbox.room() < 1 or (inbox.gate is not None and self in inbox.postponed):
            return f"it is offered to {inbox}, but {inbox.why_full()}"
        return f"{inbox} has not taken the head: {self.target._why_waiting()}"

    def offer(self, message: T) -> MessageStatus:
        """Show a message to the target."""
        if self.filter is not None and not self._passes(self.filter, message):
            return MessageStatus.DECLINED
        status = self.inbox.offer(message, self)
        if status is MessageStatus.ACCEPTED:
            self.count()
        return status

    def push(self, items: deque[T]) -> int:
        """Move messages from the front of a queue to the target, as many as it takes now; give their number."""
        if self.is_plain and not self.inbox.closed:
            count = self.push_all(items)
            if count == len(items):
                items.clear()
            else:
                for _ in range(count):
                    items.popleft()
            return count
        count = 0
        while items and self.is_linked:
            item = items.popleft()  # first: with its last message the link goes, and with it what it has not passed on
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
        """Show messages to a target that takes whatever fits; give the number of those that did, from the first on."""
        count = self.inbox.push(items, self)
        self.passed += count
        return count

    def count(self) -> None:
        """Record that one message went along; the last one allowed takes the link away."""
        self.passed += 1
        if self.remaining is not None:
            self.remaining -= 1
            if self.remaining == 0:
                self.unlink()

    def unlink(self) -> None:
        """Take the link away; messages that have not gone along stay with the source.

        The target loses a producer; it is not completed by that. If it has no other, it is an entry of its network
        from now on and completes when the body of the network ends. A subscriber that will not be used again is
        completed too (`target.complete()`): then it leaves a network that runs.
        """
        if not self.is_linked:
            return
        check_thread(self.source, "unlink")
        check_thread(self.target, "unlink")
        self.is_linked = False
        self.outbox.unlinked(self)
        self.inbox.unlinked(self)
        for block in (self.source, self.target):
            block.lost_link()


def as_link(feeder: object) -> Link[Any] | None:
    """The link, if what feeds a target is one."""
    return cast(Any, feeder) if isinstance(feeder, Link) else None
