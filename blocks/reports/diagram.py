"""A diagram of a network as text, for Mermaid (which GitHub draws by itself) and for Graphviz.

Both have the same texts at nodes and links; `Picture` holds these texts. The ids of nodes are numbers, because names
may have any characters. Names appear only in labels, in which the special characters of each language are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from ..base.network_statistics import Statistics
from ..base.statistics import AgentStatistics, BlockStatistics, GovernorStatistics
from ..base.units import printable, show, show_amount
from .bottleneck import Bottleneck
from .link_statistics import LinkKind, LinkStatistics

BODY = ""
"""The name of the end of a link at which tasks send or receive explicitly."""
UNSAFE = re.compile(r"[^\w ,%×()._-]|(?<![^\W_])[._-]|[._-](?![^\W_])|^ *\d+\)")
"""Characters that Mermaid could read as syntax or as Markdown; a point, underscore or hyphen inside a word is safe."""


class Drawable(Protocol):
    """The part of a report that a diagram needs."""

    @property
    def statistics(self) -> Statistics:
        """The network's numbers so far."""
        ...

    @property
    def links(self) -> Sequence[LinkStatistics]:
        """The links of the network."""
        ...

    @property
    def governed(self) -> Mapping[str, tuple[str, ...]]:
        """For each governor, the blocks that it governs."""
        ...

    @property
    def bottleneck(self) -> Bottleneck | None:
        """The bottleneck of the run; None if nothing has run yet."""
        ...


@attrs.frozen
class Node:
    """A block, an agent, the body, or a governor without blocks of its own.

    Attributes:
        id: Its id in the diagram.
        lines: Its lines of text; the first is its name.
        shape: "function", "buffer", "agent" or "governor".
        is_bottleneck: Whether it is the bottleneck of the run.
    """

    id: str
    lines: tuple[str, ...]
    shape: str
    is_bottleneck: bool = False


@attrs.frozen
class Group:
    """The blocks of a governor."""

    id: str
    lines: tuple[str, ...]
    nodes: tuple[Node, ...]


@attrs.frozen
class Edge:
    """A link between two nodes."""

    source: str
    target: str
    lines: tuple[str, ...]
    is_dashed: bool = False


