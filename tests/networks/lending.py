"""A part of a generated chain whose items have a buffer each, from a block that takes it to one that gives it back."""

from __future__ import annotations

from typing import Literal

import attrs

from penstock.blocks import BufferPool, Transformer

from .building import Building, Forecast, Piece, Stage
from .forks import build_chain
from .items import Item
from .stages import Work

End = Literal["given back", "let go", "swapped"]


@attrs.frozen
class Lend:
    """Buffers that travel with the items; not shared, because the blocks of one part could wait for those of the next.

    Attributes:
        work: The block that takes them.
        inside: What the items go through with their buffers.
        count: How many buffers there are.
        end: How the last block ends a lease.
    """

    work: Work
    inside: tuple[Stage, ...]
    count: int = 1
    end: End = "given back"

    def build(self, building: Building) -> Piece:
        """Make all of it."""
        pool = BufferPool(lambda: bytearray(1), self.count, name="buffers")
        building.buffers.append(pool)
        first, inside = self.work.build(building, pool), build_chain(self.inside, building)

        def finish(item: Item) -> Item:
            lease = item.lease
            building.demand(lease is not None, f"{item!r} has lost its lease")
            if lease is not None and lease.belongs_to(pool):  # an item that was divided has one lease for all parts
                if self.end == "swapped":
                    lease.swap(bytearray(1))
                if self.end != "let go":
                    lease.give_back()
            return item.with_lease(None)

        last: Transformer[Item, Item] = Transformer(finish, name=building.name("last", self.work.mark))
        first.exit.link_target(inside.entry)
        inside.exit.link_target(last)
        building.nodes.append(last)
        return Piece(first.entry, last)

    def foretell(self, forecast: Forecast) -> None:
        """Nothing more happens to the items than in the parts."""
        self.work.foretell(forecast)
        for stage in self.inside:
            stage.foretell(forecast)
