"""The core of a source: the queue of outgoing messages, the links, and the receivers that wait for a message.

Plain synchronous code; only `receive` can wait. Invariants:
- a message leaves only from the head of the queue, to the first linked target that accepts it, in link order, or to
  the receiver that waits longest if no link takes it;
- `links` is in the order in which the links were made, and `link_to` finds one by its target;
- while the head is reserved, nothing leaves and the head stays the head;
- no receiver is parked while there is a head that the receiver accepts and that no link takes;
- `credit` > 0 only while taking the head from the queue is all that a receive without a filter has to do: the head
  is free, there are no links, no parked receivers and nothing upstream that waits for room, and at least one message
  more is in the queue. Code that ends such a state calls `withdraw_credit`. With a lease, a receive is as cheap as a
  list pop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import trio

from ..base.callables import truth
from ..base.error_info import shorten
from ..base.in_trio import check_in_trio
from ..base.message_status import MessageStatus
from ..base.timing import LARGEST_BATCH, time_slice
from .contexts import adopt, context_of, hand_over
from .credit import Creditor
from .holding import AGAIN, holders, is_held, stand_still
from .link import Link
from .queue import Queue
from .routes import decide, routes_of
from .threads import check_thread
from .waiting import Waiter, WaitList, waiting_threads

if TYPE_CHECKING:
    from .branch import Branch
    from .contexts import ContextQueue
    from .inbox import Inbox
    from .meters import Actor
    from .owner import Owner

T = TypeVar("T")


class Outbox(Creditor, Generic[T]):
    """The messages that a source gives; each goes to the first taker."""

    __slots__ = (
        "_received",
        "block",
        "branches",
        "carries",
        "delivered",
        "ended",
        "generation",
        "holder",
        "link_to",
        "links",
        "loop",
        "queue",
        "readers",
        "receivers",
    )

    def __init__(self, block: Owner, queue: Queue[T]) -> None:
        super().__init__()
        self.block: Owner = block
        self.queue: Queue[T] = queue
        self.links: list[Link[T]] = []
        self.link_to: dict[Inbox[Any], Link[T]] = {}
        self.readers: list[Any] = []
        self.receivers: WaitList[bool] = WaitList()  # the payload: whether the receiver reads until the end
        self.holder: object = None
        self.loop: object = None  # the task that takes everything until the end
        self.delivered: int = 0
        self.generation: int = 0  # counts up when the links or their targets change
        self._received = 0  # without credit
        self.ended: bool = False
        self.branches: tuple[Branch, ...] = ()  # the paths from a broadcast to a join that contain the block
        self.carries: bool = False  # whether its queue keeps the context of each message

    def __len__(self) -> int:
        return len(self.queue)

    def count_moved(self, holder: Actor, messages: int) -> None:
        """Add messages to what a task has received."""
        holder.received += messages

    @property
    def waits_to_give(self) -> bool:
        """Whether a message should stay here until its target can work on it, because a better one may come."""
        return False

    @property
    def received(self) -> int:
        """How many messages receivers have taken so far."""
        return self._received + self.on_credit

    # Handing out

    def flush(self) -> None:
        """Hand out as many messages as targets and receivers take now."""
        while self.queue and self.holder is None:
            count = self._hand_to_links() if self.links else 0
            self.delivered += count
            if count and self._is_full_behind():
                break
            if not count and not (self.receivers.waiters and self._serve_one()):
                if self.links and not any(link in link.inbox.postponed for link in self.links):
                    self.block.scheduler.declined(self)
                break

    def _is_full_behind(self) -> bool:
        """Whether the only taker has just taken what it has room for."""
        links = self.links
        return len(links) == 1 and links[0] in links[0].inbox.postponed and not self.receivers.waiters

    def _hand_to_links(self) -> int:
        link = self.links[0]
        if len(self.links) == 1 and link.is_unfiltered and isinstance(self.queue, deque):
            return link.push(self.queue)
        if len(self.queue) > len(self.links) and not self.branches and isinstance(self.queue, deque):
            count = self._offer_many()
            if count is not None:
                return count
        return self._offer_head_in_context() if self.carries else self._offer_head()

    def _offer_head_in_context(self) -> int:
        """Offer the head to the links, in the head's context."""
        return cast("ContextQueue", self.queue).context.run(self._offer_head)

    def _offer_many(self) -> int | None:
        """Hand a run of messages to links with filters; return how many have left, None if they must go one by one."""
        routes = routes_of(self.links)
        if not routes:
            return None
        most = min(LARGEST_BATCH, routes[0].room) if len(routes) == 1 else LARGEST_BATCH
        gone = self.messages_gone()
        is_declined, error = decide(routes, list(islice(cast("deque[T]", self.queue), max(0, most))), self)
        if self.messages_gone() != gone or not all(route.is_open for route in routes):
            return None  # a filter has taken or sent messages, or ended a block
        count = sum(route.link.push_all(route.run) for route in routes if route.run)
        if count == len(self.queue):
            self.queue.clear()
        else:
            for _ in range(count):
                self.queue.popleft()
        if error is not None:
            self.delivered += count
            raise error
        return count if count or is_declined else None

    def carry(self, queue: Queue[T]) -> None:
        """Use a queue that keeps the context of each message from now on."""
        self.withdraw_credit()
        self.queue = queue
        self.carries = True

    def context_at(self, link: Link[T]) -> Context | None:
        """The context of the next message for a link; None if contexts are not kept here."""
        del link
        return context_of(self.queue)

    def is_held_up(self) -> bool:
        """Whether there is a head that only links can take."""
        return bool(len(self)) and self.holder is None and all(reader.is_done for reader in self.readers)

    def messages_gone(self) -> int:
        """How many messages have left so far."""
        return self.delivered + self.received

    def where(self) -> tuple[str | None, str]:
        """The names of its network, if it runs, and of its block."""
        network = self.block.host
        return None if network is None else network.name, self.block.name

    def describe_head(self) -> str:
        """Describe the head, and the reasons why no link takes it."""
        head = self.queue[0]
        reasons = "; ".join(link.obstacle(head) for link in self.links)
        what = "" if self is self.block.outboxes()[0] else "the dead letter "
        return f"{self.block} has kept {what}{shorten(head)}, and all messages behind it: {reasons}"

    def head_remedy(self) -> str:
        """Advice for a head that no link takes."""
        if self is not self.block.outboxes()[0]:
            return "let the target take every dead letter"
        return "drop unwanted messages in a Filter, or add a last link that takes the rest"

    def emit(self, items: list[T]) -> None:
        """Hand out new messages, after those that wait already."""
        queue: Any = self.queue  # a deque
        if self.carries:
            queue.extend(items)
            self.flush()
            return
        if len(self.links) == 1 and not queue and self.holder is None:
            link = self.links[0]
            if link.is_unfiltered and not link.inbox.closed:  # the fast path: most messages never enter the queue
                try:
                    count = link.push_all(items)
                except BaseException:  # from a governor's weight function, for example
                    queue.extend(items)
                    raise
                self.delivered += count
                items = items[count:]
                if not items:
                    return
        queue.extend(items)
        self.flush()

    def _offer_head(self) -> int:
        head, count = self.queue[0], len(self.links)
        for link in self.links:
            if link.offer(head) is MessageStatus.ACCEPTED:
                self.queue.popleft()
                self.leaves(link)
                return 1
            if len(self.links) != count:
                return (
                    0  # a filter has changed the links: the block has been woken, and offers the head to the new ones
                )
        return 0

    def leaves(self, link: Link[T] | None) -> None:
        """Tell the branches that a message leaves along a link, or to a receiver if `link` is None."""
        for branch in self.branches:
            branch.left(self.block, link, self.delivered + self.received + 1)

    def handed_out(self, link: Link[T]) -> int:
        """How many messages have left the source."""
        del link
        return self.delivered + self.received

    def serve(self) -> None:
        """Give heads to the receivers that accept them."""
        while self.queue and self.holder is None and self._serve_one():
            pass

    def _serve_one(self) -> bool:
        for waiter in self.receivers.in_turn():
            if self.accepts(waiter, self.queue[0]):
                self.leaves(None)
                self._received += 1
                item = self.queue.popleft()
                if self.carries:
                    hand_over(waiter.task, cast("ContextQueue", self.queue).last)
                self.receivers.wake(waiter, item)
                return True
        return False

    def accepts(self, waiter: Waiter[bool], head: T) -> bool:
        """Whether a receiver wants the head; an error of its filter is raised in the receiver's task."""
        try:
            return waiter.accepts is None or self.passes(waiter.accepts, head)
        except Exception as error:
            self.receivers.fail(waiter, error)
            return False

    def passes(self, accepts: Callable[[T], bool], head: T) -> bool:
        """Whether the filter of a receiver accepts the head."""
        answer: object = accepts(head)
        return answer if answer is True or answer is False else truth(f"receive from {self.block}", answer)

    # Receiving

    def receive_nowait(self, accepts: Callable[[T], bool] | None = None) -> T:
        """Take the head; raise `trio.WouldBlock` if there is none or the filter declines it."""
        if (holders and is_held()) or not self.has_head(accepts):
            raise trio.WouldBlock(f"{self.block} has no message to give now")
        return self.pop()

    def has_head(self, accepts: Callable[[T], bool] | None) -> bool:
        """Whether a receiver can take the head now; raises if it never can."""
        self.withdraw_credit()
        block = self.block
        if block.broken is not None:
            raise trio.BrokenResourceError(f"cannot receive from {block}: {block.broken}")
        self.touch()
        self.serve_others()
        if self.queue and self.holder is None and (accepts is None or self.passes(accepts, self.queue[0])):
            return True
        if self.ended and self.holder is None:
            what = " and holds only messages that the filter declines" if self.queue else ""
            raise trio.EndOfChannel(f"{block} is finished{what}")
        return False

    def pop(self) -> T:
        """Take the head for a receiver; call it right after `has_head`."""
        self._received += 1
        self.block.note_depth()
        try:
            item = self.queue.popleft()
        except BaseException:  # from a method of a user's buffer
            self._received -= 1
            raise
        context = cast("ContextQueue", self.queue).last if self.carries else None
        try:
            self.block.item_taken()
        except BaseException:  # from a filter upstream, outside a network
            self._received -= 1
            self.queue.appendleft(item)
            raise
        if self.branches:
            self._received -= 1
            self.leaves(None)
            self._received += 1
        if context is not None:
            adopt(context)
        self._was_taken(item)
        return item

    def _was_taken(self, item: T) -> None:
        """Record that the task which used the block last has received the item."""
        network = self.block.host
        if network is not None:
            measures = network.measures
            if measures.last_actor is not None:
                measures.last_actor.took(item)
            elif measures.tracer is not None:
                measures.tracer.forget(self.block.name, (item,))

    async def receive(self, accepts: Callable[[T], bool] | None = None, is_loop: bool = False) -> T:
        """Take the head; wait for one that the filter accepts.

        Args:
            accepts: The filter.
            is_loop: Whether the receiver takes everything until the end.
        """
        now = time_slice.clock()
        if now >= time_slice.until:
            check_in_trio("receive from", self.block)
            await time_slice.pause()
        if holders:
            await stand_still()
        if self.has_head(accepts):
            head = self.pop()
            if accepts is None:
                self._lend(now)
            return head
        self.block.receiver_comes()
        item: T = await self.receivers.park(self.block, "receive", is_loop, accepts)
        if item is AGAIN:
            return await self.receive(accepts, is_loop)
        if self.carries:
            adopt()
        return item

    def _lend(self, now: float) -> None:
        """Let the receiver take its next messages directly; a quick receiver may take more."""
        loose = 0 if self.carries or self.branches else self.block.loose()
        if loose > 0 and len(self.readers) < 2:  # no other reader uses the lease
            host = self.block.host
            user = None if host is None else host.measures.last_actor
            if user is not None or host is None or not host.is_open:
                self.give_credit(now, loose, user)
        self.came(now)

    # Two-phase taking

    def available(self, link: Link[T]) -> bool:
        """Whether the target can take the head along the link."""
        return bool(self.queue) and self.holder is None and link.is_linked and link.wants(self.queue[0])

    def head(self, link: Link[T]) -> T:
        """The message that `take` along the link would return."""
        del link
        return self.queue[0]

    def take(self, link: Link[T]) -> T:
        """Take the head along a link, for a target that has seen it with `head`."""
        self.block.note_depth()
        item = self.queue.popleft()
        self.leaves(link)
        self.delivered += 1
        link.count()
        self.block.wake()
        return item

    def ahead(self, link: Link[T]) -> int:
        """How many messages `take_many` may take along a link, after `available` was True."""
        if link.filter is not None or link.remaining is not None or (self.branches and len(self.links) > 1):
            return 1
        return len(self.queue) if isinstance(self.queue, deque) else 1

    def take_many(self, link: Link[T], count: int) -> Sequence[T]:
        """Take several messages along a link, at most as many as `ahead` says."""
        self.block.note_depth()
        take = self.queue.popleft
        taken = [take() for _ in range(count)]
        self.delivered += count
        link.passed += count
        self.block.wake()
        return taken

    def reserve(self, holder: object) -> bool:
        """Keep the head for one taker; False if there is no head or it is reserved already."""
        if holder is None:
            raise TypeError(f"{self.block}: reserve needs the taker, got None")
        self.withdraw_credit()
        self.touch()
        self.serve_others()
        if self.holder is not None or not self.queue:
            return False
        self.holder = holder
        self.pin()
        return True

    def serve_others(self) -> None:
        """Serve links and earlier receivers first; only the rest is available to the caller."""
        while self.queue and (self.links or self.receivers.waiters):
            waiting = len(self.queue)
            self.flush()
            if len(self.queue) == waiting:
                return
            self.block.item_taken()  # may let in more messages, which the others get first too

    def pin(self) -> None:
        """Make sure that the head stays the head."""
        self.queue.appendleft(self.queue.popleft())  # this matters in a queue that sorts

    def touch(self) -> None:
        """Remember the task that uses the source."""
        if self.block.host is not None:
            self.block.host.current_actor(self.block)
        elif waiting_threads:
            check_thread(self.block, "receive from")

    def consume(self, holder: object) -> T:
        """Take the reserved head."""
        self._check_holder(holder, "consume")
        self.holder = None
        self.block.note_depth()
        item = self.queue.popleft()
        self.leaves(None)
        self.delivered += 1
        self._was_taken(item)
        self.block.wake()
        return item

    def release(self, holder: object) -> None:
        """Give the reserved head back; it is offered again."""
        self._check_holder(holder, "release")
        self.holder = None
        self.block.wake()

    def _check_holder(self, holder: object, verb: str) -> None:
        self.touch()
        if self.holder is None or self.holder is not holder:
            raise RuntimeError(
                f"{self.block}: cannot {verb} for {holder!r}, which has not reserved the head; reserve it first"
            )

    # Links

    def link(
        self, inbox: Inbox[T], accepts: Callable[[T], bool] | None = None, max_messages: int | None = None
    ) -> Link[T]:
        """Add a link at the end of the link order."""
        if inbox in self.link_to:
            raise ValueError(f"{self.block} is already linked to {inbox}; unlink it first, or link another block")
        self.generation += 1
        link = Link(self, inbox, accepts, max_messages)
        self._meet(link.giver, link.taker)
        self.links.append(link)
        self.link_to[inbox] = link
        inbox.linked(link)
        self.block.link_comes()
        self.greet(link)
        if self.ended:
            self.flush()
            self.release_targets()
        else:
            self.block.wake()
        return link

    def greet(self, link: Link[T]) -> None:
        """Give a new link its first messages; by default there are none."""

    @staticmethod
    def _meet(source: Owner, target: Owner) -> None:
        """Make a block that is linked to a running block join its network."""
        if source.host is not None and source.host.is_open:
            source.host.adopt(target)
        elif target.host is not None and target.host.is_open:
            target.host.adopt(source)

    def unlinked(self, link: Link[T]) -> None:
        """Forget a removed link."""
        self.generation += 1
        del self.links[bisect_left(self.links, link.number, key=attrgetter("number"))]
        del self.link_to[link.inbox]
        self.block.wake()

    # Ending

    def end(self) -> None:
        """Tell targets and receivers that nothing more will come."""
        self.ended = True
        self.end_receivers()
        self.release_targets()

    def end_receivers(self) -> None:
        """Tell the waiting receivers that nothing more will come."""
        for waiter in self.receivers:
            self.receivers.fail(waiter, trio.EndOfChannel(f"{self.block} is finished"))

    def release_targets(self) -> None:
        """If the source has ended and is empty, end the receivers and stop being a producer of the targets."""
        if self.ended and not len(self):
            self.end_receivers()
            for link in tuple(self.links):
                link.inbox.producer_done(link)

    def let_go(self) -> None:
        """Stop being a producer of the targets, although messages remain that nothing takes."""
        for link in tuple(self.links):
            link.inbox.producer_done(link)

    def abort(self, reason: str) -> int:
        """Drop everything because the network stops; return how many messages were discarded."""
        for waiter in self.receivers:
            self.receivers.fail(waiter, trio.BrokenResourceError(f"cannot receive from {self.block}: {reason}"))
        self.withdraw_credit()
        count = len(self)
        self.queue.clear()
        self.holder = None
        self.ended = True
        return count
