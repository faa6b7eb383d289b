"""The public interface of every block that takes messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from trio.abc import SendChannel

from ..base.message_status import MessageStatus
from .block import Block, inside
from .producer import Producer
from .threads import check_thread

if TYPE_CHECKING:
    from .inbox import Inbox

T_contra = TypeVar("T_contra", contravariant=True)


class Target(SendChannel[T_contra]):
    """A block that takes messages by offer and by send; a `trio.abc.SendChannel`."""

    __slots__ = ()
    _core: Any

    def offer(self, message: T_contra, source: object = None) -> MessageStatus:
        """Offer a message to the target and return its answer; never waits.

        Args:
            message: The message; after the answer ACCEPTED it belongs to the target.
            source: The offering source, if it is a block linked to this target; only then the target asks for a
                postponed message later.
        """
        check_thread(self._core.inbox.block, "offer to")
        inbox: Inbox[Any] = self._core.inbox
        giver = inside(source) if isinstance(source, Block) else None
        return inbox.offer(message, inbox.link_from(giver))

    async def send(self, value: T_contra) -> None:
        """Hand an item to the target; wait while it has no room.

        A send that need not wait does not yield until its time slice (half a millisecond) has ended. A cancelled send
        has not handed the item over.

        Raises:
            Declined: The filter of the target declined the item, the target is complete, or it is full and rejects.
            trio.BrokenResourceError: The network of the target has stopped.
        """
        inbox = self._core.inbox
        if inbox.credit:
            inbox.credit -= 1
            inbox.queue.append(value)
            return
        await inbox.send(value)

    def send_nowait(self, value: T_contra) -> None:
        """Hand an item to the target, or raise an error at once.

        Raises:
            trio.WouldBlock: There is no room now.
            Declined: As for `send`.
            trio.BrokenResourceError: As for `send`.
        """
        inbox = self._core.inbox
        if inbox.credit:
            inbox.credit -= 1
            inbox.queue.append(value)
            return
        inbox.send_nowait(value)

    def complete(self) -> None:
        """Accept no more messages, from any producer; the messages here drain. A second call does nothing."""
        check_thread(self._core.inbox.block, "complete")
        self._core.inbox.close()

    async def aclose(self) -> None:
        """Complete the target; never waits. This is the `aclose` of trio's channels."""
        check_thread(self._core.inbox.block, "complete")
        self._core.inbox.close()

    def producer(self, name: str | None = None, *, for_threads: bool = False) -> Producer[T_contra]:
        """Make a handle that counts as a producer: the target does not complete before it is closed.

        Other threads send through the handle with `send_from_thread`. Make it before they start.

        Args:
            name: The name of the handle in reports.
            for_threads: Set it if the sender is neither a task nor a Python thread, but for example the callback of a
                driver: then the network waits while the handle is open, also if nothing else can move.
        """
        check_thread(self._core.inbox.block, "make a producer handle of")
        return Producer(self._core.inbox, name, for_threads=for_threads)

    @property
    def filter(self) -> Callable[[Any], bool] | None:
        """The function that decides which messages are wanted; after a change the sources offer their heads again."""
        return cast("Inbox[Any]", self._core.inbox).filter

    @filter.setter
    def filter(self, accepts: Callable[[Any], bool] | None) -> None:
        check_thread(self._core.inbox.block, "change the filter of")
        self._core.inbox.filter = accepts
