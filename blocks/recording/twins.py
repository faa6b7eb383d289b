"""Several items in transit that are one object, such as equal small numbers, True, or None.

They are kept by the block that they have entered or left last. So finding the item that a stage takes is as quick among
thousands as among a few.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Collection

from .routes import Routes, Way

OnItsWay = tuple[weakref.ref[object] | None, object, int, str, bool]
"""An item between two stages.

- A weak reference to it; None if it allows none.
- The item itself if it allows no weak reference, which keeps it alive, so that its id is not used again; else None.
- Its number.
- The block that it has entered or left last.
- Whether it has entered that block; False if it has left it.
"""


def is_of(one: OnItsWay, item: object) -> bool:
    """Whether an entry with the id of an item belongs to this item, and not to an earlier object with the same id."""
    refers_to = one[0]
    return refers_to is None or refers_to() is item


class Twins:
    """Several items that are one object.

    Args:
        one: One of them.

    Attributes:
        one: One of them, to know which object they are.
    """

    __slots__ = ("_at", "_came", "one")

    def __init__(self, one: OnItsWay) -> None:
        self.one: OnItsWay = one
        self._came = 0
        self._at: dict[Way, deque[tuple[int, int]]] = {}
        self.add(one)

    def __bool__(self) -> bool:
        return bool(self._at)

    def add(self, one: OnItsWay) -> None:
        """Add an item, as the last one."""
        self._came += 1
        here = self._at.get(one[3:])
        if here is None:
            here = self._at[one[3:]] = deque()
        here.append((self._came, one[2]))

    def take(self, taker: str, routes: Routes) -> int:
        """Take the first item whose route leads to the taker, or else the first of all; return its number."""
        at = self._at
        ways: Collection[Way] = (len(at) > 1 and routes.leading(at, taker)) or at
        way = min(ways, key=lambda way: at[way][0]) if len(ways) > 1 else next(iter(ways))
        here = at[way]
        _, number = here.popleft()
        if not here:
            del at[way]
        return number
