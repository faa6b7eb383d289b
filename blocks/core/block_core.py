"""The core of every block: it has a name, runs in steps, ends once, and counts its items.

States: open → finished (the block has drained and told its targets) or → broken (its network stopped before that).
A block is in the queue of ready blocks at most once. The network owns the scheduler; the block owns its items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from ..base.error_info import shorten
from ..base.names import given_name
from ..base.times import Histogram
from ..base.timing import time_slice
from .awaited import Awaited
from .block import Block, Unmade, inside, way_made
from .block_accounts import BlockAccounts
from .contexts import Carrier
from .gate import Gate
from .graph import downstream, reachable
from .ports import Part
from .scheduler import Scheduler, detached
from .waiting import running_networks

if TYPE_CHECKING:
    from .branch import Branch
    from .inbox import Inbox
    from .link import Link
    from .observer import Observer
    from .outbox import Outbox
    from .owner import Outlet
    from .ports import Host
    from .waiting import Waiter


class BlockCore(BlockAccounts):
    """The core of a block, which the library uses: its state, its place in a network, and its accounts.

    Args:
        facade: The block of the user.
        name: Its name; by default its class and a number.

    Attributes:
        facade: The block of the user, which hands every call on to this core.
        kind: The word for the kind of the block.
        name: The name in reports, notes and messages.
        inbox: The main inbox; only targets have one.
        outbox: The main outbox; only sources have one.
        made: The class and the arguments of the block, with which another block like it can be made; None if they are
            not known.
    """

    __slots__ = (
        "__weakref__",
        "broken",
        "counts",
        "facade",
        "finished",
        "governed",
        "host",
        "kind",
        "made",
        "name",
        "queued",
        "scheduler",
        "waits",
    )

    inbox: Inbox[Any]
    outbox: Outbox[Any]

    def __init__(self, facade: Any, name: str | None) -> None:
        self.facade: Any = facade
        self.made: Unmade | None = way_made(facade)
        self.kind: str = facade.kind
        self.name: str = given_name(self.class_name, name)
        self.scheduler: Scheduler = detached
        self.host: Host | None = None
        self.queued: bool = False
        self.finished: bool = False
        self.broken: str | None = None
        self.governed: Sequence[Gate] = ()
        self.counts: Counter[str] = Counter()
        self.waits: dict[str, Histogram] = {}

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    def __repr__(self) -> str:
        return f"<{self.class_name} {self.name!r} {self._state()}, {self._describe_held()}>"

    @property
    def class_name(self) -> str:
        """The name of the block's class."""
        return type(self.facade).__name__

    @property
    def tracer(self) -> Observer | None:
        """The observer that records the run; None if the run is not recorded."""
        return None if self.host is None else self.host.measures.tracer

    @property
    def keeps_order(self) -> bool:
        """Whether the block emits one message per input message, in the same order, except for lost ones.

        A join by position relies on this for every block before it. The class of the block may say it.
        """
        return bool(getattr(self.facade, "keeps_order", False))

    def _state(self) -> str:
        if self.broken is not None:
            return "stopped"
        return "finished" if self.finished else "open"

    def _describe_held(self) -> str:
        return f"{self.held()} held"

    def fork_behind(self) -> BlockCore | None:
        """Return the block whose outputs come together again here: a broadcast, for example; None if nothing does."""
        return None

    # Stepping

    def hold_steps(self, is_held: bool) -> None:
        """Take no step until this is called with False."""
        self.queued = is_held

    def wake(self) -> None:
        if not self.queued:
            self.queued = True
            self.scheduler.add(self)

    def step(self) -> None:
        """Do the work that is possible now, for a fraction of a millisecond."""
        raise NotImplementedError

    def arrived(self) -> None:
        """React to a new message in the inbox."""
        self.wake()

    def needs_no_wake(self) -> bool:
        """Whether a message can be put into the inbox without a call of `arrived`."""
        return self.queued

    def item_taken(self) -> None:
        """React to a message that was taken from the outbox outside a step."""
        self.wake()

    def parked(self) -> None:
        self.scheduler.parked()
        if self.scheduler is detached:
            running_networks.tell()  # the task may belong to a running network

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        waits = self.waits.get(waiter.doing)
        if waits is None:
            waits = self.waits[waiter.doing] = Histogram()
        waits.add(time_slice.clock() - waiter.since)
        if self.host is not None:
            self.host.measures.waited(waiter, result)

    def describe_wait(self, waiter: Waiter[Any]) -> str:
        for inbox in self.inboxes():
            if waiter in inbox.senders:
                return f"waits to send {shorten(waiter.payload)} to {inbox}: {inbox.why_full()}"
        return f"waits to {waiter.doing} at {self}"

    def notify_governors(self) -> None:
        """Tell the governors to check again, because items left by a receive outside a step."""
        for gate in self.governed:
            gate.look()

    def awaited_inboxes(self) -> Iterable[Inbox[Any]]:
        """Return the inputs that need a message before the block can go on, if it has nothing to emit."""
        return self.inboxes()

    # Ending

    def mark_broken(self, reason: str) -> None:
        """Note why the block was stopped."""
        self.broken = reason

    def finish(self) -> None:
        """Become finished; subclasses also tell their targets."""
        self.finished = True
        self.scheduler.ended(self)

    def abort(self, reason: str) -> None:
        """End without draining: discard the held items and wake the waiters."""
        raise NotImplementedError

    def in_flight(self) -> int:
        """Return how many items in the block are in flight; a kept value that receivers only read does not count."""
        return self.held()

    def contexts_from(self) -> Iterable[Carrier]:
        """The blocks that send messages with contexts to this one: along links, or through agents that use contexts."""
        for inbox in self.inboxes():
            for feeder in tuple(inbox.producers):
                sources: Callable[[], Iterable[Carrier]] = getattr(feeder, "contexts_from", tuple)
                yield from sources()

    def complete_circle(self) -> None:
        """Take no more input, because the network is drained and only a circle of links keeps the block open."""
        for inbox in self.inboxes():
            inbox.close()

    # Counting

    def undelivered(self) -> int:
        """Return how many held items still have to go on; results that the user reads after the run do not count."""
        return self.held()

    def drop(self, reason: str, items: Iterable[Any], places: Sequence[int] = ()) -> None:
        """Count items that a policy drops here, and tell the blocks downstream.

        Args:
            reason: The name under which they are counted.
            items: The items.
            places: For each item, its position in the input stream, counted from 1.
        """
        items = tuple(items)
        self.count_dropped(reason, items)
        self.announce_loss(items, places)

    def count_dropped(self, reason: str, items: Sequence[Any]) -> None:
        """Count items that are dropped here for a reason."""
        self.counts[f"dropped:{reason}"] += len(items)
        if items and isinstance(items[0], Awaited):
            for item in items:
                item.lost(str(self), reason)
        if (tracer := self.tracer) is not None:
            tracer.forget(self.name, items)

    def merged_into(self, parts: Iterable[object], whole: object) -> None:
        """Record that `whole` was made from one or more items."""
        if (tracer := self.tracer) is not None:
            tracer.merged_into(self.name, parts, whole)

    def announce_loss(self, items: Sequence[Any], places: Sequence[int] = ()) -> None:
        """Tell the blocks downstream that these items will not come."""
        for branch in branches_through(self):
            branch.lost(self, places, len(items))
        self.report_lost(items)

    def report_lost(self, items: Sequence[Any]) -> None:
        """Tell the blocks downstream that match items by key."""
        if self.host is None or self.host.hearers:
            for block in reachable(self, downstream):
                if block.hears_losses:
                    block.lost_upstream(items)

    def end_early(self) -> None:
        """Take no more input and discard waiting items, because no output is needed; items in work still come out."""
        self.withdraw()
        for inbox in self.inboxes():
            self.counts["discarded"] += inbox.discard()
            if not inbox.producers:
                inbox.close()
        self.wake()

    def holds_anything(self) -> bool:
        """Whether there is an item in the block now."""
        return self.held() > 0

    def inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        """The inbox at which a new link from a source ends."""
        del outbox
        return self.inbox

    # The network

    def neighbors(self) -> Iterable[Part]:
        found: list[Any] = []  # no generator: a large network asks each of its blocks
        for outbox in self.outboxes():
            if outbox.links:
                found += [link.taker for link in outbox.links]
            if outbox.readers:
                found += [reader for reader in outbox.readers if not reader.is_done]
        for inbox in self.inboxes():
            for producer in tuple(inbox.producers):
                node = getattr(producer, "giver", producer)
                if hasattr(node, "neighbors"):
                    found.append(node)
        return found

    def body_ended(self) -> None:
        """Close the inputs without producers, because the body of the network has ended, unless they stay open."""
        for inbox in self.inboxes():
            if not (inbox.producers or self.stays_open):
                inbox.close()

    @property
    def is_left_over(self) -> bool:
        """Whether the network has ended and the finished block may still hold items."""
        return self.host is not None and not self.host.is_open and self.finished

    def check_free(self, network: Host) -> None:
        owner = self.host
        if owner is network:
            raise RuntimeError(f"{self} has ended and has left network {network.name!r}; make a new one")
        if owner is not None and owner.is_open:
            raise RuntimeError(f"{self} runs in network {owner.name!r} and cannot be linked into {network.name!r} too")
        if owner is not None or self.broken is not None:
            raise RuntimeError(
                f"{self} has already run and is {self._state()}; make a new one for network {network.name!r}"
            )

    def join(self, network: Host) -> None:
        self.withdraw()
        self.host = network
        self.scheduler = network.pump
        for gate in self.governed:
            gate.attach(network)

    def withdraw(self) -> None:
        """Let every send and receive go through the accounts again, because something begins to look at each."""
        for inbox in self.inboxes():
            inbox.withdraw_credit()
        for outbox in self.outboxes():
            outbox.withdraw_credit()

    def begin(self) -> None:
        self.wake()

    def lost_link(self) -> None:
        """React to a removed link to or from the block; an ended block may leave the network now."""
        if self.finished:
            self.scheduler.ended(self)

    def link_to(self, inbox: Inbox[Any]) -> Link[Any] | None:
        """The link from the block to a target, if there is one."""
        links = (outbox.link_to.get(inbox) for outbox in self.outboxes())
        return next((link for link in links if link is not None), None)

    def is_at_work(self) -> bool:
        """Whether a step of the block is queued or a task of it runs."""
        return self.queued or any(self.tasks())

    def can_be_spared(self) -> bool:
        """Whether an ended block is not needed any more: nothing leads to it, it feeds nothing, and it is empty."""
        is_linked = any(inbox.links or inbox.producers for inbox in self.inboxes()) or any(
            any(link in link.inbox.producers for link in outbox.links)
            or not all(reader.is_done for reader in outbox.readers)
            for outbox in self.outboxes()
        )
        return not (is_linked or self.governed) and (self.keeps_value or not self.held())

    def part(self) -> None:
        """Leave a network that keeps running."""
        for outbox in self.outboxes():
            for link in tuple(outbox.links):
                link.unlink()
        self.leave()

    def leave(self) -> None:
        """Leave a network that has ended; the held items can still be received."""
        self.scheduler = detached
        self.queued = False


def core_of(block: Block) -> BlockCore:
    """The core of a block."""
    core: BlockCore = inside(block)
    return core


def core_at(end: Inbox[Any] | Outlet) -> BlockCore:
    """The block that has an inbox or an outbox."""
    return cast("BlockCore", end.block)


def giver_of(link: Link[Any]) -> BlockCore:
    """The block that gives messages to a link."""
    return cast("BlockCore", link.giver)


def taker_of(link: Link[Any]) -> BlockCore:
    """The block that takes the messages of a link."""
    return cast("BlockCore", link.taker)


def branches_through(block: BlockCore) -> Iterable[Branch]:
    """The branches between a broadcast and a join on which a block stands."""
    outs = block.outboxes()
    return outs[0].branches if outs else ()
