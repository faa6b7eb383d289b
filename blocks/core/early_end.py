"""Ends the blocks that feed a target which needs nothing more.

A block that feeds nothing else takes no more input and discards its waiting items. Items in work still come out, and
are discarded where they arrive. A block that also feeds another target only loses its link. An agent is cancelled when
none of its outputs needs anything more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from .block import Block
from .block_core import BlockCore, giver_of
from .inbox import Inbox
from .link import as_link
from .outbox import Outbox
from .producer import ProducerToken


class Drain(Block):
    """Takes messages that nothing needs any more, and counts them as discarded."""

    __slots__ = ()
    kind: ClassVar[str] = "drain"


class DrainCore(BlockCore):
    """The core of a drain."""

    __slots__ = ("inbox",)

    def __init__(self, facade: Drain, name: str) -> None:
        super().__init__(facade, name)
        self.inbox: Inbox[Any] = Inbox(self, deque())

    def step(self) -> None:
        self.inbox.begin_step()
        self.counts["discarded"] += self.inbox.discard()
        if self.inbox.closed and not self.finished:
            self.finish()

    def abort(self, reason: str) -> None:
        self.mark_broken(reason)
        self.counts["discarded"] += self.inbox.abort(reason)

    def held(self) -> int:
        return len(self.inbox.queue)

    def inboxes(self) -> Sequence[Inbox[Any]]:
        return (self.inbox,)

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return ()


def was_left_early(block: BlockCore, task: object) -> bool:
    """Whether a task has read a block in an `async for` loop and left the loop before the end."""
    outs: Sequence[Outbox[Any]] = block.outboxes()
    return bool(outs) and outs[0].loop is task and not outs[0].ended and is_unread(outs[0])


def was_left_unread(block: BlockCore) -> bool:
    """Whether a block holds messages that nothing takes, and a task has received some messages before."""
    outs: Sequence[Outbox[Any]] = () if block.finished else block.outboxes()[:1]
    return any(outbox.received > 0 and len(outbox) > 0 and is_unread(outbox) for outbox in outs)


def is_unread(outbox: Outbox[Any]) -> bool:
    """Whether nothing takes messages from here."""
    return not outbox.links and not outbox.readers and not outbox.receivers and outbox.holder is None


def leave_early(block: BlockCore) -> None:
    """End a block whose output nothing takes any more, and the blocks that feed only it."""
    drain(block)
    end_all([block])


def end_before(inbox: Inbox[Any]) -> None:
    """End the blocks that feed a target which needs nothing more; the target discards messages that still come."""
    end_all(feed_nothing_else(inbox))


def end_all(blocks: Iterable[BlockCore]) -> None:
    """End blocks, and the blocks that feed only these."""
    seen: dict[BlockCore, None] = {}
    waiting = list(blocks)
    while waiting:
        block = waiting.pop()
        if block in seen or block.finished:
            continue
        seen[block] = None
        block.end_early()
        for inbox in block.inboxes():
            before = list(feed_nothing_else(inbox))
            waiting += before
            if inbox.closed:  # it takes no messages, not even to discard them
                for source in before:
                    redirect(source)


def feed_nothing_else(inbox: Inbox[Any]) -> Iterator[BlockCore]:
    """Refuse senders, unlink the sources that also feed other targets, and yield the others."""
    inbox.refuse_senders()
    for feeder in tuple(inbox.producers):
        link = as_link(feeder)
        if link is not None:
            outbox = giver_of(link).outboxes()[0]
            if link.outbox is not outbox:
                continue  # dead letters
            if outbox.links == [link] and all(reader.is_done for reader in outbox.readers):
                yield giver_of(link)
            else:
                link.unlink()
        elif not isinstance(feeder, ProducerToken):
            ends: Any = getattr(feeder, "output_ended", tuple)
            for source in ends():
                outbox = source.outboxes()[0]
                if not outbox.links and not outbox.receivers and all(reader.is_done for reader in outbox.readers):
                    drain(source)
                    yield source
    inbox.decline_senders()  # last, so that a cancelled agent does not see the error


def redirect(source: BlockCore) -> None:
    """Discard the further output of a block, because its target takes nothing."""
    for link in tuple(source.outboxes()[0].links):
        link.unlink()
    drain(source)


def drain(source: BlockCore) -> None:
    """Discard the output of a block from now on."""
    source.outboxes()[0].link(DrainCore(Drain(), f"rest of {source.name}").inbox)
