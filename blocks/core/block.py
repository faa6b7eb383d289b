"""What every block is, whatever it does with messages: a named thing that is stepped, ends once, and counts.

States: open → finished (it has drained and told those it feeds) or → broken (its network stopped before that). A
block is in the queue of ready blocks at most once. The network owns the scheduler; the block owns its items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import trio

from ..base.error_info import shorten
from ..base.names import given_name
from ..base.statistics import BlockStatistics
from ..base.times import NEVER, Histogram
from ..base.timing import time_slice
from .balance import BlockBalance
from .contexts import Carrier
from .graph import downstream, reachable
from .ports import Part, WatchedGate
from .scheduler import Scheduler, detached
from .shape import Shape
from .waiting import overseers

if TYPE_CHECKING:
    from outcome import Outcome

    from .branch import Branch
    from .inbox import Inbox
    from .link import Link
    from .observer import Observer
    from .outbox import Outbox
    from .ports import Facade, Host
    from .waiting import Waiter


def no_attribute(thing: object, name: str, known: Container[str] = (), remedy: str = "") -> AttributeError:
    """The usual error of an object without an attribute, with what to do if it is one that others of its kind have."""
    text = f"{type(thing).__name__!r} object has no attribute {name!r}"
    return AttributeError(f"{text}; {remedy}" if name in known else text, name=name, obj=thing)


OF_SOURCES = ("consume", "link_target", "receive", "receive_nowait", "release", "reserve", "unlink_targets")
"""What a block has that gives messages."""
OF_TARGETS = ("complete", "offer", "producer", "send", "send_nowait")
"""What a block has that takes messages."""


class Block:
    """The base of all blocks: name, state, statistics.

    Attributes:
        name: What reports, notes and messages call the block.
    """

    __slots__ = (
        "__weakref__",
        "_broken",
        "_counts",
        "_finished",
        "_governed",
        "_network",
        "_queued",
        "_scheduler",
        "_waits",
        "name",
    )
    kind: ClassVar[str] = "block"
    _keeps_value: ClassVar[bool] = False  # what is received from it stays there
    copies: ClassVar[bool] = False  # every target gets every message

    def __init__(self, name: str | None = None) -> None:
        self.name: str = given_name(type(self).__name__, name)
        self._scheduler: Scheduler = detached
        self._network: Host | None = None
        self._queued = False
        self._finished = False
        self._broken: str | None = None
        self._governed: list[WatchedGate] = []
        self._counts: Counter[str] = Counter()
        self._waits: dict[str, Histogram] = {}

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self._state()}, {self._describe_held()}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(f"{self} cannot be copied or pickled: it is one place in a network, make another block")

    @property
    def _core(self) -> Block:
        return self

    @property
    def network(self) -> Facade | None:
        """The network that the block belongs to, or None."""
        return None if self._network is None else self._network.facade

    @property
    def _tracer(self) -> Observer | None:
        """Records what the network does, if that is wanted."""
        return None if self._network is None else self._network.measures.tracer

    @property
    def shape(self) -> Shape:
        """What becomes of messages in a block of this kind; for the checks, the verdict and the reports."""
        return Shape()

    @property
    def hears_losses(self) -> bool:
        """Whether the block wants to know which items will not come."""
        return False

    def problems(self) -> Iterable[str]:
        """Why the block cannot do its work where it stands in the graph, a sentence each with what to do."""
        return ()

    @property
    def keeps_last(self) -> bool:
        """Whether a message stays in the block when it is received, so that it may be seen any number of times."""
        return self._keeps_value

    def fork_behind(self) -> Block | None:
        """The broadcast whose copies the block puts together again, if that is all it does."""
        return None

    @property
    def may_overtake(self) -> bool:
        """Whether a message may come out before one that came in earlier."""
        return False

    @property
    def keeps_order(self) -> bool:
        """Whether one message goes out for each that comes in, in the same order, apart from those that are lost.

        A join by position trusts this of the blocks before it. A block that does not say so is not trusted.
        """
        return False

    @property
    def is_finished(self) -> bool:
        """Whether the block has drained and handed on everything."""
        return self._finished

    def _state(self) -> str:
        if self._broken is not None:
            return "stopped"
        return "finished" if self._finished else "open"

    def _describe_held(self) -> str:
        return f"{self._held()} held"

    # Stepping

    def _wake(self) -> None:
        if not self._queued:
            self._queued = True
            self._scheduler.add(self)

    def _step(self) -> None:
        """Do what can be done now, for about a fraction of a millisecond."""
        raise NotImplementedError

    def _arrived(self) -> None:
        """A message has just been put into the inbox."""
        self._wake()

    def _needs_no_wake(self) -> bool:
        """Whether a message can be put into the inbox without telling anyone."""
        return self._queued

    def _departed(self) -> None:
        """A message has just been taken from the outbox, outside a step."""
        self._wake()

    def _link_comes(self) -> None:
        """A link has just been added to the outbox."""

    def input_linked(self) -> None:
        """A link was made to the block, or before it, while the network runs."""

    def _receiver_comes(self) -> None:
        """A task is about to wait for a message."""

    def _parked(self) -> None:
        self._scheduler.parked()
        if self._scheduler is detached:
            overseers.tell()  # the task may be one of theirs

    def _others(self) -> Iterable[trio.lowlevel.Task]:
        """Tasks that are not the network's and that may free who waits here; those it knows by itself."""
        return ()

    def _waited(self, waiter: Waiter[Any], answer: Outcome[Any]) -> None:
        self._waits.setdefault(waiter.doing, Histogram()).add(time_slice.clock() - waiter.since)
        if self._network is not None:
            self._network.measures.waited(waiter, answer)

    def _describe_wait(self, waiter: Waiter[Any]) -> str:
        for inbox in self._ins():
            if waiter in inbox.senders:
                return f"waits to send {shorten(waiter.payload)} to {inbox}: {inbox.why_full()}"
        return f"waits to {waiter.doing} at {self}"

    def _changed(self) -> None:
        """Items left by a receive, outside a step: whoever bounds the items in flight has to look again."""
        for gate in self._governed:
            gate.look()

    def _why_held(self) -> str:
        """Why the block keeps what nobody can take any more, if it does."""
        return ""

    def _needs(self) -> Iterable[Inbox[Any]]:
        """The targets to which something has to come before the block can go on, when it has nothing to hand on."""
        return self._ins()

    def _why_waiting(self) -> str:
        """Why a message that is offered is not taken, though there is room."""
        return "it is busy, or waits for its own targets"

    # Ending

    def _finish(self) -> None:
        """Become finished; blocks tell those they feed."""
        self._finished = True
        self._scheduler.ended(self)

    def _abort(self, reason: str) -> None:
        """End without draining: discard what is held and wake whoever waits."""
        raise NotImplementedError

    def in_flight(self) -> int:
        """How many items in the block are on their way, those left out that are shown and stay."""
        return self._held()

    def rest(self) -> int:
        """How many of the held items wait only for more to come, or for the end."""
        return 0

    def give_rest(self) -> bool:
        """Hand on what waits for more to come, because nothing comes; tell whether there was something."""
        return False

    def carry_contexts(self) -> bool:
        """Keep the context of each message on its way through, if messages are handed on; give whether that is so."""
        return False

    def contexts_from(self) -> Iterable[Carrier]:
        """The blocks from which messages come with their contexts: along links, or through agents that want them."""
        for inbox in self._ins():
            for feeder in tuple(inbox.producers):
                sources: Callable[[], Iterable[Carrier]] = getattr(feeder, "contexts_from", tuple)
                yield from sources()

    @property
    def gives_at_end(self) -> bool:
        """Whether something more comes out of the block when its input is complete, though it holds nothing."""
        return False

    def remedy_for_calls(self) -> str:
        """What to do if a call of the block waits in vain, as far as the block knows."""
        return ""

    def recall(self) -> None:
        """Get back what the block waits for, if it only was forgotten."""

    def complete_circle(self) -> None:
        """Take no more input: the network is drained and only a circle of links keeps the block open."""
        for inbox in self._ins():
            inbox.close()

    # Counting

    def _note_depth(self) -> None:
        """A message is about to be taken out of the block, outside a step."""

    def _held(self) -> int:
        """How many items are in the block now, those being worked on included."""
        raise NotImplementedError

    def _stuck(self) -> int:
        """How many of the held items cannot be what the user wants to find there after the run."""
        return self._held()

    def _drop(self, reason: str, items: Iterable[Any], places: Sequence[int] = ()) -> None:
        """Count items that end here by a policy, and tell the blocks further on.

        Args:
            reason: The name under which they are counted.
            items: The items.
            places: By item, as the how-manieth it came in, counted from 1.
        """
        items = tuple(items)
        self.count_dropped(reason, items)
        self._lose(items, places)

    def count_dropped(self, reason: str, items: Sequence[Any]) -> None:
        """Count items that end here under a reason."""
        self._counts[f"dropped:{reason}"] += len(items)
        if (tracer := self._tracer) is not None:
            tracer.forget(self.name, items)

    def _became(self, parts: Iterable[object], whole: object) -> None:
        """Something was made of one or more items."""
        if (tracer := self._tracer) is not None:
            tracer.became(self.name, parts, whole)

    def _lose(self, items: Sequence[Any], places: Sequence[int] = ()) -> None:
        """Tell the blocks further on that items will not come to them from here."""
        for branch in branches_through(self):
            branch.lost(self, places, len(items))
        self.report_lost(items)

    def report_lost(self, items: Sequence[Any]) -> None:
        """Tell the blocks further on that know items by a key."""
        if self._network is None or self._network.hearers:
            for block in reachable(self, downstream):
                if block.hears_losses:
                    block._lost(items)

    def _lost(self, items: Sequence[Any]) -> None:
        """Learn that items that were on their way here have been dropped."""

    def settle_losses(self, is_certain: bool = False) -> bool:
        """Wait no longer for what was reported lost, if nothing can bring it any more; give whether that was so.

        Args:
            is_certain: Nothing in the network can move.
        """
        raise NotImplementedError

    def end_early(self) -> None:
        """Take nothing more in, and discard what waits; what is in work still comes out. Nothing needs it any more."""
        for inbox in self._ins():
            self._counts["discarded"] += inbox.discard()
            if not inbox.producers:
                inbox.close()
        self._wake()

    def has_lost(self) -> bool:
        """Whether a message has ended here, or left by a way of its own."""
        counts = self._counts
        return bool(counts["failed"]) or any(n for key, n in counts.items() if key.startswith("dropped:"))

    def holds_anything(self) -> bool:
        """Whether there is an item in the block now."""
        return self._held() > 0

    def _ins(self) -> Sequence[Inbox[Any]]:
        """Where messages come in."""
        return ()

    def _outs(self) -> Sequence[Outbox[Any]]:
        """Where messages go out; the first is the main one."""
        raise NotImplementedError

    def _tasks(self) -> Iterable[trio.lowlevel.Task]:
        """The tasks that work for the block on an item now."""
        return ()

    def _balance(self) -> BlockBalance:
        counts = self._counts
        return BlockBalance(
            name=self.name,
            accepted=sum(inbox.accepted for inbox in self._ins()) + counts["pulled"],
            produced=counts["produced"],
            delivered=sum(outbox.delivered for outbox in self._outs()[:1]),
            received=sum(outbox.received for outbox in self._outs()[:1]),
            consumed=counts["consumed"],
            merged=counts["merged"],
            dropped={key[8:]: n for key, n in counts.items() if key.startswith("dropped:") and n},
            dead_lettered=sum(outbox.delivered for outbox in self._outs()[1:]),
            discarded=counts["discarded"],
            held=self._held(),
        )

    def measured(self, seconds: float) -> BlockStatistics:
        """What the block has done in so many seconds, in numbers."""
        accounts = self._balance()
        waits = self._waits
        done = accounts.delivered + accounts.received + accounts.consumed
        return BlockStatistics(
            name=self.name,
            kind=self.kind,
            received=accounts.accepted or accounts.produced * (not self._ins()),
            emitted=accounts.delivered + accounts.received,
            consumed=accounts.consumed,
            dropped=accounts.dropped,
            dead_lettered=accounts.dead_lettered,
            discarded=accounts.discarded,
            queued=accounts.held,
            most_queued=max((accounts.held, *(inbox.most_queued for inbox in self._ins()))),
            held=accounts.held,
            wait_for_input=waits["receive"].summary() if "receive" in waits else NEVER,
            wait_for_output=waits["send"].summary() if "send" in waits else NEVER,
            throughput=done / seconds if seconds > 0 else 0.0,
        )

    # The network

    def _neighbors(self) -> Iterable[Part]:
        for outbox in self._outs():
            yield from (link.target for link in outbox.links)
            yield from (reader for reader in outbox.readers if not reader.is_done)
        for inbox in self._ins():
            for producer in tuple(inbox.producers):
                node = cast(Part, getattr(producer, "source", producer))
                if hasattr(node, "_neighbors"):
                    yield node

    def _body_ended(self) -> None:
        """The body of the network has ended: nothing more comes from there."""
        for inbox in self._ins():
            if not inbox.producers:
                inbox.close()

    @property
    def _is_left_over(self) -> bool:
        """Whether its network has ended, and it only has to hand on what it holds."""
        return self._network is not None and not self._network.is_open and self._finished

    def _check_free(self, network: Host) -> None:
        owner = self._network
        if owner is network:
            raise RuntimeError(f"{self} has ended and has left network {network.name!r}; make a new one")
        if owner is not None and owner.is_open:
            raise RuntimeError(f"{self} runs in network {owner.name!r} and cannot be linked into {network.name!r} too")
        if owner is not None or self._broken is not None:
            raise RuntimeError(
                f"{self} has already run and is {self._state()}; make a new one for network {network.name!r}"
            )

    def _join(self, network: Host) -> None:
        self._network = network
        self._scheduler = network.pump
        for gate in self._governed:
            gate.attach(network)

    def _start(self) -> None:
        self._wake()

    def lost_link(self) -> None:
        """A link to the block, or from it, was taken away; one that has ended may be of no use now."""
        if self._finished:
            self._scheduler.ended(self)

    def link_to(self, inbox: Inbox[Any]) -> Link[Any] | None:
        """The link from the block to a target, if there is one."""
        links = (outbox.link_to.get(inbox) for outbox in self._outs())
        return next((link for link in links if link is not None), None)

    def is_at_work(self) -> bool:
        """Whether a step or a task of the block is still to come to its end."""
        return self._queued or any(self._tasks())

    def can_be_spared(self) -> bool:
        """Whether an ended block is of no use to anybody: nothing leads to it, it feeds nothing, and it is empty."""
        is_linked = any(inbox.links or inbox.producers for inbox in self._ins()) or any(
            any(link in link.inbox.producers for link in outbox.links)
            or not all(reader.is_done for reader in outbox.readers)
            for outbox in self._outs()
        )
        return not (is_linked or self._governed) and (self._keeps_value or not self._held())

    def part(self) -> None:
        """Leave a network that goes on."""
        for outbox in self._outs():
            for link in tuple(outbox.links):
                link.unlink()
        self._leave()

    def _leave(self) -> None:
        """The network has ended: what is still held can be received without it."""
        self._scheduler = detached
        self._queued = False


def branches_through(block: Block) -> Iterable[Branch]:
    """The branches between a broadcast and a join on which a block stands."""
    outs = block._outs()
    return outs[0].branches if outs else ()


def inboxes_of(block: Block) -> Sequence[Inbox[Any]]:
    """Where messages come into a block."""
    return block._ins()


def outboxes_of(block: Block) -> Sequence[Outbox[Any]]:
    """Where messages go out of a block; the first is the main one."""
    return block._outs()
