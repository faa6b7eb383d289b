"""The routes of items: which stage can get an item from which place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

Links = Mapping[str, Iterable[str]]
Way = tuple[str, bool]
"""Where an item comes from: the block that it has entered or left last, and whether it has entered it."""


class Routes:
    """The nodes that items can reach from each block without passing a stage, a node that works on items.

    Args:
        look: Gives the links and the names of the stages; called again when these have changed.
        state: Gives a different value each time when links or stages have changed.
    """

    __slots__ = ("_ends", "_leads", "_links", "_look", "_seen", "_stages", "_state")

    def __init__(self, look: Callable[[], tuple[Links, Collection[str]]], state: Callable[[], object]) -> None:
        self._look = look
        self._state = state
        self._seen: object = None
        self._links: Links = {}
        self._stages: Collection[str] = ()
        self._ends: dict[str, dict[str, None]] = {}
        self._leads: dict[str, dict[Way, bool]] = {}

    def leading(self, ways: Iterable[Way], taker: str) -> list[Way]:
        """Return the ways on which an item can come to its taker."""
        state = self._state()
        if state != self._seen:
            self._seen = state
            self._links, self._stages = self._look()
            self._ends, self._leads = {}, {}
        try:
            leads = self._leads[taker]
            return [way for way in ways if leads[way]]
        except KeyError:  # nearly always, all of them are known
            leads = self._leads.setdefault(taker, {})
            leads.update((way, self._lead(*way, taker)) for way in ways)
            return [way for way in ways if leads[way]]

    def _lead(self, place: str, inside: bool, taker: str) -> bool:
        if place == taker:
            return inside
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
