"""The accounts of a network: they say what happened to every item that a block accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from ..base.units import listed, printable, shortened

if TYPE_CHECKING:
    from rich.console import Group

    from ..base.grid import Column, Grid
    from ..base.html import Printer


@attrs.frozen
class BlockBalance:
    """The accounts of one block: the items that came in, and how they ended. Every item ends in exactly one way.

    Attributes:
        name: The block.
        accepted: Items taken from links and senders.
        produced: Items made here: read from an iterable, ticks, joined tuples, batches, copies for a further target.
        delivered: Items handed to linked targets.
        received: Items taken by `receive`.
        consumed: Items that ended in the function of a call, or that a one-to-many function turned into its outputs.
        merged: Items that became part of a tuple or batch.
        dropped: Items dropped by a policy, by reason.
        dead_lettered: Items that a policy turned into dead letters.
        discarded: Items that were still in the block when the network was stopped.
        held: Items that are in the block now.
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
        """The number of items that came in and are counted nowhere else; a value other than 0 is a bug in Penstock."""
        ends = self.delivered + self.received + self.consumed + self.merged + self.dead_lettered + self.discarded
        return self.accepted + self.produced - ends - sum(self.dropped.values()) - self.held

    def plus(self, other: BlockBalance) -> BlockBalance:
        """Add the accounts of another block; the sum has the name of this one."""
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
        blocks: One entry per block, in the order in which the blocks joined. Blocks that have left the running network
            come last, as one entry, "blocks that left".
        is_final: Whether the network has ended. Before that, a filter or a weight function that reads the accounts
            finds some items between two blocks.
    """

    blocks: tuple[BlockBalance, ...]
    is_final: bool = True

    def __getitem__(self, name: str) -> BlockBalance:
        """Look up a block by name; the `KeyError` for an unknown name lists the known names."""
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
        """One sentence: whether the accounts add up, and if not, which blocks are wrong."""
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
        from rich.console import Group  # imported here: it is slow, and most programs never print a table
        from rich.text import Text

        return Group(self._grid(), Text(self.verdict, "green" if self.ok else "bold red"))

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from ..base.html import division, sentence, table  # late as well

        return division(table(self._grid()), sentence(self.verdict, not self.ok))

    def _grid(self) -> Grid:
        from ..base.grid import Column, Grid  # late as well

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
    """Return a count as text; 0 gives an empty text."""
    return str(count) if count else ""
