"""Tells whether any message is still on its way to a target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .block_core import giver_of
from .inbox import Inbox
from .link import as_link
from .producer import ProducerToken


def is_quiet_before(inboxes: Iterable[Inbox[Any]]) -> bool:
    """Whether no block upstream of the targets holds a message.

    Messages that a governor keeps out do not count: they can only come in after the messages here have gone. An agent
    that has not ended may hold any message.
    """
    seen: set[int] = set()
    waiting = list(inboxes)
    while waiting:
        inbox = waiting.pop()
        if id(inbox) in seen or (inbox.gate is not None and (inbox.postponed or inbox.senders)):
            continue
        seen.add(id(inbox))
        for producer in inbox.producers:
            link = as_link(producer)
            if link is None:
                if not isinstance(producer, ProducerToken):
                    return False
            elif giver_of(link).holds_anything():
                return False
            else:
                waiting.extend(giver_of(link).inboxes())
    return True
