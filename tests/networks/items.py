"""What flows through the generated networks, and what goes wrong in them."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.blocks import Lease


class Item(NamedTuple):
    """A message that remembers where it has been, so that a model can say where it will be.

    Attributes:
        origin: Its number at the source of the network.
        marks: One entry for each function that has worked on it.
        numbers: Its number in each sequence that it is part of, by the mark of the block that counted.
        lease: The lease of a buffer that travels with it.
    """

    origin: int
    marks: tuple[int, ...] = ()
    numbers: tuple[tuple[int, int], ...] = ()
    lease: Lease[Any] | None = None

    def __repr__(self) -> str:
        return f"<{self.origin}|{'.'.join(map(str, self.marks[-6:]))}>"

    def marked(self, *marks: int) -> Item:
        """The item after a function has worked on it."""
        return self._replace(marks=self.marks + marks)

    def numbered(self, mark: int, number: int) -> Item:
        """The item with its number in a sequence."""
        return self._replace(numbers=(*self.numbers, (mark, number)))

    def with_lease(self, lease: Lease[Any] | None) -> Item:
        """The item with another lease, or with none: what is kept of an item must not keep its buffer."""
        return self._replace(lease=lease)

    @property
    def identity(self) -> tuple[int, tuple[int, ...]]:
        """What tells items apart, whatever their places in sequences are."""
        return self.origin, self.marks

    def number(self, mark: int) -> int:
        """The number in a sequence; raises a `KeyError` if it has none yet."""
        return dict(self.numbers)[mark]


class Boom(Exception):
    """What functions, filters, iterators, agents and bodies raise in these tests.

    Attributes:
        where: Which part of the plan raised it: its kind and mark.
        item: The item that was worked on.
        block: The name of the block or agent.
    """

    def __init__(self, where: str, item: Item | None = None, block: str | None = None) -> None:
        super().__init__(f"{block or where} {item!r}")
        self.where = where
        self.item = None if item is None else item.with_lease(None)
        self.block = block
