"""Finds messages that have stayed at the head of a source for some time because every target declines them.

While the body of the network runs, this is not a standstill: the body may receive the message, or link another target.
But all later messages of the source wait, so a warning is logged, once per source.
"""

from __future__ import annotations

import trio

from ..base.log import fields, log
from ..core.scheduler import Source

PATIENCE = 1.0
"""Seconds that a head may be declined before a warning is logged."""


class DeclinedHeads:
    """The heads that every target has declined and that are still there.

    Attributes:
        since: For each source: when its head was declined, and how many messages had left the source by then.
    """

    def __init__(self) -> None:
        self.since: dict[Source, tuple[float, int]] = {}
        self._told: set[Source] = set()

    def note(self, source: Source) -> bool:
        """Note that every target has declined the head of a source; return whether this is new."""
        gone = source.messages_gone()
        before = self.since.get(source)
        is_news = source not in self._told and (before is None or before[1] != gone)
        if is_news:
            self.since[source] = (trio.current_time(), gone)
        return is_news

    def look(self) -> None:
        """Log the heads that have been declined for long; forget the heads that have left."""
        now = trio.current_time()
        for source, (since, gone) in tuple(self.since.items()):
            if gone != source.messages_gone() or not source.is_held_up():
                del self.since[source]
            elif now >= since + PATIENCE:
                del self.since[source]
                self._told.add(source)
                network, block = source.where()
                found = fields("message_declined", network=network, block=block, seconds=PATIENCE)
                remedy = source.head_remedy()
                log.warning("%s (for %g s now); %s", source.describe_head(), PATIENCE, remedy, extra=found)
