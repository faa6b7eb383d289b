"""What an item takes along while a run is traced: the context in which its spans begin.

It is a number, because an item on its way has a number, which ends with the item. So nothing has to be forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ItemTrace(int):
    """The number of an item, and its context.

    Attributes:
        parent: The context in which the spans of the item begin; None if none of its spans is recorded.
        links: The contexts of the spans of other items of which the item was made.
        tries: How often the work of the stage that has the item now has failed.
    """

    parent: Any
    links: Sequence[Any]
    tries: int

    def __new__(cls, number: int, parent: Any, links: Sequence[Any] = (), tries: int = 0) -> ItemTrace:
        """Make the number of an item."""
        made = super().__new__(cls, number)
        made.parent, made.links, made.tries = parent, links, tries
        return made

    def handed_on(self) -> ItemTrace:
        """The same for the results of a stage."""
        return ItemTrace(self, self.parent) if self.links or self.tries else self

    def failed(self) -> ItemTrace:
        """The same after the work of a stage has failed."""
        return ItemTrace(self, self.parent, self.links, self.tries + 1)


UNSAMPLED = ItemTrace(0, None)
"""The number of all items of which no span is recorded."""
