"""A block that gives its messages to its targets in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, TypeVar, cast

import attrs

from .base.checks import check_capacity
from .base.error_info import shorten
from .core.contexts import ContextQueue, context_of
from .core.fan_out import FanOut
from .core.fan_out_core import FanOutCore
from .core.inbox import Inbox
from .core.link import Link
from .core.shape import Shape
from .core.storing_block import StoringBlock
from .functions.function_block import DEFAULT_CAPACITY

T = TypeVar("T")


class TurnsOutbox(FanOut[T]):
    """An outbox that gives each message to the next link.

    Invariant: a message that its target has not taken yet is in the backlog of that link, and until it is taken nothing
    else goes out; so at most one link is behind.
    """

    __slots__ = ("_turn",)
    delivered: int
    published: int

    def __init__(self, block: DistributeCore[T], queue: deque[T]) -> None:
        super().__init__(block, queue)
        self._turn = 0  # the place in `links` of the next taker

    def greet(self, link: Link[T]) -> None:
        """Give a new link its backlog; the messages of each link are counted by themselves."""
        super().greet(link)
        link.first = 1

    def flush(self) -> None:
        """Hand messages out in turn."""
        if not self.links:
            self.serve()
            return
        self._deal_rounds()
        while self.deliver() and self.queue and self.holder is None:
            context = context_of(self.queue)
            if not (self._deal() if context is None else context.run(self._deal)):
                self.block.scheduler.declined(self)
                return  # all targets are complete: the message stays, and is reported

    def _deal(self) -> bool:
        """Give the head to the link whose turn it is; pass over complete targets. False if there is no other."""
        links = self.links
        for place in (*range(self._turn, len(links)), *range(self._turn)):
            link = links[place]
            if not link.inbox.closed:
                self._turn = (place + 1) % len(links)
                self.fall_behind(link, (self.queue.popleft(),))
                self.published += 1
                for branch in self.branches:
                    branch.published(self.block, (link,), self.published)
                return True
        return False

    def _deal_rounds(self) -> None:
        """Hand out whole rounds at once, if every target takes every message that fits in."""
        links, queue = self.links, self.queue
        if self.behind or self.branches or self.carries or self.holder is not None or len(queue) < 2 * len(links):
            return
        if not all(link.is_unfiltered and not link.inbox.closed and link.inbox.gate is None for link in links):
            return
        count = min(len(queue) // len(links), *(link.inbox.room_for(link) for link in links))
        if count > 0:
            take = cast("deque[T]", queue).popleft
            dealt = [take() for _ in range(count * len(links))]
            self.published += len(dealt)
            for place, link in enumerate((*links[self._turn :], *links[: self._turn])):
                self.delivered += link.push_all(dealt[place :: len(links)])

    def deliver(self) -> bool:
        """Offer the message that waits to its target; return whether none waits any more."""
        for link in tuple(self.behind):
            if link.inbox.closed:
                self._take_back(link)
                continue
            self.delivered += self._push(link)
            if not link.backlog:
                self.behind.pop(link, None)
            elif link.is_linked and not link.wants(link.backlog[0]):
                self.block.scheduler.declined(self)
        return not self.behind

    def _take_back(self, link: Link[T]) -> None:
        """Let the next link have a message that its target will not take."""
        del self.behind[link]
        if not link.backlog:
            return  # its last allowed message is being taken
        for branch in self.branches:
            branch.break_off(f"{self.block} has given a message to the target after {link.inbox}, which takes no more")
        item = link.backlog.popleft()
        if self.carries:
            cast(ContextQueue, self.queue).last = cast(ContextQueue, link.backlog).last
        self.queue.appendleft(item)

    def unlinked(self, link: Link[T]) -> None:
        """Forget a link; a message that waits for it goes to the next one."""
        place = self.links.index(link)
        if link in self.behind:
            self._take_back(link)
        super().unlinked(link)
        self._turn -= place < self._turn
        if self._turn >= len(self.links):
            self._turn = 0

    def has_head(self, accepts: Callable[[T], bool] | None) -> bool:
        """Whether a receiver can take a message; raises an error if a target would then miss its turn."""
        if self.links:
            raise RuntimeError(
                f"{self.block} gives its messages to its targets in turn; link a buffer and receive from that"
            )
        return super().has_head(accepts)

    def is_held_up(self) -> bool:
        """Whether there is a message that only links can take."""
        return bool(self.behind) or super().is_held_up()

    def describe_head(self) -> str:
        """Describe the message that waits, and the reason why its target does not take it."""
        for link in self.behind:
            head = link.backlog[0]
            return f"{self.block} has kept {shorten(head)}, and all messages behind it: {link.obstacle(head)}"
        return super().describe_head()


class DistributeCore(FanOutCore[T]):
    """The core of a distribute."""

    __slots__ = ()

    def __init__(
        self, facade: Distribute[T], capacity: int | None, filter: Callable[[T], bool] | None, name: str | None
    ) -> None:
        super().__init__(facade, name)
        queue: deque[T] = deque()
        self.outbox = TurnsOutbox(self, queue)
        self.inbox: Inbox[T] = Inbox(self, queue, capacity=capacity, filter=filter)

    @property
    def shape(self) -> Shape:
        """Each target gets every n-th message."""
        return attrs.evolve(super().shape, takes_turns=True, needs_taker=True)


class Distribute(StoringBlock[T]):
    """Gives its messages to its linked targets in turn: with n targets, each gets every n-th message.

    Each target begins a *lane* of one or more blocks. A `Collect` behind the lanes takes one result from each in the
    same order, so that all results are in the order in which the messages came in, without numbers. A message whose
    target has no room waits, and so do all messages behind it, even if other targets have room. So lanes should need
    about the same time. To give each message to a target that is free, link several targets to a buffer; for the same
    work in all lanes, `Transformer(function, concurrency=n)` keeps the order and lets no worker wait.

    - Inputs and outputs: takes messages from links and senders; each goes to the target whose turn it is, in the order
      of the links. Complete targets are passed over. Without a target, receivers get the messages.
    - Order: first in, first out.
    - Holds: up to `capacity` messages, and the one being handed out.
    - Back-pressure: a target without room makes all others wait; when the block is full, senders wait and links are
      postponed.
    - Ends: after its last producer, when every message was taken.
    - Fails: calls no user function except filters. A message that the filter of its target declines stays, and the
      network reports it.

    Args:
        capacity: Up to this many messages wait, >= 1; None for no bound.
        filter: Only messages for which this is true are taken; others are declined.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `capacity` is less than 1.
    """

    kind: ClassVar[str] = "distribute"

    def __init__(
        self,
        *,
        capacity: int | None = DEFAULT_CAPACITY,
        filter: Callable[[T], bool] | None = None,
        name: str | None = None,
    ) -> None:
        check_capacity(f"distribute {name!r}" if name else "a distribute", capacity)
        self._core = DistributeCore(self, capacity, filter, name)
