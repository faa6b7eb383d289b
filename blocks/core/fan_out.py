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
    from .block import Block
    from .queue import Queue

T = TypeVar("T")


class FanOut(Outbox[T]):
    """Keeps, for each link, what its target has not taken yet: a slow target misses nothing.

    Whether a target wants a message is decided when it is published; one that does not want it (its filter, or it is
    complete) is passed over.

    Attributes:
        behind: The links whose backlog is not empty: a step looks at these only, however many links there are.
    """

    __slots__ = ("behind", "published")

    def __init__(self, block: Block, queue: Queue[T]) -> None:
        super().__init__(block, queue)
        self.behind: dict[Link[T], None] = {}
        self.published: int = 0

    def publish(self, item: T) -> int:
        """Put a message into the backlog of every link that wants it; give how many do."""
        takers = [link for link in self.links if link.wants(item)]
        if self.block._tracer is not None:
            self.block._tracer.multiply(self.block.name, item, len(takers))
        for link in takers:
            self.fall_behind(link, (item,))
        if takers or self.block.keeps_last:
            self.published += 1
            for branch in self.branches:
                branch.published(self.block, takers, self.published)
        return len(takers)

    def fall_behind(self, link: Link[T], items: Iterable[T]) -> None:
        """Keep messages for a link until its target takes them."""
        if self.carries:
            for item in items:
                link.backlog.append(item)  # with the context that is there now
        else:
            link.backlog.extend(items)
        if link.backlog:
            self.behind[link] = None

    def greet(self, link: Link[T]) -> None:
        """Note which message is the first that a new link can get."""
        link.first = self.published + 1
        if self.carries:
            link.backlog = cast("Any", ContextQueue())

    def carry(self, queue: Queue[T]) -> None:
        """Use queues that keep the context of each message from now on."""
        super().carry(queue)
        for link in self.links:
            link.backlog = cast("Any", ContextQueue(link.backlog))

    def context_at(self, link: Link[T]) -> Context | None:
        """The context of what a target would take along a link, if contexts are kept here."""
        return context_of(link.backlog)

    def _push(self, link: Link[T]) -> int:
        """Hand on what a target takes now; give how many messages that was."""
        return link.push(link.backlog) if not self.carries else push_in_contexts(link, cast("Any", link.backlog))

    def handed_out(self, link: Link[T]) -> int:
        """How many messages were published since the link was made."""
        return self.published - link.first + 1

    def deliver(self) -> bool:
        """Hand out what the targets take now; tell whether nothing is left for any of them."""
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
        """A copy that a target was to get is not wanted any more."""
        self.block._counts["dropped:declined"] += 1
        if not link.inbox.closed:
            for branch in self.branches:
                if branch.goes_along(link):
                    branch.break_off(f"the filter of {link.inbox} was changed while a message waited for it")

    def flush(self) -> None:
        """Hand out what the targets take now."""
        self.deliver()

    def unlinked(self, link: Link[T]) -> None:
        """Forget a link; its copies go with it."""
        self.block._counts["dropped:unlinked"] += len(link.backlog)
        link.backlog.clear()
        self.behind.pop(link, None)
        super().unlinked(link)

    def waiting_copies(self) -> int:
        """How many copies the targets have not taken yet."""
        return sum(len(link.backlog) for link in self.behind)

    def available(self, link: Link[T]) -> bool:
        """Whether there is a message in the backlog that a target could take along the link."""
        return bool(link.backlog) and link.is_linked and link.wants(link.backlog[0])

    def head(self, link: Link[T]) -> T:
        """Look at what `take` along the link would take."""
        return link.backlog[0]

    def take(self, link: Link[T]) -> T:
        """Take the first message of the backlog, for a target that has looked at it."""
        item = link.backlog.popleft()
        if not link.backlog:
            del self.behind[link]
        self.delivered += 1
        link.count()
        self.block._wake()
        return item

    def release_targets(self) -> None:
        """Let go of the targets that have taken everything; only when nothing more will come."""
        for link in tuple(self.links):
            if not link.backlog:
                link.inbox.producer_done(link)

    def abort(self, reason: str) -> int:
        """Drop everything because the network stops; give how many messages and copies were discarded."""
        copies = self.waiting_copies()
        for link in self.behind:
            link.backlog = deque()
        self.behind.clear()
        return copies + super().abort(reason)


def push_in_contexts(link: Link[Any], items: ContextQueue) -> int:
    """Show messages to a target, each in its context; give the number of those that it has taken."""
    count = 0
    while items and link.is_linked:
        item = items.popleft()  # first: with its last message the link goes, and with it what it has not passed on
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
