"""The core of a source that gives every message to every linked target."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..base.message_status import MessageStatus
from .contexts import ContextQueue, context_of
from .link import Link
from .outbox import Outbox

if TYPE_CHECKING:
    from .block_core import BlockCore
    from .queue import Queue

T = TypeVar("T")


class FanOut(Outbox[T]):
    """Keeps a backlog per link, with the messages that the target has not taken yet: a slow target misses nothing.

    Each target decides about a message when the message is published. A target that declines it by its filter, or
    that is complete, does not get it.

    Attributes:
        behind: The links whose backlog is not empty; a step looks only at these.
    """

    __slots__ = ("behind", "published")
    delivered: int

    def __init__(self, block: BlockCore, queue: Queue[T]) -> None:
        super().__init__(block, queue)
        self.behind: dict[Link[T], None] = {}
        self.published: int = 0

    def publish(self, item: T) -> int:
        """Put a message into the backlog of every link that wants it; return the number of these links."""
        takers = [link for link in self.links if link.wants(item)]
        if self.block.tracer is not None:
            self.block.tracer.multiply(self.block.name, item, len(takers))
        for link in takers:
            self.fall_behind(link, (item,))
        if takers or self.block.keeps_value:
            self.published += 1
            for branch in self.branches:
                branch.published(self.block, takers, self.published)
        return len(takers)

    def fall_behind(self, link: Link[T], items: Iterable[T]) -> None:
        """Keep messages for a link until its target takes them."""
        if self.carries:
            for item in items:
                link.backlog.append(item)  # with the current context
        else:
            link.backlog.extend(items)
        if link.backlog:
            self.behind[link] = None

    def greet(self, link: Link[T]) -> None:
        """Note the number of the first message that a new link can get."""
        link.first = self.published + 1
        link.backlog = cast("Any", ContextQueue()) if self.carries else deque()

    def carry(self, queue: Queue[T]) -> None:
        """Use queues that keep the context of each message from now on."""
        super().carry(queue)
        for link in self.links:
            link.backlog = cast("Any", ContextQueue(link.backlog))

    def context_at(self, link: Link[T]) -> Context | None:
        """The context of the next message for a link; None if contexts are not kept here."""
        return context_of(link.backlog)

    def _push(self, link: Link[T]) -> int:
        """Hand on the messages that a target takes now; return how many."""
        return link.push(link.backlog) if not self.carries else push_in_contexts(link, cast("Any", link.backlog))

    def handed_out(self, link: Link[T]) -> int:
        """How many messages were published since the link was made."""
        return self.published - link.first + 1

    def deliver(self) -> bool:
        """Hand out the messages that the targets take now; return whether every backlog is empty."""
        for link in tuple(self.behind):
            backlog = link.backlog
            while backlog and link.is_linked:
                self.delivered += self._push(link)
                if not backlog or link.wants(backlog[0]):
                    break
                backlog.popleft()  # the target has completed, or its filter was changed
                self.passed_over(link)
            if not backlog:
                self.behind.pop(link, None)
        return not self.behind

    def passed_over(self, link: Link[T]) -> None:
        """Count a waiting copy that its target does not want any more."""
        self.block.counts["dropped:declined"] += 1
        if not link.inbox.closed:
            for branch in self.branches:
                if branch.goes_along(link):
                    branch.break_off(f"the filter of {link.inbox} was changed while a message waited for it")

    def flush(self) -> None:
        """Hand out the messages that the targets take now."""
        self.deliver()

    def unlinked(self, link: Link[T]) -> None:
        """Forget a link and drop its waiting copies."""
        self.block.counts["dropped:unlinked"] += len(link.backlog)
        link.backlog.clear()
        self.behind.pop(link, None)
        super().unlinked(link)

    def waiting_copies(self) -> int:
        """How many copies the targets have not taken yet."""
        return sum(len(link.backlog) for link in self.behind)

    def available(self, link: Link[T]) -> bool:
        """Whether the target can take a message of the backlog along the link."""
        return bool(link.backlog) and link.is_linked and link.wants(link.backlog[0])

    def head(self, link: Link[T]) -> T:
        """The message that `take` along the link would return."""
        return link.backlog[0]

    def take(self, link: Link[T]) -> T:
        """Take the first message of the backlog, for a target that has seen it with `head`."""
        item = link.backlog.popleft()
        if not link.backlog:
            del self.behind[link]
        self.delivered += 1
        link.count()
        self.block.wake()
        return item

    def ahead(self, link: Link[T]) -> int:
        """Return 1: each copy is taken on its own."""
        del link
        return 1

    def release_targets(self) -> None:
        """Stop being a producer of the targets that have taken everything; only when nothing more will come."""
        for link in tuple(self.links):
            if not link.backlog:
                link.inbox.producer_done(link)

    def abort(self, reason: str) -> int:
        """Drop everything because the network stops; return how many messages and copies were discarded."""
        copies = self.waiting_copies()
        for link in self.behind:
            link.backlog = deque()
        self.behind.clear()
        return copies + super().abort(reason)


def push_in_contexts(link: Link[Any], items: ContextQueue) -> int:
    """Offer messages to a target, each in its context; return how many it has taken."""
    count = 0
    while items and link.is_linked:
        item = items.popleft()  # before the offer: the last allowed message removes the link and clears its backlog
        try:
            accepted = items.last.run(link.offer, item) is MessageStatus.ACCEPTED
        except BaseException:
            items.appendleft(item)
            raise
        if not accepted:
            items.appendleft(item)
            break
        count += 1
    return count
