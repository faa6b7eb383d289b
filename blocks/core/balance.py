"""The accounts of a network: what became of every item that a block accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from ..base.grid import Column, Grid
from ..base.units import listed, printable, shortened

if TYPE_CHECKING:
    from rich.console import Group


@attrs.frozen
class BlockBalance:
    """What went into a block and what became of it; every item ends in exactly one way.

    Attributes:
        name: The block.
        accepted: Items taken from links and senders.
        produced: Items born here: read from an iterable, ticks, joined tuples, batches, copies for a further target.
        delivered: Items handed to linked targets.
        received: Items taken by `receive`.
        consumed: Items that the function of a call used up, or that a one-to-many function turned into its outputs.
        merged: Items that became part of a tuple or batch.
        dropped: Items dropped by a policy, by reason.
        dead_lettered: Items that a policy turned into dead letters.
        discarded: Items that were still here when the network was stopped.
        held: Items that are here now.
    """

    name: str
    accepted: int
    produced: int
    delivered: int
    received: int
    consumed: int
    merged: int
    dropped: Mapping[str, int]
    dead_lettered: int
    discarded: int
    held: int

    @property
    def difference(self) -> int:
        """Items that came in and are accounted for nowhere; anything but 0 is an error in this library."""
        ends = self.delivered + self.received + self.consumed + self.merged + self.dead_lettered + self.discarded
        return self.accepted + self.produced - ends - sum(self.dropped.values()) - self.held

    def plus(self, other: BlockBalance) -> BlockBalance:
        """The accounts of both together, under the name of this one."""
        sums = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in attrs.fields(BlockBalance)
            if field.name not in ("name", "dropped")
        }
        return BlockBalance(self.name, dropped=dict(Counter(self.dropped) + Counter(other.dropped)), **sums)


@attrs.frozen
class Balance:
    """The accounts of all blocks of a network.

    Attributes:
        blocks: One entry a block, in the order in which they joined. Blocks that have left the running network come
            last, as one entry, "blocks that left".
        is_final: Whether the network has ended. Before that, a filter or weight that looks finds some items on their
            way.
    """

    blocks: tuple[BlockBalance, ...]
    is_final: bool = True

    def __getitem__(self, name: str) -> BlockBalance:
        """Look up a block by name; a `KeyError` names those there are."""
        for block in self.blocks:
            if block.name == name:
                return block
        raise KeyError(f"no block {name!r}; there are {', '.join(repr(block.name) for block in self.blocks) or 'none'}")

    @property
    def ok(self) -> bool:
        """Whether every item is accounted for."""
        return all(block.difference == 0 for block in self.blocks)

    @property
    def dropped(self) -> int:
        """Items dropped by policies, in all blocks."""
        return sum(sum(block.dropped.values()) for block in self.blocks)

    @property
    def discarded(self) -> int:
        """Items that were in flight when the network was stopped."""
        return sum(block.discarded for block in self.blocks)

    @property
    def held(self) -> int:
        """Items that are in the network now."""
        return sum(block.held for block in self.blocks)

    @property
    def verdict(self) -> str:
        """One sentence that says whether it adds up, and if not, where."""
        wrong = tuple(
            f"{printable(block.name)} has {abs(block.difference)} {'lost' if block.difference > 0 else 'too many'}"
            for block in self.blocks
            if block.difference
        )
        if not wrong:
            return "it adds up: every item is accounted for"
        if not self.is_final:
            return "this is the middle of a step: some items are on their way, and counted nowhere"
        return f"it does not add up: {listed(wrong)}"

    def __str__(self) -> str:
        return f"{self._grid()}\n{self.verdict}".lstrip("\n")

    def __rich__(self) -> Group:
        from rich.console import Group  # here, because it takes a while and most programs never look at a table
        from rich.text import Text

        return Group(self._grid(), Text(self.verdict, "green" if self.ok else "bold red"))

    def _grid(self) -> Grid:
        reasons = dict.fromkeys(reason for block in self.blocks for reason in block.dropped)
        names = tuple(shortened(block.name) for block in self.blocks)

        def column(title: str, field: str) -> Column:
            return Column(title, tuple(cell(getattr(block, field)) for block in self.blocks))

        return Grid(
            (
                Column("", names, is_text=True, style="bold"),
                *(column(field, field) for field in WAYS_IN + WAYS_OUT),
                *(
                    Column(f"dropped\n({reason})", tuple(cell(block.dropped.get(reason, 0)) for block in self.blocks))
                    for reason in reasons
                ),
                column("dead\nlettered", "dead_lettered"),
                *(column(field, field) for field in ("discarded", "held", "difference")),
            )
        )


WAYS_IN = ("accepted", "produced")
WAYS_OUT = ("delivered", "received", "consumed", "merged")


def cell(count: int) -> str:
    """A number, or nothing instead of 0."""
    return str(count) if count else ""
