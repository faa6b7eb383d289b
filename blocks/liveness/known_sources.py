"""Tells whether all messages of a source go along one link."""

from __future__ import annotations

from typing import Any

from ..core.link import Link


def is_only_way(link: Link[Any]) -> bool:
    """Whether all messages of the link's source go along this link."""
    return link.outbox.links == [link] and link.filter is None and link.remaining is None and link.inbox.filter is None
