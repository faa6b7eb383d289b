"""Pictures of networks, for Mermaid and for Graphviz; both are taken apart again here."""

import html
import itertools
import re
from collections.abc import Callable
from typing import NamedTuple

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import (
    AgentStatistics,
    BlockStatistics,
    Bottleneck,
    BottleneckKind,
    Diagnosis,
    GovernorStatistics,
    LinkKind,
    LinkStatistics,
    Report,
    Statistics,
    Times,
)
from penstock.blocks.base.units import printable

NAMES = [
    'a "quoted" name',
    "[brackets] (and) {braces}",
    "two\nlines",
    "größe 過濾 🙂",
    "<b>bold</b> & &lt;",
    "back\\slash \\N",
    "end",
    "1. first",
    "2) second",
    "- dash",
    "`*md*` __init__ #35; ; | --> fa:fa-car",
    "",
]


def report(*names: str, governed: dict[str, tuple[str, ...]] | None = None, agents: tuple[str, ...] = ()) -> Report:
    """A chain of blocks, then of agents, fed and read by hand."""
    blocks = tuple(BlockStatistics(name, "transformer", "loop", 1) for name in names)
    numbers = Statistics(
        'the "net"',
        1.0,
        True,
        blocks,
        tuple(AgentStatistics(name, "started") for name in agents),
        tuple(GovernorStatistics(name, 3, 1, 2) for name in governed or {}),
        AgentStatistics("body", "running"),
    )
    chain = (*names, *agents)
    links = [LinkStatistics(*pair, passed=7) for pair in itertools.pairwise(chain)]
    links += [LinkStatistics("", chain[0], LinkKind.BY_HAND, 9)] if chain else []
    return Report(numbers, Diagnosis("n", (), (), ()), tuple(links), governed or {})


class Graph(NamedTuple):
    """What a picture shows: nodes by id, in which group they are, and edges."""

    nodes: dict[str, list[str]]
    groups: dict[str, str]
    edges: list[tuple[str, str, list[str]]]


# What Mermaid accepts between quotes: no quote, and `#` only as the beginning of a character's number.
TEXT = r'"((?:[^"#\n`]|#\d+;)*)"'
MERMAID_NODE = re.compile(rf" *(\w+)(?:\[{TEXT}\]|\[\({TEXT}\)\]|\(\[{TEXT}\]\)|\{{\{{{TEXT}\}}\}})")
MERMAID_EDGE = re.compile(rf"  (\w+) (?:-->|-\.->)(?:\|{TEXT}\|)? (\w+)")
MERMAID_GROUP = re.compile(rf"  subgraph (\w+)\[{TEXT}\]")


def mermaid_lines(text: str) -> list[str]:
    return [re.sub(r"#(\d+);", lambda found: chr(int(found[1])), line) for line in text.split("<br/>") if line]


def read_mermaid(text: str) -> Graph:
    """Take the text apart by the part of the grammar that is used; anything else is an error."""
    head, title, tail, kind, *lines = text.rstrip("\n").split("\n")
    assert (head, tail, kind) == ("---", "---", "flowchart LR")
    assert title == 'title: "the #34;net#34;"'
    graph, group = Graph({}, {}, []), ""
    for line in lines:
        if found := MERMAID_GROUP.fullmatch(line):
            group = found[1]
        elif line == "  end":
            assert group
            group = ""
        elif found := MERMAID_EDGE.fullmatch(line):
            graph.edges.append((found[1], found[3], mermaid_lines(found[2] or "")))
        elif found := MERMAID_NODE.fullmatch(line):
            label = next(text for text in found.groups()[1:] if text is not None)
            assert not re.match(r" *(\d+[.)]|[-+*>]) ", label.replace("#", ""))  # Mermaid takes that for Markdown
            graph.nodes[found[1]] = mermaid_lines(label)
            graph.groups[found[1]] = group
        else:
            assert re.fullmatch(r"  (classDef bottleneck .*|class \w+ bottleneck)", line), line
    return graph


STRING = r'"((?:[^"\\\n]|\\.)*)"'
DOT_NODE = re.compile(rf" *(\w+) \[label={STRING}, shape=(\w+)(, color=red, penwidth=3)?\];")
DOT_EDGE = re.compile(rf"  (\w+) -> (\w+) \[label={STRING}(, style=dashed)?\];")


def dot_lines(text: str) -> list[str]:
    lines = text.replace(r"\\", "\0").split(r"\n")
    return [html.unescape(line.replace(r"\"", '"').replace("\0", "\\")) for line in lines if line]


