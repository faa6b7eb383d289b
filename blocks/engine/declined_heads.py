"""Notices a message that has stayed at the head of a source for a while because every target declines it.

In a network whose body goes on that is no standstill: the body might receive the message, or link another target. Yet
everything behind it waits, so the log says so, once per source.
"""

from __future__ import annotations

import trio

from ..base.log import log
from ..core.scheduler import Source

PATIENCE = 1.0
"""Seconds that a head may be declined before the log says so."""


class DeclinedHeads:
    """The heads that every target has declined, and that are still there.

    Attributes:
        since: For each source: when its head was declined, and how many messages had left it by then.
    """

    def __init__(self) -> None:
        self.since: dict[Source, tuple[float, int]] = {}
        self._told: set[Source] = set()

    def note(self, source: Source) -> bool:
        """Every target has declined the head of a source; say whether that is news."""
        gone = source.messages_gone()
        before = self.since.get(source)
        is_news = source not in self._told and (before is None or before[1] != gone)
        if is_news:
            self.since[source] = (trio.current_time(), gone)
        return is_news

    def look(self) -> None:
        """Tell of heads that have been declined for long; forget those that have left."""
        now = trio.current_time()
        for source, (since, gone) in tuple(self.since.items()):
            if gone != source.messages_gone() or not source.is_held_up():
                del self.since[source]
            elif now >= since + PATIENCE:
                del self.since[source]
                self._told.add(source)
                log.warning("%s (for %g s now); %s", source.describe_head(), PATIENCE, source.head_remedy())
