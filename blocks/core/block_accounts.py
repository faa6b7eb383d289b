"""The accounts of a block: what has become of every item that it has accepted."""

from __future__ import annotations

from collections import Counter

from ..base.statistics import BlockStatistics
from ..base.times import NEVER, Histogram
from .balance import BlockBalance
from .block_hooks import BlockHooks

WAYS_IN = frozenset({"pulled", "produced"})
"""The counts of items that came into a block, but not through an inbox."""
WAYS_OUT = frozenset({"consumed", "merged", "discarded"})
"""The counts of items that ended in a block and were not dropped."""


class BlockAccounts(BlockHooks):
    """Counts the items of a block, and makes its balance and its statistics.

    Attributes:
        name: The name of the block.
        kind: The word for its kind.
        counts: How many items have ended here, or come into the block not through an inbox, by what became of them.
        waits: How long tasks have waited here, by what they were doing.
    """

    __slots__ = ()
    name: str
    kind: str
    counts: Counter[str]
    waits: dict[str, Histogram]

    def accounts(self) -> BlockBalance:
        counts = self.counts
        return BlockBalance(
            name=self.name,
            accepted=sum(inbox.accepted for inbox in self.inboxes()) + counts["pulled"],
            produced=counts["produced"],
            delivered=sum(outbox.delivered for outbox in self.outboxes()[:1]),
            received=sum(outbox.received for outbox in self.outboxes()[:1]),
            consumed=counts["consumed"],
            merged=counts["merged"],
            dropped={key[8:]: n for key, n in counts.items() if key.startswith("dropped:") and n},
            dead_lettered=sum(outbox.delivered for outbox in self.outboxes()[1:]),
            discarded=counts["discarded"],
            held=self.held(),
        )

    def difference(self) -> int:
        """The difference of the `accounts`, without making them: every network needs it at its end."""
        difference = -self.held()
        for inbox in self.inboxes():
            difference += inbox.accepted
        for outbox in self.outboxes():
            difference -= outbox.delivered
        for outbox in self.outboxes()[:1]:
            difference -= outbox.received
        for key, count in self.counts.items():
            if key in WAYS_IN:
                difference += count
            elif key in WAYS_OUT or key.startswith("dropped:"):
                difference -= count
        return difference

    def measured(self, seconds: float) -> BlockStatistics:
        """The statistics of the block, for a run of `seconds` so far."""
        accounts = self.accounts()
        waits = self.waits
        done = accounts.delivered + accounts.received + accounts.consumed
        return BlockStatistics(
            name=self.name,
            kind=self.kind,
            received=accounts.accepted or accounts.produced * (not self.inboxes()),
            emitted=accounts.delivered + accounts.received,
            consumed=accounts.consumed,
            dropped=accounts.dropped,
            dead_lettered=accounts.dead_lettered,
            discarded=accounts.discarded,
            queued=accounts.held,
            most_queued=max((accounts.held, *(inbox.most_queued for inbox in self.inboxes()))),
            held=accounts.held,
            wait_for_input=waits["receive"].summary() if "receive" in waits else NEVER,
            wait_for_output=waits["send"].summary() if "send" in waits else NEVER,
            throughput=done / seconds if seconds > 0 else 0.0,
        )

    def has_lost(self) -> bool:
        """Whether a message was dropped here or has failed."""
        counts = self.counts
        return bool(counts["failed"]) or any(n for key, n in counts.items() if key.startswith("dropped:"))