def read_dot(text: str) -> Graph:
    """The same for Graphviz."""
    first, second, *lines, last = text.rstrip("\n").split("\n")
    assert (first, second, last) == (r'digraph "the \"net\"" {', "  rankdir=LR;", "}")
    graph, group = Graph({}, {}, []), ""
    for line in lines:
        if found := re.fullmatch(r"  subgraph cluster_(\w+) \{", line):
            group = found[1]
        elif line == "  }":
            assert group
            group = ""
        elif found := DOT_EDGE.fullmatch(line):
            graph.edges.append((found[1], found[2], dot_lines(found[3])))
        elif found := DOT_NODE.fullmatch(line):
            graph.nodes[found[1]] = dot_lines(found[2])
            graph.groups[found[1]] = group
        else:
            assert re.fullmatch(rf"    (label={STRING}|style=dashed);", line), line
    return graph


def draw_and_read_mermaid(report: Report) -> Graph:
    return read_mermaid(report.mermaid())


def draw_and_read_dot(report: Report) -> Graph:
    return read_dot(report.graphviz())


both = pytest.mark.parametrize(
    "read",
    [draw_and_read_mermaid, draw_and_read_dot],
    ids=["mermaid", "graphviz"],
)
Read = Callable[[Report], Graph]


@both
def test_blocks_agents_and_the_body_are_nodes_and_links_are_edges(read: Read) -> None:
    graph = read(report("load", "show", agents=("reader",)))
    assert graph.nodes == {
        "b0": ["load", "loop"],
        "b1": ["show", "loop"],
        "a0": ["reader", "started"],
        "body": ["body", "running"],
    }
    assert graph.edges == [("b0", "b1", ["7 passed"]), ("b1", "a0", ["7 passed"]), ("body", "b0", ["9 passed"])]
    assert set(graph.groups.values()) == {""}


@both
def test_names_are_shown_as_they_are_and_never_merge(read: Read) -> None:
    graph = read(report(*NAMES, agents=tuple(f"{name}!" for name in NAMES)))
    shown = [printable(name) for name in NAMES]
    assert [graph.nodes[f"b{number}"][0] for number in range(len(NAMES) - 1)] == shown[:-1]
    assert len(graph.nodes) == 2 * len(NAMES)  # and the body, which is no other than the block without a name


@both
@given(names=st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=4))
def test_any_names_will_do(read: Read, names: list[str]) -> None:
    graph = read(report(*names))
    assert [graph.nodes[f"b{number}"][0] for number in range(len(names))] == [printable(name) for name in names]


@both
def test_governors_are_drawn_around_their_blocks(read: Read) -> None:
    graph = read(report("a", "b", "g1", governed={"few": ("a", "b"), "others": ("b",), "idle": (), "mine": ("g1",)}))
    assert graph.groups == {"b0": "g0", "b1": "g0", "b2": "g3", "body": "", "g1": "", "g2": ""}
    assert graph.nodes["g1"] == ["others", "1 of 3 in flight (most 2)"]
    assert ("g1", "b1", ["governs"]) in graph.edges  # regions that overlap cannot be drawn around


@both
def test_a_node_says_what_its_block_holds_and_how_long_it_takes(read: Read) -> None:
    numbers = BlockStatistics(
        "load",
        "transformer",
        "Threads",
        2,
        queued=3,
        most_queued=1200,
        in_work=2,
        dropped={"skipped": 4},
        service=Times(10, 0.123),
    )
    buffer = BlockStatistics("buffer", "unbounded buffer")
    statistics = Statistics('the "net"', 1.0, True, (numbers, buffer), (), (), AgentStatistics("body", "done"))
    links = (
        LinkStatistics("load", "buffer", passed=3, filter="<lambda>", remaining=2),
        LinkStatistics("load", "buffer", LinkKind.DEAD_LETTERS),
        LinkStatistics("load", "a block of another network"),
    )
    graph = read(Report(statistics, Diagnosis("n", (), (), ()), links))
    assert graph.nodes == {
        "b0": ["load", "Threads × 2", "3 waiting (most 1,200)", "2 in work", "12.3 ms per item", "4 dropped"],
        "b1": ["buffer"],
    }
    assert graph.edges == [("b0", "b1", ["3 passed", "only <lambda>", "2 more"]), ("b0", "b1", ["dead letters"])]


@pytest.mark.parametrize("name", ["load", "reader", "body", "loop"])
def test_the_bottleneck_is_marked(name: str) -> None:
    drawn = attrs.evolve(
        report("load", agents=("reader",)), bottleneck=Bottleneck(name, BottleneckKind.BLOCK, 1.0, 1.0)
    )
    marked = {"load": "b0", "reader": "a0", "body": "body"}.get(name)
    assert re.findall(r"class (\w+) bottleneck", drawn.mermaid()) == ([marked] if marked else [])
    assert re.findall(r"(\w+) \[.*color=red", drawn.graphviz()) == ([marked] if marked else [])


@both
def test_a_network_without_blocks_is_a_picture_too(read: Read) -> None:
    assert read(report()).nodes == {}


def test_what_is_between_quotes_is_safe_in_mermaid() -> None:
    text = report("1. `x`_y #quot; 2-3 a.b").mermaid()
    assert '"1#46; #96;x#96;#95;y #35;quot#59; 2-3 a.b<br/>loop"' in text
