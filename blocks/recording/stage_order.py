"""The order in which items pass the stages of a network: the order of the rows in a diagram."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .routes import ends


def in_order(nodes: Sequence[str], links: Mapping[str, Iterable[str]]) -> list[str]:
    """Sort nodes so that each comes after those that feed it; in a cycle, the given order decides.

    Args:
        nodes: The names of all nodes.
        links: The targets of each node.
    """
    feeders = {node: sum(node in targets for targets in links.values()) for node in nodes}
    waiting = list(nodes)
    ordered: list[str] = []
    while waiting:
        node = next((node for node in waiting if not feeders[node]), waiting[0])
        waiting.remove(node)
        ordered.append(node)
        for target in links.get(node, ()):
            feeders[target] -= 1
    return ordered


def between(stages: Iterable[str], links: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """The pairs of stages of which the first hands items to the second, directly or through other nodes."""
    wanted = dict.fromkeys(stages)
    return [(stage, node) for stage in wanted for node in ends(stage, links, wanted) if node in wanted]
