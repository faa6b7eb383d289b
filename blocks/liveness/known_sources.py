"""What is known for sure of a source: whether all that it gives goes one way."""

from __future__ import annotations

from typing import Any

from ..core.link import Link


def is_only_way(link: Link[Any]) -> bool:
    """Whether all that a source gives goes along one link."""
    return link.outbox.links == [link] and link.filter is None and link.remaining is None and link.inbox.filter is None
