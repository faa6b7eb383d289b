"""What a diagram shows of a network, without the parts of a report that take long; also before the network starts."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from ..base.names import BODY
from ..base.network_statistics import Statistics
from ..base.statistics import LEFT, AgentStatistics
from ..core.block_core import BlockCore
from ..core.unique_names import UniqueNames
from ..liveness.graph_check import gates_of, nodes_of
from ..measuring.snapshot import of_pool, pools
from .bottleneck import Bottleneck
from .find_bottleneck import find_bottleneck
from .link_statistics import LinkStatistics, find_links

if TYPE_CHECKING:
    from ..core.ports import Member, Part
    from ..core.view import View


@attrs.frozen
class NetworkDiagram:
    """The blocks, agents, governors and links of a network, with their numbers.

    Attributes:
        statistics: The network's numbers so far.
        links: Its links.
        governed: For each governor, the blocks that it governs.
        bottleneck: The bottleneck of the run; None if nothing has run yet.
    """

    statistics: Statistics
    links: tuple[LinkStatistics, ...]
    governed: Mapping[str, tuple[str, ...]]
    bottleneck: Bottleneck | None = None


@attrs.frozen
class Planned:
    """The blocks and agents of a network that has not started."""

    blocks: tuple[BlockCore, ...]
    agents: tuple[Member, ...]


def diagram_of(network: View) -> NetworkDiagram:
    """Return what a diagram shows of a network as it is now."""
    if network.nodes:
        statistics = network.statistics()
        links = find_links(network, statistics)
        return NetworkDiagram(statistics, links, find_governed(network.blocks), find_bottleneck(statistics, links))
    return planned_diagram(network.name, nodes_of(network))


def planned_diagram(name: str, nodes: Sequence[Part]) -> NetworkDiagram:
    """Return what a diagram shows of a network that has not started.

    Args:
        name: The name of the network.
        nodes: All its blocks and agents.
    """
    parts: Sequence[Any] = nodes
    planned = Planned(
        tuple(node for node in parts if isinstance(node, BlockCore)),
        tuple(node for node in parts if not isinstance(node, BlockCore)),
    )
    gates: list[Any] = list(gates_of(planned.blocks))
    with unique_names(parts):
        statistics = Statistics(
            name,
            0.0,
            False,
            tuple(block.measured(0.0) for block in planned.blocks),
            tuple(agent.statistics() for agent in planned.agents),
            (*(gate.statistics() for gate in gates), *map(of_pool, pools(planned.blocks))),
            AgentStatistics(BODY, "not started"),
        )
        links = tuple(attrs.evolve(link, passed=None) for link in find_links(planned, statistics))
        return NetworkDiagram(statistics, links, find_governed(planned.blocks))


@contextmanager
def unique_names(nodes: Sequence[Any]) -> Generator[None]:
    """For a moment, give nodes the names that they will have in a network; until then, several may have the same."""
    names = UniqueNames((BODY, LEFT))
    before = [node.name for node in nodes]
    try:
        for node in nodes:
            node.name = names.take(node.name)
        yield
    finally:
        for node, name in zip(nodes, before, strict=True):
            node.name = name


def find_governed(blocks: Iterable[BlockCore]) -> dict[str, tuple[str, ...]]:
    """Return the names of the blocks that each governor governs."""
    governed: dict[str, tuple[str, ...]] = {}
    for block in blocks:
        for gate in block.governed:
            governor: Any = gate
            governed[governor.name] = (*governed.get(governor.name, ()), block.name)
    return governed
