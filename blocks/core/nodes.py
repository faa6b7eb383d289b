"""The nodes that a user gives to a network, and the parts of them that the network runs."""

from __future__ import annotations

from typing import Any, Protocol, cast

from .block import inside
from .ports import Part


class Node(Protocol):
    """A block or an agent: the things that a `Network` runs.

    Use it in annotations. To make a node of your own, subclass `Buffer` or `penstock.agents.Agent`.
    """

    @property
    def name(self) -> str:
        """The name in reports and messages."""
        ...

    @property
    def _core(self) -> Any:
        """The part that the network runs: the core of a block or of an agent."""
        ...


def part_of(thing: object) -> Part | None:
    """The part of a block or an agent that a network runs; None for anything else."""
    core: Any = None if isinstance(thing, type) else inside(thing)
    core = getattr(core, "stands_for", core)  # several blocks in a line: the first of them
    return cast("Part | None", core) if hasattr(core, "neighbors") else None


def parts_of(who: str, nodes: tuple[Any, ...]) -> list[Part]:
    """The parts of blocks and agents that a network runs.

    Raises:
        TypeError: One of the nodes is neither a block nor an agent.
    """
    parts: list[Part] = []
    for node in nodes:
        part = part_of(node)
        if part is None:
            raise TypeError(f"{who}: needs blocks and agents, got {node!r}")
        parts.append(part)
    return parts
