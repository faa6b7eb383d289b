"""What is known for sure of a source: how many items it will bring, and whether all of them go one way."""

from __future__ import annotations

from operator import length_hint
from typing import Any

from ..core.link import Link
from ..iterable_source import IterableSource

SURE: frozenset[type] = frozenset(type(iter(items)) for items in (list[int](), (), range(0)))


def known_length(source: IterableSource[Any]) -> int:
    """How many items a source will bring at least, if that is for sure."""
    iterator: Any = source._iterator
    return length_hint(iterator) if type(iterator) in SURE else 0


def is_only_way(link: Link[Any]) -> bool:
    """Whether all that a source gives goes along one link."""
    return link.outbox.links == [link] and link.filter is None and link.remaining is None and link.inbox.filter is None
