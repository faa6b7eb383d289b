"""Ends what feeds a target that needs nothing more: sources stop, what waits is discarded, what is in work runs out.

A block that feeds nothing else takes nothing more in and discards what waits in it. What it has in work still comes
out, and is discarded where it arrives. A block that feeds something else, too, only loses its link. An agent all of
whose outputs need nothing more is cancelled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from .block import Block, inboxes_of, outboxes_of
from .inbox import Inbox
from .link import as_link
from .outbox import Outbox
from .producer import ProducerToken
from .target import Target


class Drain(Block, Target[Any]):
    """Takes what nothing needs any more, and counts it as discarded."""

    __slots__ = ("_inbox",)
    kind: ClassVar[str] = "drain"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._inbox: Inbox[Any] = Inbox(self, deque())

    def _step(self) -> None:
        self._inbox.begin_step()
        self._counts["discarded"] += self._inbox.discard()
        if self._inbox.closed and not self._finished:
            self._finish()

    def _abort(self, reason: str) -> None:
        self._broken = reason
        self._counts["discarded"] += self._inbox.abort(reason)

    def _held(self) -> int:
        return len(self._inbox.queue)

    def _ins(self) -> Sequence[Inbox[Any]]:
        return (self._inbox,)

    def _outs(self) -> Sequence[Outbox[Any]]:
        return ()


def was_left_early(block: Block, task: object) -> bool:
    """Whether a task has read a block in an `async for`, and has left that before the end."""
    outs: Sequence[Outbox[Any]] = outboxes_of(block)[:1]
    return any(outbox.loop is task and not outbox.ended and is_unread(outbox) for outbox in outs)


def was_left_unread(block: Block) -> bool:
    """Whether a block holds messages that nothing takes, and some of them were received by hand before."""
    outs: Sequence[Outbox[Any]] = () if block.is_finished else outboxes_of(block)[:1]
    return any(outbox.received > 0 and len(outbox) > 0 and is_unread(outbox) for outbox in outs)


def is_unread(outbox: Outbox[Any]) -> bool:
    """Whether nothing takes messages from here."""
    return not outbox.links and not outbox.readers and not outbox.receivers and outbox.holder is None


def leave_early(block: Block) -> None:
    """Nothing takes what a block gives any more: end it, and what feeds it."""
    drain(block)
    end_all([block])


def end_before(inbox: Inbox[Any]) -> None:
    """End what feeds a target, which needs nothing more and discards what still comes."""
    end_all(feed_nothing_else(inbox))


def end_all(blocks: Iterable[Block]) -> None:
    """End blocks, and what feeds only these."""
    seen: dict[Block, None] = {}
    waiting = list(blocks)
    while waiting:
        block = waiting.pop()
        if block in seen or block.is_finished:
            continue
        seen[block] = None
        block.end_early()
        for inbox in inboxes_of(block):
            before = list(feed_nothing_else(inbox))
            waiting += before
            if inbox.closed:  # it takes nothing, not even to discard it
                for source in before:
                    redirect(source)


def feed_nothing_else(inbox: Inbox[Any]) -> Iterator[Block]:
    """Refuse what senders bring, part with sources that feed other targets too, and yield the others."""
    inbox.refuse_senders()
    for feeder in tuple(inbox.producers):
        link = as_link(feeder)
        if link is not None:
            outbox = outboxes_of(link.source)[0]
            if link.outbox is not outbox:
                continue  # dead letters
            if outbox.links == [link] and all(reader.is_done for reader in outbox.readers):
                yield link.source
            else:
                link.unlink()
        elif not isinstance(feeder, ProducerToken):
            ends: Any = getattr(feeder, "output_ended", tuple)
            for source in ends():
                outbox = outboxes_of(source)[0]
                if not outbox.links and not outbox.receivers and all(reader.is_done for reader in outbox.readers):
                    drain(source)
                    yield source
    inbox.decline_senders()  # last: an agent that was cancelled hears nothing of it


def redirect(source: Block) -> None:
    """Let what still comes out of a block be discarded instead of waiting for a target that takes nothing."""
    for link in tuple(outboxes_of(source)[0].links):
        link.unlink()
    drain(source)


def drain(source: Block) -> None:
    """Discard what comes out of a block from now on."""
    outboxes_of(source)[0].link(Drain(f"rest of {source.name}").inlet())
