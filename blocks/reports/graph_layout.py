"""Places the nodes of a graph in layers, each one after the nodes that feed it, with few crossings of its edges.

This is the method of Sugiyama, Tagawa and Toda (1981): edges that go back are left out, each node gets a layer after
its predecessors, an edge across several layers gets a waypoint in each of them, and each layer is sorted by the mean
place of the neighbours of its nodes. Layers follow one another along one axis, the nodes of a layer across it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import attrs

SWEEPS = 4
"""How many times all layers are sorted; more hardly helps."""

Key = str | tuple[int, int]
"""A node, by its id; or a waypoint, by the numbers of its edge and of its layer."""


@attrs.frozen
class Size:
    """The room that a node needs along the layers and across them."""

    along: float
    across: float


@attrs.frozen
class Place:
    """The place of a node: where it begins."""

    along: float
    across: float
    size: Size

    @property
    def middle(self) -> float:
        """Its centre, across."""
        return self.across + self.size.across / 2

    @property
    def end(self) -> float:
        """Where it ends, along."""
        return self.along + self.size.along


@attrs.frozen
class Layout:
    """The places of all nodes, and the ways of the edges.

    Attributes:
        places: The place of each node.
        ways: For each edge, the places of its waypoints; None if it goes back.
        size: The room of the whole graph.
    """

    places: dict[str, Place]
    ways: tuple[tuple[Place, ...] | None, ...]
    size: Size


def lay_out_graph(
    sizes: Mapping[str, Size], edges: Sequence[tuple[str, str]], between_layers: float, between_nodes: float
) -> Layout:
    """Place nodes in layers.

    Args:
        sizes: The room that each node needs, in the order in which the nodes of a layer are placed at first.
        edges: The source and the target of each edge.
        between_layers: The gap between two layers.
        between_nodes: The gap between two nodes of a layer.
    """
    depths, back = layers_of(list(sizes), edges)
    layers, chains = with_waypoints(depths, edges, back)
    neighbours = neighbours_of(chains)
    sort_layers(layers, depths, neighbours)
    nowhere = Size(0.0, 0.0)
    places: dict[Key, Place] = {}
    along = 0.0
    for layer in layers:
        within = [sizes[key] if isinstance(key, str) else nowhere for key in layer]
        wanted = [mean_middle(places, neighbours[key]) if key in neighbours else None for key in layer]
        for key, room, across in zip(layer, within, spread(wanted, within, between_nodes), strict=True):
            places[key] = Place(along, across, room)
        along += max(room.along for room in within) + between_layers
    return finished(places, chains, back, max(0.0, along - between_layers))


def finished(
    places: Mapping[Key, Place], chains: Sequence[Sequence[Key]], back: frozenset[int], along: float
) -> Layout:
    """Move everything so that it begins at 0, and divide nodes from waypoints."""
    first = min((place.across for place in places.values()), default=0.0)
    last = max((place.across + place.size.across for place in places.values()), default=0.0)
    moved = {key: attrs.evolve(place, across=place.across - first) for key, place in places.items()}
    ways = tuple(
        None if number in back else tuple(moved[key] for key in chain[1:-1]) for number, chain in enumerate(chains)
    )
    nodes = {key: place for key, place in moved.items() if isinstance(key, str)}
    return Layout(nodes, ways, Size(along, last - first))


def layers_of(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> tuple[dict[str, int], frozenset[int]]:
    """Return the layer of each node, and the numbers of the edges that go back."""
    outgoing: dict[str, list[tuple[int, str]]] = {node: [] for node in nodes}
    for number, (source, target) in enumerate(edges):
        outgoing[source].append((number, target))
    fed = {target for _, target in edges}
    order: list[str] = []  # each node after all that it feeds
    back: set[int] = set()
    is_done: dict[str, bool] = {}
    for start in sorted(nodes, key=lambda node: node in fed):  # what nothing feeds comes first
        if start in is_done:
            continue
        is_done[start] = False
        stack: list[tuple[str, Iterator[tuple[int, str]]]] = [(start, iter(outgoing[start]))]
        while stack:
            node, rest = stack[-1]
            number, target = next(rest, (-1, ""))
            if number < 0:
                is_done[node] = True
                order.append(node)
                stack.pop()
            elif target not in is_done:
                is_done[target] = False
                stack.append((target, iter(outgoing[target])))
            elif not is_done[target]:
                back.add(number)
    depths = dict.fromkeys(nodes, 0)
    for node in reversed(order):
        for number, target in outgoing[node]:
            if number not in back:
                depths[target] = max(depths[target], depths[node] + 1)
    return depths, frozenset(back)


def with_waypoints(
    depths: Mapping[str, int], edges: Sequence[tuple[str, str]], back: frozenset[int]
) -> tuple[list[list[Key]], list[list[Key]]]:
    """Return the nodes and waypoints of each layer, and those on the way of each edge."""
    layers: list[list[Key]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for node, depth in depths.items():
        layers[depth].append(node)
    chains: list[list[Key]] = []
    for number, (source, target) in enumerate(edges):
        between = () if number in back else range(depths[source] + 1, depths[target])
        for depth in between:
            layers[depth].append((number, depth))
        chains.append([source, *((number, depth) for depth in between), target])
    return layers, [[] if number in back else chain for number, chain in enumerate(chains)]


def neighbours_of(chains: Sequence[Sequence[Key]]) -> dict[Key, list[Key]]:
    """Return the nodes and waypoints beside each one, in the layers before and after it."""
    neighbours: dict[Key, list[Key]] = {}
    for chain in chains:
        for one, next_one in pairwise(chain):
            neighbours.setdefault(one, []).append(next_one)
            neighbours.setdefault(next_one, []).append(one)
    return neighbours


def sort_layers(
    layers: Sequence[list[Key]], depths: Mapping[str, int], neighbours: Mapping[Key, Sequence[Key]]
) -> None:
    """Sort each layer by the mean place of the neighbours in the layer before, then in the layer after, in turn."""
    ranks: dict[Key, float] = {}
    for layer in layers:
        ranks |= ranked(layer)

    def depth_of(key: Key) -> int:
        return depths[key] if isinstance(key, str) else key[1]

    for sweep in range(SWEEPS):
        step = -1 if sweep % 2 else 1
        for depth in range(len(layers))[::step]:
            layer = layers[depth]
            means = {
                key: mean([ranks[n] for n in neighbours.get(key, ()) if depth_of(n) == depth - step], ranks[key])
                for key in layer
            }
            layer.sort(key=means.__getitem__)
            ranks |= ranked(layer)


def ranked(layer: Sequence[Key]) -> dict[Key, float]:
    """Return the places of the nodes in their layer, from -0.5 to 0.5, so that layers of any length can be compared."""
    return {key: (place + 0.5) / len(layer) - 0.5 for place, key in enumerate(layer)}


def mean(numbers: Sequence[float], default: float) -> float:
    """Return the mean of numbers; the default if there are none."""
    return sum(numbers) / len(numbers) if numbers else default


def mean_middle(places: Mapping[Key, Place], neighbours: Sequence[Key]) -> float | None:
    """Return the mean centre of those neighbours that have a place; None if none has."""
    middles = [places[key].middle for key in neighbours if key in places]
    return mean(middles, 0.0) if middles else None


def spread(wanted: Sequence[float | None], sizes: Sequence[Size], gap: float) -> list[float]:
    """Return where the nodes of a layer begin, near the wanted centres, without overlaps."""
    begins: list[float] = []
    shifts: list[float] = []
    free = 0.0
    for middle, size in zip(wanted, sizes, strict=True):
        begin = free if middle is None else middle - size.across / 2
        if begins:
            begin = max(begin, free)
        begins.append(begin)
        shifts += [] if middle is None else [middle - size.across / 2 - begin]
        free = begin + size.across + gap
    shift = mean(shifts, -(free - gap) / 2)
    return [begin + shift for begin in begins]
