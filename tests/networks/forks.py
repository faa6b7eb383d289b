"""Parts with several branches: items are split, shared or copied among them, and come together again."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import attrs

from penstock.agents import SequenceMultiplexer
from penstock.blocks import Broadcast, Choice, Collect, Distribute, Join, Source, Transformer
from penstock.blocks.choice import Chosen

from .building import Building, Forecast, Piece, Stage
from .items import Item
from .stages import buffer

Spread = Literal["split", "balance", "turns", "broadcast"]
Merge = Literal["direct", "choice", "sequence", "collect", "join", "greedy join"]
ALIKE = ("balance", "turns")
"""The spreads whose branches are all alike: the first one is built several times."""


@attrs.frozen
class Fork:
    """Branches between a source that spreads the items and a block that merges them.

    Attributes:
        spread: By filters ("split"), to a branch that has room ("balance"), in turn ("turns"), or a copy to each.
        merge: Into one buffer, by a choice, by a sequence multiplexer (with a block before the fork that numbers the
            items), in turn (only after "turns"), or by a join (only after a broadcast).
        branches: At least one; for "balance" and "turns" the first one is built `width` times.
        capacity: Of the buffers before and behind.
        is_on_target: Whether the filters of a split belong to the targets instead of the links.
    """

    mark: int
    spread: Spread
    merge: Merge
    branches: tuple[tuple[Stage, ...], ...]
    width: int = 2
    capacity: int | None = None
    is_on_target: bool = False

    def _branches(self) -> list[tuple[Stage, ...]]:
        return [self.branches[0]] * self.width if self.spread in ALIKE else list(self.branches)

    # Building

    def build(self, building: Building) -> Piece:
        """Make all of it."""
        spread: Any
        name = building.name("fork", self.mark)
        if self.spread == "broadcast":
            spread = Broadcast[Any](capacity=self.capacity, name=name)
        elif self.spread == "turns":
            spread = Distribute[Any](capacity=self.capacity, name=name)
        else:
            spread = buffer(name, self.capacity)
        building.nodes.append(spread)
        pieces = [build_chain(branch, building) for branch in self._branches()]
        for index, piece in enumerate(pieces):
            self._link(spread, piece, index, len(pieces))
        exit = self._merge([piece.exit for piece in pieces], building)
        if self.merge != "sequence":
            return Piece(spread, exit)
        counter = itertools.count(1)

        def count(item: Item) -> Item:
            return item.numbered(self.mark, next(counter))

        numberer: Transformer[Item, Item] = Transformer(count, name=building.name("number", self.mark))
        numberer.link_target(spread)
        building.nodes.append(numberer)
        return Piece(numberer, exit)

    def _link(self, spread: Source[Item], piece: Piece, index: int, count: int) -> None:
        def accepts(item: Item) -> bool:
            return self._branch_of(item, count) == index

        if self.spread != "split":
            spread.link_target(piece.entry)
        elif self.is_on_target:
            piece.entry.filter = accepts
            spread.link_target(piece.entry)
        else:
            spread.link_target(piece.entry, accepts)

    def _branch_of(self, item: Item, count: int) -> int:
        return (item.origin + self.mark) % count

    def _merge(self, exits: list[Source[Item]], building: Building) -> Source[Any]:
        name = building.name("merge", self.mark)
        block: Any
        if self.merge == "direct":
            store = buffer(name, self.capacity)
            for exit in exits:
                exit.link_target(store)
            building.nodes.append(store)
            return store
        if self.merge == "collect":
            in_turn = Collect[Item](*exits, name=name)
            building.nodes.append(in_turn)
            return in_turn
        if self.merge == "sequence":
            in_order = SequenceMultiplexer[Item](*exits, key=lambda item: item.number(self.mark), name=name)
            building.nodes.append(in_order)
            return in_order

        def unwrap_choice(chosen: Chosen[Item]) -> Item:
            building.demand(0 <= chosen.index < len(exits), f"{name} has no input {chosen.index}")
            return chosen.value

        def unwrap_tuple(items: tuple[Item, ...]) -> Item:
            building.demand(len(items) == len(exits), f"{name} gave a tuple of {len(items)}")
            origins = {item.origin for item in items}
            building.demand(len(origins) == 1, f"{name} joined items of different origin, {items!r}")
            return items[0]

        unwrapper: Transformer[Any, Item]
        if self.merge == "choice":
            block = Choice(*exits, name=name)
            unwrapper = Transformer(unwrap_choice, capacity=self.capacity, name=building.name("unwrap", self.mark))
        else:
            is_greedy = self.merge == "greedy join"
            block = Join[Any](*exits, greedy=is_greedy, capacity=self.capacity if is_greedy else None, name=name)
            unwrapper = Transformer(unwrap_tuple, capacity=self.capacity, name=building.name("unwrap", self.mark))
        block.link_target(unwrapper)
        building.nodes += [block, unwrapper]
        return unwrapper

    # The model

    def foretell(self, forecast: Forecast) -> None:
        """Follow the items through the branches."""
        before = forecast.items
        if self.merge == "sequence":
            before = [item.numbered(self.mark, number) for number, item in enumerate(before, 1)]
        results: list[list[Item]] = []
        count = 1 if self.spread in ALIKE else len(self.branches)
        was_ordered = forecast.is_ordered
        for index in range(count):
            mine = before
            if self.spread == "split":
                mine = [item for item in before if self._branch_of(item, count) == index]
            branch = forecast.branch(mine, self.width if self.spread in ALIKE else 1)
            for stage in self.branches[index]:
                stage.foretell(branch)
            results.append(branch.items)
            forecast.merge(branch)
        if self.merge in ("join", "greedy join"):
            forecast.items = results[0]
            return
        forecast.items = list(itertools.chain.from_iterable(results))
        if self.merge == "sequence":
            forecast.items.sort(key=lambda item: item.number(self.mark))
            forecast.is_ordered = was_ordered
        elif self.merge == "collect":
            forecast.is_ordered = was_ordered
        elif count > 1 or self.spread == "balance":
            forecast.is_ordered = False


def build_chain(stages: tuple[Stage, ...], building: Building) -> Piece:
    """Build parts one behind the other and link them."""
    pieces = [stage.build(building) for stage in stages]
    for left, right in itertools.pairwise(pieces):
        left.exit.link_target(right.entry)
    return Piece(pieces[0].entry, pieces[-1].exit)
