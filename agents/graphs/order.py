"""The order in which tasks run: depth first, so that results are used soon after they are made."""

from __future__ import annotations

from collections.abc import Iterable

from .node import Node


def depth_first(wanted: Iterable[Node]) -> list[Node]:
    """The nodes that are wanted and all that these need, each after those that it needs, and close to them."""
    order: list[Node] = []
    seen: set[Node] = set()
    for node in wanted:
        if node in seen:
            continue
        seen.add(node)
        path = [(node, iter(node.before()))]
        while path:
            each, rest = path[-1]
            for needed in rest:
                if needed not in seen:
                    seen.add(needed)
                    if not needed.inputs and not needed.after:
                        order.append(needed)
                        continue
                    path.append((needed, iter(needed.before())))
                    break
            else:
                order.append(each)
                path.pop()
    return order
