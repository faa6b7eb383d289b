"""Whether anything is still on its way to a target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .block import inboxes_of
from .inbox import Inbox
from .link import Link
from .producer import ProducerToken


def is_quiet_before(inboxes: Iterable[Inbox[Any]]) -> bool:
    """Whether no block before some targets holds a message that may come there before what is still outside.

    What a governor keeps out counts as outside: it can only come in after what is here has gone. An agent that has
    not ended may hold anything.
    """
    seen: set[int] = set()
    waiting = list(inboxes)
    while waiting:
        inbox = waiting.pop()
        if id(inbox) in seen or (inbox.gate is not None and (inbox.postponed or inbox.senders)):
            continue
        seen.add(id(inbox))
        for producer in inbox.producers:
            if not isinstance(producer, Link):
                if not isinstance(producer, ProducerToken):
                    return False
            elif producer.source.holds_anything():
                return False
            else:
                waiting.extend(inboxes_of(producer.source))
    return True
