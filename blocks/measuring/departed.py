"""The sums of the accounts and statistics of blocks that have left a running network."""

from __future__ import annotations

from collections import Counter

import attrs

from ..base.statistics import LEFT, BlockStatistics
from ..core.balance import BlockBalance


class Departed:
    """The sum of the blocks that have left; it takes the same memory for any number of blocks."""

    __slots__ = ("accounts", "numbers")

    def __init__(self) -> None:
        self.accounts: BlockBalance | None = None
        self.numbers: BlockStatistics | None = None

    def add(self, accounts: BlockBalance, numbers: BlockStatistics) -> None:
        """Add the accounts and statistics of a block that leaves."""
        accounts = attrs.evolve(accounts, name=LEFT)
        self.accounts = accounts if self.accounts is None else self.accounts.plus(accounts)
        self.numbers = together(self.numbers or BlockStatistics(LEFT, LEFT), numbers)

    def statistics(self, seconds: float) -> tuple[BlockStatistics, ...]:
        """Return one entry for all of them, or none if there are none; the network has run for `seconds`."""
        if self.numbers is None:
            return ()
        done = self.numbers.emitted + self.numbers.consumed
        return (attrs.evolve(self.numbers, throughput=done / seconds if seconds > 0 else 0.0),)

    def balance(self) -> tuple[BlockBalance, ...]:
        """Return one entry for all of them, or none if there are none."""
        return () if self.accounts is None else (self.accounts,)


def together(one: BlockStatistics, other: BlockStatistics) -> BlockStatistics:
    """Return the sum of two statistics, with the name of the first."""
    return attrs.evolve(
        one,
        received=one.received + other.received,
        emitted=one.emitted + other.emitted,
        consumed=one.consumed + other.consumed,
        dropped=dict(Counter(one.dropped) + Counter(other.dropped)),
        dead_lettered=one.dead_lettered + other.dead_lettered,
        discarded=one.discarded + other.discarded,
        retried=one.retried + other.retried,
        failed=one.failed + other.failed,
        most_queued=max(one.most_queued, other.most_queued),
        held=one.held + other.held,
        service=one.service.plus(other.service),
        cpu=one.cpu + other.cpu,
        wait_for_input=one.wait_for_input.plus(other.wait_for_input),
        wait_for_output=one.wait_for_output.plus(other.wait_for_output),
        wait_for_key=one.wait_for_key.plus(other.wait_for_key),
        wait_for_rate=one.wait_for_rate.plus(other.wait_for_rate),
    )
