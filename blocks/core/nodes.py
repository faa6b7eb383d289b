"""What a user gives to a network, and what the network runs."""

from __future__ import annotations

from typing import Any, Protocol, cast

from .ports import Part


class Node(Protocol):
    """What a `Network` runs: a block or an agent.

    For annotations. A node of your own is a subclass of `Buffer` or of `penstock.agents.Agent`.
    """

    @property
    def name(self) -> str:
        """What reports and messages call it."""
        ...

    @property
    def _core(self) -> Part:
        """What the network runs: a block itself, of an agent what is inside it."""
        ...


def part_of(thing: object) -> Part | None:
    """What a network runs of a block or an agent; None for anything else."""
    return None if isinstance(thing, type) else cast("Part | None", getattr(thing, "_core", None))


def parts_of(who: str, nodes: tuple[Any, ...]) -> list[Part]:
    """What a network runs of some blocks and agents.

    Raises:
        TypeError: One of them is neither.
    """
    parts: list[Part] = []
    for node in nodes:
        part = part_of(node)
        if part is None:
            raise TypeError(f"{who}: needs blocks and agents, got {node!r}")
        parts.append(part)
    return parts
