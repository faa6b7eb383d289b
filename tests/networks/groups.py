"""A part that splits items, works on the pieces, and puts together again what came of each item."""

from __future__ import annotations

import itertools
from typing import Any

import attrs

from penstock.blocks import Regroup, Transformer, TransformMany

from .building import Building, Forecast, Piece, Stage
from .forks import build_chain
from .items import Item
from .stages import Expand


def longer(group: tuple[Item, ...], item: Item) -> tuple[Item, ...]:
    """A fold that keeps all items."""
    return (*group, item)


@attrs.frozen
class Group:
    """A transform-many, stages behind it, a regroup, and what takes the groups apart again.

    Attributes:
        split: The transform-many; it keeps the order.
        stages: What is in between; they keep the order, and say what they lose.
        folds: Whether the regroup has a function.
    """

    mark: int
    split: Expand
    stages: tuple[Stage, ...]
    folds: bool = False

    def build(self, building: Building) -> Piece:
        """Make all of it, with a block before it that numbers the items."""
        counter = itertools.count(1)
        name = building.name("group", self.mark)
        last = 0

        def count(item: Item) -> Item:
            return item.numbered(self.mark, next(counter))

        def unpack(group: list[Item]) -> list[Item]:
            nonlocal last
            numbers = {item.number(self.mark) for item in group}
            building.demand(len(numbers) <= 1, f"{name} put together {group!r}, which came of several items")
            building.demand(all(number > last for number in numbers), f"{name} gave {group!r} too late")
            last = max((last, *numbers))
            return list(group)

        numberer: Transformer[Item, Item] = Transformer(count, name=building.name("number", self.mark))
        split: Any = self.split.build(building).entry
        inner = build_chain(self.stages, building)
        fold: Any = (longer, ()) if self.folds else ()
        regroup = Regroup[Item, list[Item]](split, *fold, name=name)
        unpacker: TransformMany[list[Item], Item] = TransformMany(unpack, name=building.name("unpack", self.mark))
        numberer.link_target(split)
        split.link_target(inner.entry)
        inner.exit.link_target(regroup)
        regroup.link_target(unpacker)
        building.nodes += [numberer, regroup, unpacker]
        return Piece(numberer, unpacker)

    def foretell(self, forecast: Forecast) -> None:
        """Follow the items through the parts; the groups come apart again."""
        forecast.items = [item.numbered(self.mark, number) for number, item in enumerate(forecast.items, 1)]
        self.split.foretell(forecast)
        for stage in self.stages:
            stage.foretell(forecast)