@attrs.frozen
class Picture:
    """A diagram as plain data."""

    title: str
    groups: tuple[Group, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def bottlenecks(self) -> tuple[str, ...]:
        """The ids of the nodes that are the bottleneck of the run."""
        nodes = (*(node for group in self.groups for node in group.nodes), *self.nodes)
        return tuple(node.id for node in nodes if node.is_bottleneck)


def picture_of(report: Drawable) -> Picture:
    """Make the plain data of a diagram."""
    nodes = nodes_of(report)
    free = dict(nodes)
    groups: list[Group] = []
    alone: list[Node] = []
    edges = [edge_of(link, nodes) for link in report.links if link.source in nodes and link.target in nodes]
    for number, governor in enumerate(report.statistics.governors):
        id, lines = f"g{number}", describe_governor(governor)
        governed = [name for name in report.governed.get(governor.name, ()) if name in nodes]
        if own := tuple(free.pop(name) for name in governed if name in free):
            groups.append(Group(id, lines, own))
        else:  # overlapping regions cannot be drawn
            alone.append(Node(id, lines, "governor"))
            edges += [Edge(id, nodes[name].id, ("governs",), is_dashed=True) for name in governed]
    return Picture(report.statistics.network, tuple(groups), (*free.values(), *alone), tuple(edges))


def nodes_of(report: Drawable) -> dict[str, Node]:
    """Return the nodes by name: blocks, agents, and the body if it sends or receives."""
    numbers = report.statistics
    bottleneck = None if report.bottleneck is None else report.bottleneck.name
    nodes: dict[str, Node] = {}
    for number, block in enumerate(numbers.blocks):
        shape = "function" if block.place or block.service.count else "buffer"
        nodes[block.name] = Node(f"b{number}", describe_block(block), shape, block.name == bottleneck)
    for number, agent in enumerate(numbers.agents):
        nodes[agent.name] = Node(f"a{number}", describe_agent(agent), "agent", agent.name == bottleneck)
    if any(BODY in (link.source, link.target) for link in report.links):
        nodes[BODY] = Node("body", describe_agent(numbers.body), "agent", numbers.body.name == bottleneck)
    return nodes


def describe_block(block: BlockStatistics) -> tuple[str, ...]:
    """Return the lines of a block: name, place, queue and time."""
    dropped = sum(block.dropped.values())
    return without_empty(
        block.name,
        f"{block.place} × {block.at_once}" if block.at_once > 1 else block.place,
        f"{block.queued:,} waiting (most {block.most_queued:,})" if block.most_queued else "",
        f"{block.in_work:,} in work" if block.in_work else "",
        f"waits for {block.awaits}, {block.ahead:,} after it" if block.ahead else "",
        f"{show(block.service.mean)} per item" if block.service.count else "",
        f"{dropped:,} dropped" if dropped else "",
    )


def describe_agent(agent: AgentStatistics) -> tuple[str, ...]:
    """Return the lines of an agent, or of the body: name and status."""
    return (agent.name, agent.status)


def describe_governor(governor: GovernorStatistics) -> tuple[str, ...]:
    """Return the lines of a governor: name and slots."""
    now, limit, most = (
        show_amount(number, governor.unit) for number in (governor.in_flight, governor.limit, governor.most_in_flight)
    )
    return (governor.name, f"{now} of {limit} in flight (most {most})")


def edge_of(link: LinkStatistics, nodes: Mapping[str, Node]) -> Edge:
    """Make the edge of a link, with the messages that it has passed and may still pass."""
    notes = without_empty(
        "" if link.passed is None else f"{link.passed:,} passed",
        f"only {link.filter}" if link.filter else "",
        "" if link.remaining is None else f"{link.remaining:,} more",
        "dead letters" if link.kind is LinkKind.DEAD_LETTERS else "",
    )
    return Edge(nodes[link.source].id, nodes[link.target].id, notes, link.kind is LinkKind.DEAD_LETTERS)


def without_empty(*lines: str) -> tuple[str, ...]:
    """Return the lines that are not empty."""
    return tuple(line for line in lines if line)


# Mermaid

MERMAID_SHAPES = {"function": ("[", "]"), "buffer": ("[(", ")]"), "agent": ("([", "])"), "governor": ("{{", "}}")}


def mermaid(report: Drawable) -> str:
    """Return the text of a flowchart for Mermaid."""
    picture = picture_of(report)
    lines = ["---", f"title: {mermaid_label([picture.title])}", "---", "flowchart LR"]
    for group in picture.groups:
        lines.append(f"  subgraph {group.id}[{mermaid_label(group.lines)}]")
        lines += [f"    {mermaid_node(node)}" for node in group.nodes]
        lines.append("  end")
    lines += [f"  {mermaid_node(node)}" for node in picture.nodes]
    for edge in picture.edges:
        arrow = "-.->" if edge.is_dashed else "-->"
        label = f"|{mermaid_label(edge.lines)}|" if edge.lines else ""
        lines.append(f"  {edge.source} {arrow}{label} {edge.target}")
    lines.append("  classDef bottleneck stroke:#d00,stroke-width:4px")
    lines += [f"  class {id} bottleneck" for id in picture.bottlenecks]
    return "\n".join(lines) + "\n"


def mermaid_node(node: Node) -> str:
    """Return the line of a node, with its shape."""
    before, after = MERMAID_SHAPES[node.shape]
    return f"{node.id}{before}{mermaid_label(node.lines)}{after}"


def mermaid_label(lines: Sequence[str]) -> str:
    """Join lines in quotes; unsafe characters are written as numbers."""
    hidden = (UNSAFE.sub(lambda found: "".join(f"#{ord(char)};" for char in found[0]), printable(x)) for x in lines)
    return f'"{"<br/>".join(hidden)}"'


# Graphviz

GRAPHVIZ_SHAPES = {"function": "box", "buffer": "cylinder", "agent": "ellipse", "governor": "hexagon"}


def graphviz(report: Drawable) -> str:
    """Return the text of a graph for `dot`."""
    picture = picture_of(report)
    lines = [f"digraph {graphviz_label([picture.title])} {{", "  rankdir=LR;"]
    for group in picture.groups:
        lines += [f"  subgraph cluster_{group.id} {{", f"    label={graphviz_label(group.lines)};", "    style=dashed;"]
        lines += [f"    {graphviz_node(node)}" for node in group.nodes]
        lines.append("  }")
    lines += [f"  {graphviz_node(node)}" for node in picture.nodes]
    for edge in picture.edges:
        style = ", style=dashed" if edge.is_dashed else ""
        lines.append(f"  {edge.source} -> {edge.target} [label={graphviz_label(edge.lines)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def graphviz_node(node: Node) -> str:
    """Return the line of a node, with its shape."""
    stands_out = ", color=red, penwidth=3" if node.is_bottleneck else ""
    return f"{node.id} [label={graphviz_label(node.lines)}, shape={GRAPHVIZ_SHAPES[node.shape]}{stands_out}];"


def graphviz_label(lines: Sequence[str]) -> str:
    """Join lines in quotes; `&` is escaped, because it would begin an entity."""
    hidden = (printable(x).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for x in lines)
    return '"' + "\\n".join(hidden) + '"'
