"""Graphs in layers: no two nodes overlap, links lead to later layers, and what can be straight is straight."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.reports.graph_layout import Layout, Size, lay_out_graph

ROOM = Size(10.0, 4.0)
Edges = list[tuple[str, str]]


def layout(nodes: str, *edges: str) -> Layout:
    """The layout of nodes with one letter each, and of edges like "ab"."""
    return lay_out_graph(dict.fromkeys(nodes, ROOM), [(edge[0], edge[1]) for edge in edges], 5.0, 1.0)


def columns(found: Layout) -> dict[float, str]:
    """The nodes of each layer, in their order."""
    layers: dict[float, list[tuple[float, str]]] = {}
    for node, place in found.places.items():
        layers.setdefault(place.along, []).append((place.across, node))
    return {along: "".join(node for _, node in sorted(layer)) for along, layer in sorted(layers.items())}


def test_a_chain_is_a_straight_line() -> None:
    found = layout("abc", "ab", "bc")
    assert columns(found) == {0.0: "a", 15.0: "b", 30.0: "c"}
    assert {place.across for place in found.places.values()} == {0.0}
    assert found.size == Size(40.0, 4.0)
    assert found.ways == ((), ())


def test_what_feeds_nothing_and_what_nothing_feeds_have_a_place_too() -> None:
    assert columns(layout("ab")) == {0.0: "ab"}
    assert layout("").size == Size(0.0, 0.0)


def test_a_link_across_a_layer_goes_around_the_nodes_there() -> None:
    found = layout("abc", "ab", "bc", "ac")
    way = found.ways[2]
    assert way is not None
    (waypoint,) = way
    assert waypoint.along == found.places["b"].along
    b = found.places["b"]
    assert not b.across <= waypoint.middle <= b.across + b.size.across


def test_links_that_need_not_cross_do_not() -> None:
    assert columns(layout("abcdef", "af", "be", "cd")) == {0.0: "abc", 15.0: "fed"}
    assert columns(layout("abxy", "ay", "bx", "ya", "xb"))[15.0] == "yx"


def test_a_node_stands_beside_those_that_feed_it() -> None:
    found = layout("sabcj", "sa", "sb", "sc", "aj", "bj", "cj")
    assert columns(found) == {0.0: "s", 15.0: "abc", 30.0: "j"}
    assert found.places["s"].middle == found.places["b"].middle == found.places["j"].middle


def test_a_circle_has_one_link_that_goes_back() -> None:
    found = layout("abc", "ab", "bc", "ca")
    assert found.ways == ((), (), None)
    assert layout("a", "aa").ways == (None,)
    assert layout("bas", "ab", "ba", "sa").ways == ((), None, ())  # the circle begins where it is fed


def test_a_chain_of_ten_thousand_needs_no_deep_stack() -> None:
    nodes = [str(number) for number in range(10_000)]
    found = lay_out_graph(dict.fromkeys(nodes, ROOM), list(itertools.pairwise(nodes)), 5.0, 1.0)
    assert found.places["9999"].along == 9999 * 15.0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Size], Edges]:
    number = draw(st.integers(1, 8))
    nodes = [str(node) for node in range(number)]
    sizes = {node: Size(draw(st.integers(1, 9)), draw(st.integers(1, 9))) for node in nodes}
    node = st.sampled_from(nodes)
    return sizes, draw(st.lists(st.tuples(node, node), max_size=16))


@given(graphs())
def test_no_nodes_overlap_and_every_link_that_does_not_go_back_goes_on(graph: tuple[dict[str, Size], Edges]) -> None:
    sizes, edges = graph
    found = lay_out_graph(sizes, edges, 5.0, 1.0)
    assert found.places.keys() == sizes.keys()
    for one, other in itertools.combinations(found.places.values(), 2):
        is_beside = one.across + one.size.across <= other.across + 1e-6 or other.across + other.size.across <= (
            one.across + 1e-6
        )
        assert is_beside or one.along != other.along
    for (source, target), way in zip(edges, found.ways, strict=True):
        if way is not None:
            alongs = [found.places[source].along, *(place.along for place in way), found.places[target].along]
            assert alongs == sorted(set(alongs))
    assert all(place.across >= -1e-6 and place.along >= 0 for place in found.places.values())
    assert all(place.across + place.size.across <= found.size.across + 1e-6 for place in found.places.values())
    assert all(place.end <= found.size.along + 1e-6 for place in found.places.values())


@given(graphs())
def test_only_links_of_circles_go_back(graph: tuple[dict[str, Size], Edges]) -> None:
    sizes, edges = graph
    ways = lay_out_graph(sizes, edges, 5.0, 1.0).ways
    reached = {node: {node} for node in sizes}
    for _ in sizes:
        for source, target in edges:
            for found in reached.values():
                if source in found:
                    found.add(target)
    for (source, target), way in zip(edges, ways, strict=True):
        if way is None:
            assert source in reached[target]
