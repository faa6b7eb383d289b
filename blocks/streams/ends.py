"""The two ends of a stream over blocks: one sends chunks to a target, the other takes chunks from a source.

An end for sending is a producer of its target, and is over in one of two ways. *Complete*: nothing more comes, so the
target completes after its last producer. *Broken off*: the rest will not come, and nothing behind the target may take
what there is for the whole. Then the network of the target stops with a fault; a target without a network is stopped
alone. If nothing behind the target needs anything, there is no harm in breaking off.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import trio

from ..core.block import inside
from ..core.block_core import core_at
from ..core.early_end import is_unread, leave_early
from ..core.inbox import Inbox
from ..core.outbox import Outbox
from ..core.ports import Host
from ..core.producer import ProducerToken
from ..core.source import Source
from ..core.target import Target
from ..core.threads import check_thread, loop_of
from .chunks import Data, as_view

GONE = "its reader has stopped before the end"


class SendEnd:
    """Sends chunks to a target.

    Args:
        caller: The function that was called.
        target: The target.
        name: The name in reports and errors; by default that of the target.

    Attributes:
        target: The target. The deadlock detection finds it here.
        name: The name in reports and errors.
        inbox: Where the chunks go.
        token: Stands for this end among the producers of the target.
        is_over: Whether it is complete or broken off.

    Raises:
        TypeError: There is no target.
    """

    def __init__(self, caller: str, target: Target[Any], name: str | None) -> None:
        if not isinstance(target, Target):
            raise TypeError(f"{caller} needs a target, a block that takes bytes, got {target!r}")
        self.target: Target[Any] = target
        self.inbox: Inbox[Any] = inside(target).inbox
        self.name: str = name or f"writer to {self.inbox.block.name!r}"
        check_thread(self.inbox.block, "write to")
        self.token: ProducerToken = ProducerToken(self.name, False)
        self.is_over: bool = False
        self.inbox.producers[self.token] = None

    @property
    def is_stopped(self) -> bool:
        """Whether the target was stopped."""
        return self.inbox.block.broken is not None

    @property
    def is_unwanted(self) -> bool:
        """Whether nothing behind the target needs any further chunk."""
        return self.inbox.closed or self.inbox.takes_only_links

    async def send(self, chunk: Data) -> None:
        """Send a chunk; wait for room.

        Raises:
            trio.BrokenResourceError: The target was stopped; the message names the first fault of its network.
            Declined: As for `Target.send`.
        """
        self.token.user = trio.lowlevel.current_task()
        try:
            await self.inbox.send(chunk)
        except trio.BrokenResourceError:
            raise self.stopped() from None

    def stopped(self) -> trio.BrokenResourceError:
        """The error of a target that was stopped."""
        block = self.inbox.block
        return trio.BrokenResourceError(f"{self.name}: {block} is broken: {block.broken}{first_fault(block.host)}")

    def complete(self) -> None:
        """Say that nothing more comes."""
        self.is_over = self.token.is_closed = True
        self.inbox.producer_done(self.token)

    def break_off(self, error: BaseException | None) -> None:
        """Say that the rest will not come.

        Args:
            error: The exception that is on its way; if it is an `Exception`, it is the fault.
        """
        self.is_over = self.token.is_closed = True
        block = core_at(self.inbox)
        host = block.host
        if self.is_unwanted or (host is not None and not host.is_open):
            self.inbox.producer_done(self.token)
        elif host is None:
            block.abort(f"{self.name} {broken_by(error)}")
        elif isinstance(error, Exception):
            if not host.is_being_stopped:
                host.fault(error, phase=self.name)
                host.raise_at_end(error)
        else:
            host.spawn(self._raise_later, error, name=self.name, phase=self.name)

    def forget(self) -> None:
        """Break the stream off, in the thread of the loop, because nothing refers to its writer."""
        loop = loop_of(self.inbox.block) or self.token.loop
        if loop is None or loop.is_here:
            self.break_off(None)
        else:
            with suppress(trio.RunFinishedError):
                loop.token.run_sync_soon(self.break_off, None)

    async def _raise_later(self, error: BaseException | None) -> None:
        """Stop the network, unless it is being cancelled with the writer."""
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError(f"{self.name} {broken_by(error)}")


def broken_by(error: BaseException | None) -> str:
    """Say why a stream was broken off."""
    if error is None:
        return "was not closed: its stream ends before its end"
    what = "by a cancellation" if isinstance(error, trio.Cancelled) else f"by {error!r}"
    return f"was left {what}: its stream ends before its end"


class ReceiveEnd:
    """Takes chunks from a source.

    Args:
        caller: The function that was called.
        source: The source.
        name: The name in reports and errors; by default that of the source.

    Attributes:
        source: The source. The deadlock detection finds it here.
        name: The name in reports and errors.
        outbox: Where the chunks come from.
        is_at_end: Whether the source has ended.

    Raises:
        TypeError: There is no source.
    """

    def __init__(self, caller: str, source: Source[Any], name: str | None) -> None:
        if not isinstance(source, Source):
            raise TypeError(f"{caller} needs a source, a block that gives bytes, got {source!r}")
        self.source: Source[Any] = source
        self.outbox: Outbox[Any] = inside(source).outbox
        self.name: str = name or f"reader of {self.outbox.block.name!r}"
        check_thread(self.outbox.block, "read")
        self.is_at_end: bool = False
        self._rest: bytes | memoryview = b""

    async def read(self, most: int | None) -> bytes:
        """Return some bytes, at most as many as are wanted; wait until there are any. At the end, return b"".

        Raises:
            trio.BrokenResourceError: The network of the source has stopped; the message names the first fault.
        """
        while not self._rest and not self.is_at_end:
            try:
                chunk: Data = await self.outbox.receive()
            except trio.EndOfChannel:
                self.is_at_end = True
            except trio.BrokenResourceError as error:
                raise trio.BrokenResourceError(f"{error}{first_fault(self.outbox.block.host)}") from None
            else:
                self._rest = chunk if isinstance(chunk, bytes) else as_view(self.name, chunk)
        rest = self._rest
        if most is None or len(rest) <= most:
            self._rest = b""
            return bytes(rest)
        view = memoryview(rest)
        self._rest = view[most:]
        return bytes(view[:most])

    def leave(self) -> None:
        """Take no more chunks. Blocks that feed nothing else end, and discard what they hold."""
        block, outbox = core_at(self.outbox), self.outbox
        self._rest = b""
        if block.broken is not None or (outbox.ended and not outbox.queue) or not is_unread(outbox):
            return
        if block.host is None:
            block.abort(f"{GONE} ({self.name})")
        elif block.host.is_open and not block.host.is_being_stopped:
            leave_early(block)


def first_fault(host: Host | None) -> str:
    """The fault that has stopped a network, as the end of a sentence; empty if there was none."""
    first = None if host is None else host.shutdown.first_error
    return "" if first is None else f", after a fault {first.where}: {first.exception!r}"
