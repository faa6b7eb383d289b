"""What a block may answer or do in its own way; by default it does nothing, holds nothing and waits for nothing.

A kind of block overrides what differs. Nothing here has state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import trio

from .shape import Shape

if TYPE_CHECKING:
    from .inbox import Inbox
    from .outbox import Outbox
    from .pause import Pause


class BlockHooks:
    """The answers and reactions of a block that differ from kind to kind."""

    __slots__ = ()
    keeps_value: ClassVar[bool] = False  # a message that is received also stays in the block
    copies: ClassVar[bool] = False  # every target gets every message
    paused: Pause | None = None
    stays_open: ClassVar[bool] = False  # it takes messages after the body has ended, until everything has drained

    @property
    def shape(self) -> Shape:
        """What this kind of block does with messages, for the checks, the deadlock detection and the reports."""
        return Shape()

    @property
    def dashboard(self) -> str:
        """The address of a page about the cluster that works for the block; "" if there is none."""
        return ""

    @property
    def hears_losses(self) -> bool:
        """Whether the block must be told which items will not come."""
        return False

    def problems(self) -> Iterable[str]:
        """The reasons why the block cannot work at its place in the graph; each says what to do."""
        return ()

    @property
    def may_overtake(self) -> bool:
        """Whether a message may come out before one that came in earlier."""
        return False

    def awaits_sender(self) -> None:
        """React to a waiting sender that is let in, and may send more before the next step is worth its cost."""

    def loose(self) -> int:
        """Return how many messages can be taken from the outbox without a call of `item_taken`."""
        return 0

    def room_is_awaited(self) -> None:
        """React to a sender or a link that begins to wait for room."""

    def link_comes(self) -> None:
        """React to a new link in the outbox."""

    def input_linked(self) -> None:
        """React to a new link to this block, or to a block before it, in a running network."""

    def receiver_comes(self) -> None:
        """React to a task that is about to wait for a message."""

    def outside_tasks(self) -> Iterable[trio.lowlevel.Task]:
        """Return the known tasks outside the network that may unblock a waiter here."""
        return ()

    def why_held(self) -> str:
        """Explain why the block keeps items that nothing can take any more; empty if it keeps none."""
        return ""

    def why_waiting(self) -> str:
        """Explain why the block does not take an offered message although it has room."""
        return "it is busy, or waits for its own targets"

    def hold(self) -> None:
        """Start nothing new; only for blocks that start something by themselves."""

    def go_on(self) -> None:
        """Undo `hold`."""

    async def until_at_rest(self) -> None:
        """Wait until no work is under way that a pause holds."""

    def at_work(self) -> int:
        """Return how many items are in work."""
        return 0

    def rest(self) -> int:
        """Return how many of the held items wait for further items or for the end of the input."""
        return 0

    def give_rest(self) -> bool:
        """Emit the items that wait for further items, because none come; return whether there were any."""
        return False

    def carry_contexts(self) -> bool:
        """Keep the context of each message, if the block hands messages on unchanged; return whether it does."""
        return False

    @property
    def gives_at_end(self) -> bool:
        """Whether the block may emit more when its input is complete, although it holds nothing."""
        return False

    def remedy_for_calls(self) -> str:
        """Return what to do if a call of the block's function waits forever; empty if the block has no advice."""
        return ""

    def recall(self) -> None:
        """Get back the leases that the block waits for, if only reference cycles keep them."""

    def note_depth(self) -> None:
        """Record the queue depth before a message is taken out of the block outside a step."""

    def held(self) -> int:
        """Return how many items are in the block now, including those in work."""
        raise NotImplementedError

    def lost_upstream(self, items: Sequence[Any]) -> None:
        """Note that items that were on their way here have been dropped."""

    def settle_losses(self, is_certain: bool = False) -> bool:
        """Stop waiting for items that were reported lost and cannot come any more; return whether there were any.

        Args:
            is_certain: Whether it is known that nothing in the network can move.
        """
        raise NotImplementedError

    def inboxes(self) -> Sequence[Inbox[Any]]:
        """The inboxes, in order."""
        return ()

    def outboxes(self) -> Sequence[Outbox[Any]]:
        """The outboxes; the first is the main one."""
        raise NotImplementedError

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        """The tasks that work on an item of the block now."""
        return ()

    def check_returned(self) -> None:
        """Raise a `RuntimeError` if, after a run without a fault, something is missing that must come back."""

    def stop_reading(self) -> None:
        """Make no more messages; only for blocks that make messages by themselves."""

    def readers_left(self, reader: object) -> None:
        """React to the end of an agent that reads here."""
