"""The public interface of every block that gives messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import trio
from trio.abc import ReceiveChannel

from ..base.checks import check_function
from .block import Block, inside
from .block_core import BlockCore, core_at
from .nodes import part_of
from .target import Target
from .threads import check_thread

if TYPE_CHECKING:
    from .inbox import Inbox
    from .link import Link
    from .outbox import Outbox

T_co = TypeVar("T_co", covariant=True)


class Source(ReceiveChannel[T_co]):
    """A block that gives messages to receivers and linked targets; a `trio.abc.ReceiveChannel`."""

    __slots__ = ()
    _core: Any

    async def receive(self, filter: Callable[[T_co], bool] | None = None) -> T_co:
        """Take the first message; wait if there is none.

        A cancelled receive has taken nothing. A receive that need not wait does not yield until its time slice (half a
        millisecond) has ended.

        Args:
            filter: Take the first message only if this returns True for it; later messages are not examined.

        Raises:
            trio.EndOfChannel: The source is finished and has no more messages (that the filter accepts).
            trio.BrokenResourceError: The network of the source has stopped.
            TypeError: `filter` is not a plain function.
        """
        outbox = self._core.outbox
        item: T_co
        if filter is not None:
            check_function(self, "filter", filter)
        elif outbox.credit:
            outbox.credit -= 1
            item = outbox.queue.popleft()
            return item
        item = await outbox.receive(filter)
        return item

    def receive_nowait(self, filter: Callable[[T_co], bool] | None = None) -> T_co:
        """Take the first message, or raise an error at once.

        Args:
            filter: As for `receive`.

        Raises:
            trio.WouldBlock: There is no message now.
            trio.EndOfChannel: As for `receive`.
            trio.BrokenResourceError: As for `receive`.
        """
        outbox = self._core.outbox
        item: T_co
        if filter is not None:
            check_function(self, "filter", filter)
        elif outbox.credit:
            outbox.credit -= 1
            item = outbox.queue.popleft()
            return item
        item = outbox.receive_nowait(filter)
        return item

    async def __anext__(self) -> T_co:
        outbox = self._core.outbox
        item: T_co
        if outbox.credit:
            outbox.credit -= 1
            item = outbox.queue.popleft()
            return item
        if outbox.loop is None:
            outbox.loop = trio.lowlevel.current_task()
        try:
            item = await outbox.receive(is_loop=True)
        except trio.EndOfChannel:
            outbox.loop = None
            raise StopAsyncIteration from None
        return item

    def link_target(
        self,
        target: Target[T_co],
        filter: Callable[[T_co], bool] | None = None,
        max_messages: int | None = None,
    ) -> Link[T_co]:
        """Link a target after the targets that are linked already; each message goes to the first that accepts it.

        The source counts as a producer of the target from now on. If one of the two runs in a network, the other one
        joins it.

        Args:
            target: Where the messages go.
            filter: Only messages for which this returns True are offered along the link; None for all.
            max_messages: The link is removed after this number of messages, >= 1; None for no limit.

        Raises:
            ValueError: The two are linked already, or `max_messages` is less than 1.
            TypeError: `target` is not a target, or `filter` is not a plain function.
            RuntimeError: The target is complete, or the two belong to different networks.
        """
        if max_messages is not None and (not isinstance(max_messages, int) or max_messages < 1):
            raise ValueError(f"{self} → {target}: max_messages must be an int >= 1 or None, got {max_messages!r}")
        if filter is not None:
            check_function(f"{self} → {target}", "filter", filter)
        check_thread(self._core.outbox.block, "link")
        outbox: Outbox[T_co] = self._core.outbox
        return outbox.link(inlet_for(outbox, target), filter, max_messages)

    def unlink_targets(self) -> None:
        """Remove all links to targets; messages that they have not taken stay here."""
        for link in tuple(self._core.outbox.links):
            link.unlink()

    def reserve(self, target: object) -> bool:
        """Keep the first message for one taker; until it is consumed or released, no message can leave the source.

        Args:
            target: The taker: any object but None; pass the same object to `consume` or `release`.

        Returns:
            Whether there was a message to reserve.

        Raises:
            TypeError: `target` is None.
        """
        outbox: Outbox[Any] = self._core.outbox
        return outbox.reserve(target)

    def consume(self, target: object) -> T_co:
        """Take the message that `target` has reserved.

        Raises:
            RuntimeError: `target` has not reserved it.
        """
        item: T_co = self._core.outbox.consume(target)
        return item

    def release(self, target: object) -> None:
        """Give back the message that `target` has reserved; it stays first and is offered again.

        Raises:
            RuntimeError: `target` has not reserved it.
        """
        self._core.outbox.release(target)

    async def aclose(self) -> None:
        """Accept nothing more, so that the source ends when its messages are taken; never waits."""
        check_thread(self._core.outbox.block, "close")
        for inbox in self._core.inboxes():
            inbox.close()


def inlet_for(outbox: Outbox[Any], target: object) -> Inbox[Any]:
    """Return the inbox at which a link from a source to a target ends.

    Raises:
        TypeError: No link can lead to that object.
        RuntimeError: The target is complete, or the two belong to different networks.
    """
    source = core_at(outbox)
    block = block_of(source, target)
    check_same_network(source, block)
    check_thread(block, "link")
    network = block.host
    if network is not None and network.is_open and source.host is not network:
        source.check_free(network)  # before the target gets another input
    if not block.finished and block.broken is None:
        inbox: Inbox[Any] = inside(target).inlet(outbox)
        if not inbox.closed:
            return inbox
    raise RuntimeError(
        f"{target} is complete and takes no more, so {outbox.block} cannot be linked to it; make a new block for it"
    )


def block_of(source: BlockCore, target: object) -> BlockCore:
    """The core of the block that a target is or belongs to."""
    if not isinstance(target, Target):
        raise TypeError(
            f"{source}: link_target needs a target (a block that takes messages), got {target!r}{hint_for(target)}"
        )
    core: object = inside(target)
    if isinstance(core, BlockCore):
        return core
    block: object = getattr(getattr(core, "inbox", None), "block", None)
    if not isinstance(block, BlockCore):
        raise TypeError(
            f"{source}: link_target needs a block of Penstock, got {target!r}, a target of a kind of its own; derive "
            "it from Buffer, or send to it in a Call"
        )
    return block


def hint_for(thing: object) -> str:
    """Advice for an object that is not a target, as the end of a sentence."""
    if isinstance(thing, type):
        return "; that is a class, link a block that is made of it"
    if isinstance(thing, Block):
        return "; it gives messages and takes none"
    if part_of(thing) is not None:
        return "; an agent reads for itself, name the source in its inputs"
    return "; to call a function, link a Call(function)" if callable(thing) else ""


def check_same_network(source: BlockCore, target: BlockCore) -> None:
    """Raise a `RuntimeError` if two blocks run in different networks."""
    one, other = source.host, target.host
    if one is not None and other is not None and one is not other and one.is_open and other.is_open:
        raise RuntimeError(f"{source} runs in network {one.name!r} and cannot be linked into {other.name!r} too")
