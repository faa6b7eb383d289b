"""The chain of tasks that decides how long a graph takes at least."""

from __future__ import annotations

from collections.abc import Sequence

from .node import Node


def critical_path(nodes: Sequence[Node]) -> tuple[list[str], float]:
    """The names of the chain that needed the longest time, and its seconds.

    Args:
        nodes: All nodes, each after those that it needs.
    """
    ends: dict[Node, float] = {}
    before: dict[Node, Node | None] = {}
    for node in nodes:
        last = max((each for each in node.before() if each in ends), key=lambda each: ends[each], default=None)
        before[node] = last
        ends[node] = node.seconds + (0.0 if last is None else ends[last])
    if not ends:
        return [], 0.0
    each: Node | None = max(ends, key=lambda node: ends[node])
    seconds = ends[each] if each is not None else 0.0
    names: list[str] = []
    while each is not None:
        names.append(each.name)
        each = before[each]
    return names[::-1], seconds
