"""The core of a target: the queue of incoming messages, and the senders and links that wait for room in it.

Plain synchronous code; only `send` can wait. Invariants:
- the queue never holds more than `capacity`;
- `credit` > 0 only while an append to the queue is all that a send has to do: the target is open, has that much
  room, has no filter and no gate, and its step is queued (or it has no taker to notify). Code that ends such a state
  calls `withdraw_credit`. With credit, a `send` that need not wait is as cheap as a list append;
- parked senders and postponed links are notified in turn when there is room, so that neither kind can starve the
  other. One place is kept for each notified link until it has had its turn, so that no link can starve another.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context, copy_context
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from weakref import ref

import trio

from ..base.callables import truth
from ..base.checks import check_function
from ..base.error_info import shorten
from ..base.errors import Declined
from ..base.in_trio import check_in_trio
from ..base.message_status import MessageStatus
from ..base.timing import time_slice
from .credit import Creditor
from .graph import downstream, reachable
from .holding import holders, stand_still
from .queue import Queue
from .threads import check_thread
from .turns import Turns
from .waiting import Waiter, WaitList, waiting_threads

if TYPE_CHECKING:
    from .branch import Branch
    from .gate import Gate
    from .meters import Actor
    from .owner import Feed, Outlet, Owner
    from .ports import Part

T = TypeVar("T")
UNBOUNDED = sys.maxsize
ROOM_FOR_MORE = 32
"""With more room than this it is worth to wait for what a sender that was let in sends next."""


class Inbox(Creditor, Generic[T]):
    """The messages that a target has accepted and not yet worked on."""

    __slots__ = (
        "_accepted",
        "_fed_by",
        "_filter",
        "_links_asked",
        "_links_first",
        "_turns",
        "block",
        "branches",
        "capacity",
        "closed",
        "contexts",
        "gate",
        "is_direct",
        "label",
        "links",
        "most_queued",
        "postponed",
        "producers",
        "queue",
        "senders",
        "takes_only_links",
        "takes_runs",
    )

    def __init__(
        self,
        block: Owner,
        queue: Queue[T],
        *,
        capacity: int | None = None,
        filter: Callable[[T], bool] | None = None,
        label: str | None = None,
    ) -> None:
        super().__init__()
        check_function(block.class_name, "filter", filter)
        self.block: Owner = block
        self.queue: Queue[T] = queue
        self.capacity: int = UNBOUNDED if capacity is None else capacity
        self.label: str | None = label
        self._filter = filter
        self.gate: Gate | None = None
        self.closed: bool = False
        self.contexts: dict[trio.lowlevel.Task, Context] | None = None  # of waiting senders, if contexts are kept
        self.takes_only_links: bool = False
        self.most_queued: int = 0
        self._accepted = 0  # without credit
        self._links_first = False
        self._links_asked = False
        self._turns: Turns[Feed] = Turns()
        self.links: int = 0  # how many links lead here, including those of finished sources
        self.senders: WaitList[T] = WaitList()
        self.postponed: dict[Feed, None] = self._turns.waiting
        self.producers: dict[Part | object, None] = {}
        self._fed_by: dict[int, ref[Feed]] = {}  # by number; the links of finished sources are no producers any more
        self.branches: tuple[Branch, ...] = ()  # the paths from a broadcast to a join that contain the target
        self.takes_runs: bool = isinstance(queue, deque)  # whether `push` may put in many messages at once
        self.is_direct: bool = filter is None and self.takes_runs

    def __str__(self) -> str:
        return self.label or str(self.block)

    @property
    def accepted(self) -> int:
        """The number of messages accepted so far."""
        return self._accepted + self.on_credit

    def came_along(self, link: Feed) -> int:
        """Return how many of the accepted messages came along a link."""
        return link.passed

    def room(self) -> int:
        """Return how many more messages fit into the queue."""
        return self.capacity - len(self.queue)

    def why_full(self) -> str:
        """Explain why the target accepts nothing more now."""
        if self.room() < 1 or self.gate is None:
            return f"it is full ({self.capacity - self.room()} of {self.capacity})"
        return self.gate.why_full()

    def takes_one_by_one(self) -> None:
        """From now on, look at every message that comes along a link separately."""
        self.takes_runs = self.is_direct = False

    def answers_change(self) -> None:
        """Note that the answers to sends and offers change now."""
        self.withdraw_credit()
        for producer in tuple(self.producers):
            outbox: Outlet | None = getattr(producer, "outbox", None)
            if outbox is not None:
                outbox.generation += 1

    def count_moved(self, holder: Actor, messages: int) -> None:
        """Add messages to what a task has sent."""
        holder.emitted += messages

    def note_depth(self) -> None:
        """Record the queue depth; called before messages leave, so that no peak is missed."""
        depth = len(self.queue)
        if depth > self.most_queued:
            self.most_queued = depth

    # Taking messages in

    @property
    def filter(self) -> Callable[[T], bool] | None:
        """The function that decides which messages the target wants; None for all."""
        return self._filter

    @filter.setter
    def filter(self, accepts: Callable[[T], bool] | None) -> None:
        check_function(self, "filter", accepts)
        self.answers_change()
        self._filter = accepts
        self.is_direct = accepts is None and self.takes_runs
        for waiter in self.senders:
            if not self.wants(waiter.payload):
                self.senders.fail(waiter, self.declined(waiter.payload))
        self.block.wake()
        self.wake_sources()

    def wants(self, message: T) -> bool:
        """Whether the message would be taken, now or later."""
        if self.closed:
            return False
        if self._filter is None:
            return True
        answer: object = self._filter(message)
        return answer if answer is True or answer is False else truth(self, answer)

    def offer(self, message: T, link: Feed | None = None) -> MessageStatus:
        """Accept the message if that is possible now."""
        if (link is None and self.takes_only_links) or not self.wants(message):
            return MessageStatus.DECLINED
        if link is None and self.branches:
            self.is_disturbed("a message was sent to it directly")
        room = self.room() if link is None else self.room_for(link)
        if room < 1:
            return self.refuse(message, link)
        if self.gate is not None and self.is_gated(link) and not self.gate.admit((message,), 1):
            status = self.refuse(message, link)
            if link is not None and self.gate.is_refusing:  # admit() may have raised the limit
                self._turns.bar(link)
            return status
        if link is not None:
            self._links_first = False
            if link.turn:
                self._turns.took(link)
        self.store(message)
        return MessageStatus.ACCEPTED

    def is_gated(self, link: Feed | None) -> bool:
        """Whether a governor decides about messages of a link, or of a sender if `link` is None."""
        return self.gate is not None and not (link is not None and self.gate.covers(link.giver))

    def refuse(self, message: T, link: Feed | None) -> MessageStatus:
        """Postpone an offer because there is no room."""
        del message
        if link is not None:
            self._turns.postpone(link)
            self.block.room_is_awaited()
        return MessageStatus.POSTPONED

    def store(self, message: T) -> None:
        """Append a message without a check of the room."""
        self.withdraw_credit()
        self.queue.append(message)
        self._accepted += 1
        self.block.arrived()

    def passes(self) -> None:
        """Count a message that is worked on at once and never enters the queue."""
        self._accepted += 1

    def store_of(self, waiter: Waiter[T]) -> None:
        """Append the message of a waiting sender, in the sender's context."""
        context = None if self.contexts is None else self.contexts.get(waiter.task)
        if context is None:
            self.store(waiter.payload)
        else:
            context.run(self.store, waiter.payload)

    def carry(self, queue: Queue[T]) -> None:
        """Use a queue that keeps the context of each message from now on."""
        self.withdraw_credit()
        self.queue = queue
        self.takes_one_by_one()
        self.contexts = {}

    def push(self, items: Sequence[T], link: Feed) -> int:
        """Append as many items as fit, from the first on, and return how many; the caller removes them.

        Only while `takes_runs`, and only items that the filter accepts. If items are left over, the link is postponed.
        """
        waiting = len(items)
        room = self.room_for(link)
        count = fitting = max(0, min(room, waiting))
        if self.gate is not None and count > 0 and self.is_gated(link):
            count = self.gate.admit(items, count)
        if count > 0 and link.turn:
            self._turns.took(link)
        if count < fitting and self.gate is not None and self.gate.is_refusing:  # admit() may have raised the limit
            self._turns.bar(link)
        elif count < waiting:
            self._turns.postpone(link)
        if count < waiting:
            self.block.room_is_awaited()
        if count > 0:
            if self.credit:
                self.withdraw_credit()
            self._links_first = False
            self._accepted += count
            queue: Any = self.queue  # a deque
            queue.extend(items if count == waiting else islice(items, count))
            self.block.arrived()
        return count

    # Sending

    def send_nowait(self, item: T) -> None:
        """Accept a message, or raise `trio.WouldBlock` if it would have to wait."""
        status = self._try(item)
        if status is MessageStatus.ACCEPTED:
            self._grant(time_slice.clock())
        elif status is MessageStatus.POSTPONED:
            raise trio.WouldBlock(f"{self} has no room now")
        else:
            raise self.declined(item)

    async def send(self, item: T) -> None:
        """Accept a message; wait for room if there is none."""
        slow = time_slice.clock()
        if slow >= time_slice.until:
            check_in_trio("send to", self)
            await time_slice.pause()
        if holders:
            await stand_still(is_send=True)
        status = self._try(item)
        if status is MessageStatus.ACCEPTED:
            self._grant(slow)
        elif status is MessageStatus.DECLINED:
            if self.takes_only_links:  # the sender may be an agent that was cancelled for this reason
                await trio.lowlevel.checkpoint_if_cancelled()
            raise self.declined(item)
        else:
            await self._wait_for_room(item)

    async def _wait_for_room(self, item: T) -> None:
        task = trio.lowlevel.current_task()
        if self.contexts is not None:
            self.contexts[task] = copy_context()
        self.block.room_is_awaited()
        try:
            await self.senders.park(self.block, "send", item)
        except BaseException:
            if self.gate is not None and self.senders:  # a lighter item after this one may get in now
                self.block.wake()
            raise
        finally:
            if self.contexts is not None:
                self.contexts.pop(task, None)

    def _grant(self, now: float) -> None:
        """Give credit to a sender, so that it appends its next messages directly; a quick sender gets more."""
        user = None if self.block.host is None else self.block.host.measures.last_actor
        if user is not None:
            user.sends(now)
        if not self.is_direct or self.gate is not None or self.block.tracer is not None:
            return
        is_only_one = len(self.producers) < 2  # no other sender uses the credit
        if is_only_one and self.block.needs_no_wake():
            self.give_credit(now, self.room(), user)
        self.came(now)

    def _try(self, item: T) -> MessageStatus:
        block = self.block
        if block.broken is not None:
            raise trio.BrokenResourceError(f"cannot send to {self}: {block.broken}")
        user = None if block.host is None else block.host.current_actor(block)
        if waiting_threads and block.host is None:
            check_thread(block, "send to")
        if self.senders.waiters:  # first come, first served
            return MessageStatus.POSTPONED if self.wants(item) else MessageStatus.DECLINED
        if user is not None and user.trace is not None:
            user.trace.sending(item, block.name)
        status = self.offer(item)
        if user is not None and status is MessageStatus.ACCEPTED:
            user.emitted += 1
        return status

    # Sending from another thread

    def check_can_come(self) -> None:
        """Raise if the target accepts nothing any more; callable from any thread."""
        if self.block.broken is not None:
            raise trio.BrokenResourceError(f"cannot send to {self}: {self.block.broken}")
        if self.closed:
            raise Declined(f"{self} is complete and takes no more")

    def take_from_thread(self, item: T) -> bool:
        """Accept an item that a thread sends; runs in the loop's thread. False if the item has to wait."""
        network = self.block.host
        if network is not None and network.is_being_stopped:
            raise trio.BrokenResourceError(f"cannot send to {self}: its network was stopped")
        self.check_can_come()
        status = MessageStatus.POSTPONED if self.senders and self.wants(item) else self.offer(item)
        if status is MessageStatus.DECLINED:
            raise self.declined(item)
        return status is MessageStatus.ACCEPTED

    def spawn(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Start a task that waits for room on behalf of a thread; runs in the loop's thread."""
        network = self.block.host
        if network is not None and network.is_open:
            network.spawn(work, name=name, phase=self.block.name, context=copy_context())
        else:
            trio.lowlevel.spawn_system_task(work, name=name, context=copy_context())

    def declined(self, item: T) -> Declined:
        """Make the error that says why an item is not accepted."""
        if self.takes_only_links:
            return Declined(f"{self} needs nothing more: its targets have all they wanted; it was sent {shorten(item)}")
        if self.closed:
            return Declined(f"{self} is complete and takes no more; it was sent {shorten(item)}")
        if not self.wants(item):
            return Declined(
                f"the filter of {self} declined {shorten(item)}; send what it accepts, or change the filter"
            )
        return Declined(f"{self} is full ({len(self.queue)} of {self.capacity}) and rejects {shorten(item)}")

    # Making room

    def take(self, count: int) -> Sequence[T]:
        """Remove up to `count` messages from the front; the caller then calls `admit`."""
        queue = self.queue
        if len(queue) > self.most_queued:
            self.most_queued = len(queue)
        if not isinstance(queue, deque):
            return cast("Sequence[T]", cast("Any", queue).take(count))  # with their contexts, or sorted
        if count >= len(queue):
            self.queue = deque()
            return queue
        return [queue.popleft() for _ in range(count)]

    def serve_waiting(self) -> None:
        """Let in waiting links and senders, in turn, while there is room."""
        if not self.postponed and not self.senders.waiters:
            return
        links_turn = self._links_first and (self.postponed or self._links_asked)
        while self.senders.waiters and self.room() > 0 and not links_turn:
            waiter = self.senders.first()
            if self.gate is not None and not self.gate.admit((waiter.payload,), 1):
                break  # the gate calls `gate_opened` later
            if len(self.senders) == 1 and self.gate is None and not self.postponed and self.room() > ROOM_FOR_MORE:
                self.block.awaits_sender()
            self.store_of(waiter)
            self.senders.wake(waiter)
            self._links_first = True
            links_turn = bool(self.postponed)
        room = self.room()
        if self.postponed and room > 0 and self._turns.may_ask((self.accepted, room)):
            if len(self.producers) > 1:
                self._ask_first(room)
            else:
                self.wake_postponed()
            if self.senders:  # in the block's next step they get the room that the links do not use
                self._links_asked = True
                self.block.wake()

    def begin_step(self) -> None:
        """Prepare for a step of the block: withdraw the credit, and end the turns of links that were asked."""
        self.withdraw_credit()
        self._links_asked = False
        if self._turns.asked and self._turns.step():
            self.block.wake()  # this step comes after the steps of the sources that were asked

    def _ask_first(self, room: int) -> None:
        """Ask the links that wait longest, as many as there is room for; the others keep waiting."""
        self._ask(self._turns.ask(room))
        self.block.wake()  # its step releases the places that are kept for the links

    def room_for(self, link: Feed) -> int:
        """Return the room for a link, if every link before it in the order (asked or waiting) gets one place."""
        if not self.postponed and not self._turns.asked:
            return self.room()
        return self.room() - self._turns.ahead_of(link)

    def gate_opened(self) -> None:
        """Try again to let in refused items, because items have left the gate's region."""
        self._turns.ask_again()
        self.serve_waiting()
        self.block.wake()  # after the sources that were asked, so that its step finds their items

    def wake_postponed(self) -> None:
        """Ask all postponed sources for their messages."""
        self._ask(self._turns.ask_all())

    @staticmethod
    def _ask(links: Iterable[Feed]) -> None:
        for link in links:
            link.giver.wake()

    def wake_sources(self) -> None:
        """Ask every linked source for its head again, because a declined message may be wanted now."""
        for producer in tuple(self.producers):
            giver: Owner | None = getattr(producer, "giver", None)
            if giver is not None:
                giver.wake()

    def refuse_senders(self) -> None:
        """Accept messages only along links from now on; sent messages are not needed."""
        self.withdraw_credit()
        self.takes_only_links = True

    def decline_senders(self) -> None:
        """Fail the waiting senders, because their messages are not needed."""
        for waiter in self.senders:
            self.senders.fail(waiter, self.declined(waiter.payload))
        if not self.producers:
            self.close()

    def discard(self) -> int:
        """Remove all messages; return how many there were."""
        self.withdraw_credit()
        self.note_depth()
        count = len(self.queue)
        self.queue.clear()
        return count

    # Links

    def linked(self, link: Feed) -> None:
        """Add a new link as a producer."""
        self.producers[link] = None
        self.links += 1
        self._fed_by[link.number] = ref(link)
        if self.branches:
            self.is_disturbed(f"{link.giver} was linked to it")
        if self.block.host is not None:
            for block in reachable(self.block, downstream):
                block.input_linked()

    def fed_by(self) -> Iterable[Feed]:
        """The links that lead here, including those of finished sources, as long as they exist."""
        return [link for known in self._fed_by.values() if (link := known()) is not None]

    def is_disturbed(self, what: str) -> None:
        """Tell the joins downstream that messages came in here which are not from their broadcast."""
        for branch in self.branches:
            branch.break_off(f"while the network ran, {what} ({self})")

    def link_from(self, source: Owner | None) -> Feed | None:
        """The link from a source to this target, or None."""
        link: Feed | None = None if source is None else source.link_to(self)
        return link

    def unlinked(self, link: Feed) -> None:
        """Forget a removed link; the target does not complete, but it may become an entry of its network."""
        self.links -= 1
        self.producers.pop(link, None)
        self._fed_by.pop(link.number, None)
        self._turns.forget(link)
        self.lost_producer()

    def lost_producer(self) -> None:
        """If no producer is left, make the target an entry: it completes when the body of its network ends."""
        network = self.block.host
        if not self.producers and network is not None:
            network.entry_appeared(self)

    # Ending

    def close(self) -> None:
        """Accept nothing more; waiting senders fail and keep their items."""
        if self.closed:
            return
        self.answers_change()
        for waiter in self.senders:
            self.senders.fail(
                waiter, Declined(f"{self} was completed while {shorten(waiter.payload)} waited to be sent")
            )
        self.closed = True
        self.wake_postponed()
        self.block.wake()

    def producer_done(self, producer: object) -> None:
        """Remove a producer that has finished; the target completes after its last producer."""
        self.producers.pop(producer, None)
        if not self.producers:
            self.close()

    def abort(self, reason: str) -> int:
        """Drop everything because the network stops; return how many messages were discarded."""
        self.answers_change()
        for waiter in self.senders:
            self.senders.fail(waiter, trio.BrokenResourceError(f"cannot send to {self}: {reason}"))
        self.closed = True
        self._turns.clear()
        count = len(self.queue)
        self.queue.clear()
        return count
