"""The protocols by which inboxes, outboxes, links and branches know the block that has them, and each other.

Imports run along the data: inboxes know nothing of links, links know inboxes, outboxes know links, and blocks know them
all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextvars import Context
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from .observer import Observer
from .scheduler import Scheduler
from .waiting import Place

if TYPE_CHECKING:
    from .ports import Host


class Owner(Place, Protocol):
    """The block that has an inbox or an outbox.

    Attributes:
        keeps_value: Whether a received message stays in the block.
    """

    keeps_value: ClassVar[bool]

    @property
    def name(self) -> str:
        """The name in reports and messages."""
        ...

    @property
    def facade(self) -> Any:
        """The block of the user."""
        ...

    @property
    def host(self) -> Host | None:
        """The network; None if the block has none."""
        ...

    @property
    def finished(self) -> bool:
        """Whether it has drained and handed on everything."""
        ...

    @property
    def broken(self) -> str | None:
        """Why the block was stopped; None if it was not."""
        ...

    @property
    def scheduler(self) -> Scheduler:
        """Runs the steps of the block."""
        ...

    @property
    def counts(self) -> Counter[str]:
        """The counters."""
        ...

    @property
    def class_name(self) -> str:
        """The name of its class."""
        ...

    @property
    def tracer(self) -> Observer | None:
        """The observer that records the run; None if the run is not recorded."""
        ...

    def wake(self) -> None:
        """Take a step soon."""
        ...

    def awaits_sender(self) -> None:
        """React to a waiting sender that is let in, and may send more before the next step is worth its cost."""
        ...

    def arrived(self) -> None:
        """React to a new message in an inbox."""
        ...

    def needs_no_wake(self) -> bool:
        """Whether a message can be put into the inbox without a call of `arrived`."""
        ...

    def item_taken(self) -> None:
        """React to a message that was taken from an outbox outside a step."""
        ...

    def loose(self) -> int:
        """How many messages can be taken from the outbox without a call of `item_taken`."""
        ...

    def room_is_awaited(self) -> None:
        """React to a sender or a link that begins to wait for room."""
        ...

    def note_depth(self) -> None:
        """Record the queue depth before a message is taken outside a step."""
        ...

    def link_to(self, inbox: Any) -> Any:
        """The link from the block to a target; None if there is none."""
        ...

    def link_comes(self) -> None:
        """React to a new link from the block."""
        ...

    def lost_link(self) -> None:
        """React to a removed link to or from the block."""
        ...

    def input_linked(self) -> None:
        """React to a new link to the block, or to a block before it, in a running network."""
        ...

    def receiver_comes(self) -> None:
        """React to a task that is about to wait for a message."""
        ...

    def why_waiting(self) -> str:
        """Why the block does not take an offered message although it has room."""
        ...

    def outboxes(self) -> Sequence[Any]:
        """The outboxes; the first is the main one."""
        ...

    def inboxes(self) -> Sequence[Any]:
        """The inboxes, in order."""
        ...

    def drop(self, reason: str, items: Iterable[Any], places: Sequence[int] = ()) -> None:
        """Count items that a policy drops, and tell the blocks downstream."""
        ...

    def neighbors(self) -> Iterable[Any]:
        """The parts that the block is linked to."""
        ...


class Feed(Protocol):
    """A link, as the inbox at its end and the branches along it see it.

    Attributes:
        number: Counts up with every new link.
        passed: How many messages have gone along it.
        turn: Its place in the order of links that wait for room in the target, 0 if it does not wait.
        first: The number of the first message of the source that can come along.
    """

    number: int
    passed: int
    turn: int
    first: int

    @property
    def giver(self) -> Owner:
        """The core of the source."""
        ...

    @property
    def outbox(self) -> Outlet:
        """The outbox of the source."""
        ...


class Outlet(Protocol):
    """An outbox, as its links and the takers of its messages see it.

    Attributes:
        links: Its links, in link order.
        generation: Counts up when the links or their targets change.
        queue: The messages.
    """

    links: list[Any]
    queue: Any
    generation: int

    @property
    def block(self) -> Owner:
        """The block that has it."""
        ...

    @property
    def waits_to_give(self) -> bool:
        """Whether a message should stay here until its target can work on it, because a better one may come."""
        ...

    def available(self, link: Any) -> bool:
        """Whether the target can take a message along the link now."""
        ...

    def head(self, link: Any) -> Any:
        """The message that `take` along the link would return."""
        ...

    def take(self, link: Any) -> Any:
        """Take a message along a link, for a target that has seen it with `head`."""
        ...

    def ahead(self, link: Any) -> int:
        """How many messages `take_many` may take along a link, after `available` was True."""
        ...

    def take_many(self, link: Any, count: int) -> Sequence[Any]:
        """Take several messages along a link, at most as many as `ahead` says."""
        ...

    def context_at(self, link: Any) -> Context | None:
        """The context of the next message for a link; None if contexts are not kept here."""
        ...

    def handed_out(self, link: Any) -> int:
        """How many messages have left the source since the link was made, or in all."""
        ...

    def unlinked(self, link: Any) -> None:
        """Forget a removed link."""
        ...
