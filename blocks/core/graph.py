"""Walks along the links between blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

B = TypeVar("B")
"""A block."""


def reachable(start: B, step: Callable[[Any], Iterable[B]]) -> dict[B, None]:
    """All blocks that can be reached from `start` by repeated `step`, including `start`."""
    found: dict[B, None] = {}
    waiting = [start]
    while waiting:
        block = waiting.pop()
        if block not in found:
            found[block] = None
            waiting.extend(step(block))
    return found


def downstream(block: Any) -> list[Any]:
    """The blocks that a block is linked to; links of its dead letters do not count."""
    return [link.taker for outbox in block.outboxes()[:1] for link in outbox.links]


def upstream(block: Any) -> list[Any]:
    """The blocks that are linked to a block."""
    sources = [getattr(producer, "giver", None) for inbox in block.inboxes() for producer in inbox.producers]
    return [source for source in sources if source is not None]
