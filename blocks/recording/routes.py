"""The routes of items: which stage can get an item from which place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

Links = Mapping[str, Iterable[str]]


class Routes:
    """The nodes that items can reach from each block without passing a stage, a node that works on items.

    Args:
        look: Gives the links and the names of the stages; called again when the number of links has changed.
        links_made: Gives the number of links.
    """

    __slots__ = ("_ends", "_links", "_links_made", "_look", "_made", "_stages")

    def __init__(self, look: Callable[[], tuple[Links, Collection[str]]], links_made: Callable[[], int]) -> None:
        self._look = look
        self._links_made = links_made
        self._made = -1
        self._links: Links = {}
        self._stages: Collection[str] = ()
        self._ends: dict[str, dict[str, None]] = {}

    def lead(self, place: str, inside: bool, taker: str) -> bool:
        """Whether an item can have come from a place to its taker."""
        if place == taker:
            return inside
        made = self._links_made()
        if made != self._made:
            self._made = made
            self._links, self._stages = self._look()
            self._ends = {}
        if inside and place in self._stages:
            return False
        if place not in self._ends:
            self._ends[place] = ends(place, self._links, self._stages)
        return taker in self._ends[place]


def ends(place: str, links: Links, stages: Collection[str]) -> dict[str, None]:
    """The nodes that items can reach from a place, up to and with the first stage on each path."""
    found: dict[str, None] = {}
    ways = list(links.get(place, ()))
    while ways:
        node = ways.pop(0)
        if node not in found:
            found[node] = None
            if node not in stages:
                ways.extend(links.get(node, ()))
    return found
