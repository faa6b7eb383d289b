"""The numbers of a network so far: by block, by agent, by governor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import attrs

from .statistics import AgentStatistics, BlockStatistics, GovernorStatistics

One = TypeVar("One", BlockStatistics, AgentStatistics, GovernorStatistics)


@attrs.frozen
class Statistics:
    """The numbers of a network so far.

    Attributes:
        network: The name of the network.
        seconds: Seconds from its start until now or until its end.
        is_running: Whether it has not ended.
        blocks: An entry per block, in the order in which they joined. Blocks that have left the running network come
            last, as one entry, "blocks that left", with the sums of their items and times.
        agents: An entry per agent, in the order in which they joined.
        governors: An entry per governor that governs blocks of the network, and per resource pool of its blocks.
        body: The task that runs the body of the `async with` block.
    """

    network: str
    seconds: float
    is_running: bool
    blocks: tuple[BlockStatistics, ...]
    agents: tuple[AgentStatistics, ...]
    governors: tuple[GovernorStatistics, ...]
    body: AgentStatistics

    def _repr_html_(self) -> str:
        from .html import division, heading, table  # late: only notebooks need it
        from .statistics_table import report_table, title_of

        return division(heading(title_of(self)), table(report_table(self)))

    def __getitem__(self, name: str) -> BlockStatistics:
        """Look up a block by name; the `KeyError` for a wrong name lists the blocks."""
        return find("block", self.blocks, name)

    def agent(self, name: str) -> AgentStatistics:
        """Look up an agent by name; the `KeyError` for a wrong name lists the agents."""
        return find("agent", self.agents, name)

    def governor(self, name: str) -> GovernorStatistics:
        """Look up a governor by name; the `KeyError` for a wrong name lists the governors."""
        return find("governor", self.governors, name)


def find(kind: str, everyone: Sequence[One], name: str) -> One:
    """Return the entry with a name."""
    for one in everyone:
        if one.name == name:
            return one
    raise KeyError(f"no {kind} {name!r}; there are {', '.join(repr(one.name) for one in everyone) or 'none'}")
