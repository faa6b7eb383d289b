"""What a page draws of a network besides its chart: blocks and agents, the items that wait there, and the links."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache

import attrs

from ..base.names import BODY
from ..base.statistics import AgentStatistics, BlockStatistics, GovernorStatistics
from ..reports.bottleneck import BottleneckKind
from ..reports.graph_layout import Size, lay_out_graph
from ..reports.link_statistics import LinkKind, LinkStatistics
from ..reports.report import Report

SENDS, TAKES = "the body that sends", "the body that receives"
"""The ids of the body, which is drawn where it sends and where it receives."""
ALIVE, OVER, ON_DEMAND = "alive", "over", "on demand"
"""Of the task of a node: it exists, it has ended; or a task exists only for each call."""
ONE, GAP = Size(1.0, 1.0), 0.15
"""The room of a node, and the room between two nodes of a layer."""


@attrs.frozen
class NodeRow:
    """A block or an agent, as the graph shows it.

    A `small` node is drawn without its work, for example a buffer. A node `apart` is drawn with a dashed line: it
    belongs to the program, but not to what the page explains.

    Attributes:
        id: The name of the block or agent.
        label: What the page calls it.
        kind: The kind of the block; "agent" or "body".
        where: Where its function runs.
        waiting: Items that wait there.
        most: The largest `waiting` so far.
        in_work: Items that are being worked on.
        done: Items that it has handed on, or that have ended there.
        service: Seconds per item; None if it is not known.
        slowest: Whether it is the bottleneck.
        busy: The share of the time in which it works, from 0 to 1.
        small: Whether it is drawn without its work.
        apart: Whether it is drawn with a dashed line.
        layer: The place along the graph, from 0; links lead to later layers if possible.
        place: The place in its layer, where a node takes 1, and the room between two nodes is 0.15.
        failed: Items that failed there.
        rate: Items per second now; None if it is not known.
        awaits: What has to go out next, if it puts items or results in order: "number 7", for example; else empty.
        ahead: Items or results that are there, and wait until this one has gone out.
        task: "alive" or "over" if it has a task of its own; "on demand" if it has one only for each call of its
            function; empty if it has none.
        lived: For how many seconds its own task has existed.
        parts: What one worker does there for an item, one after the other, if the page explains that.
    """

    id: str
    label: str
    kind: str
    where: str
    waiting: int
    most: int
    in_work: int
    done: int
    service: float | None
    slowest: bool
    busy: float
    small: bool = False
    apart: bool = False
    layer: int = 0
    place: float = 0.0
    failed: int = 0
    rate: float | None = None
    parts: tuple[str, ...] = ()
    awaits: str = ""
    ahead: int = 0
    task: str = ""
    lived: float = 0.0


@attrs.frozen
class LinkRow:
    """A link from one node to another, as the graph shows it.

    Attributes:
        source: The id of the node that messages come from.
        target: The id of the node that messages go to.
        passed: The number of messages that have passed.
        apart: Whether it is drawn with a dashed line: failed items take it.
        way: Where it passes each layer between its two nodes.
    """

    source: str
    target: str
    passed: int
    apart: bool = False
    way: tuple[float, ...] = ()


@attrs.frozen
class GovernorRow:
    """A governor, as the graph shows it.

    Attributes:
        name: The name of the governor.
        nodes: The ids of the blocks that it governs.
        in_flight: The number of slots, or the weight, in use now.
        limit: The number of slots, or the weight, that may be in use.
    """

    name: str
    nodes: tuple[str, ...]
    in_flight: float
    limit: float


@attrs.frozen
class NetworkState:
    """A network at one moment.

    Attributes:
        run: The number of the run, from 1, for a page that sees several runs; 0 for none.
        running: Whether the run has not ended.
        calm: Whether the page should draw seldom, because something is measured.
        seconds: Seconds from the start of the run until now or until its end.
        per_item: Seconds from one finished item to the next; the page chooses the time that its chart shows from this.
            None if it is not known yet.
        nodes: The blocks and agents; those of one layer are drawn in this order.
        links: The links between them.
        governors: The governors.
        note: What there is to say about it, in sentences.
    """

    run: int = 0
    running: bool = False
    calm: bool = False
    seconds: float = 0.0
    per_item: float | None = None
    nodes: tuple[NodeRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    governors: tuple[GovernorRow, ...] = ()
    note: str = ""


def network_state(
    report: Report,
    run: int = 1,
    label: Callable[[str], str] = str,
    shows: Callable[[str], bool] = lambda name: True,
    whole: bool = False,
) -> NetworkState:
    """Return what a page draws of a network.

    Args:
        report: The report of the network.
        run: The number of the run.
        label: Returns what the page calls a block or an agent.
        shows: Whether to show a block or an agent.
        whole: Whether to show also what is not the way of most items: the body, links for dead letters, governors.
    """
    statistics = report.statistics
    slowest = slowest_of(report)
    nodes = [node_of_agent(agent, label, slowest) for agent in statistics.agents]
    nodes += [node_of_block(block, label, slowest, max(statistics.seconds, 1e-9)) for block in statistics.blocks]
    if whole:
        nodes += nodes_of_body(report, label, slowest)
    nodes = [node for node in nodes if shows(node.id)]
    state = NetworkState(
        run=run,
        running=statistics.is_running,
        seconds=statistics.seconds,
        nodes=tuple(nodes),
        links=tuple(links_of(report.links, {node.id for node in nodes}, whole)),
        governors=tuple(governors_of(report)) if whole else (),
    )
    return in_layers(state)


def slowest_of(report: Report) -> str | None:
    """Return the name of the bottleneck; None if there is none, or if no part stands out."""
    bottleneck = report.bottleneck
    return None if bottleneck is None or bottleneck.kind is BottleneckKind.NOTHING else bottleneck.name


def node_of_block(block: BlockStatistics, label: Callable[[str], str], slowest: str | None, seconds: float) -> NodeRow:
    """Return the node of a block."""
    return NodeRow(
        id=block.name,
        label=label(block.name),
        kind=block.kind,
        where=block.place,
        waiting=block.queued,
        most=block.most_queued,
        in_work=block.in_work,
        done=block.emitted or block.consumed,
        service=block.service.mean if block.service.count else None,
        slowest=block.name == slowest,
        busy=min(1.0, block.service.total / (seconds * max(1, block.at_once))),
        small=not block.place and not block.service.count,
        failed=block.failed,
        awaits=block.awaits,
        ahead=block.ahead,
        task=ON_DEMAND if block.place else "",
    )


def node_of_agent(agent: AgentStatistics, label: Callable[[str], str], slowest: str | None) -> NodeRow:
    """Return the node of an agent, or of the body."""
    waited = agent.wait_for_input.total + agent.wait_for_output.total
    return NodeRow(
        id=agent.name,
        label=label(agent.name),
        kind="body" if agent.name == BODY else "agent",
        where="",
        waiting=0,
        most=0,
        in_work=0,  # it is not known whether it works or waits
        done=agent.emitted or agent.received,
        service=None,
        slowest=agent.name == slowest,
        busy=min(1.0, max(0.0, 1 - waited / agent.seconds)) if agent.seconds > 0 else 0.0,
        task=ALIVE if agent.status in ("started", "running") else OVER,
        lived=agent.seconds,
    )


def nodes_of_body(report: Report, label: Callable[[str], str], slowest: str | None) -> Iterable[NodeRow]:
    """Yield a node for the body if it sends, and one if it receives."""
    body = report.statistics.body
    node = node_of_agent(body, label, slowest)
    if any(not link.source for link in report.links):
        yield attrs.evolve(node, id=SENDS, done=body.emitted)
    if any(not link.target for link in report.links):
        yield attrs.evolve(node, id=TAKES, done=body.received)


def links_of(links: Iterable[LinkStatistics], nodes: Collection[str], whole: bool) -> Iterable[LinkRow]:
    """Yield the links between nodes."""
    for link in links:
        source, target = link.source or SENDS, link.target or TAKES
        is_apart = link.kind is LinkKind.DEAD_LETTERS
        if source in nodes and target in nodes and (whole or not is_apart):
            yield LinkRow(source, target, link.passed or 0, is_apart)


def governors_of(report: Report) -> Iterable[GovernorRow]:
    """Yield the governors and the pools of resources."""
    rows: Iterable[GovernorStatistics] = report.statistics.governors
    for one in rows:
        yield GovernorRow(one.name, report.governed.get(one.name, ()), one.in_flight, one.limit)


def in_layers(state: NetworkState) -> NetworkState:
    """Give nodes and links their places, so that few links cross; the nodes of a layer are in the order there."""
    nodes = tuple(node.id for node in state.nodes)
    links = tuple((link.source, link.target) for link in state.links)
    places, ways = places_of(nodes, links)
    placed = [attrs.evolve(node, layer=places[node.id][0], place=places[node.id][1]) for node in state.nodes]
    return attrs.evolve(
        state,
        nodes=tuple(sorted(placed, key=lambda node: (node.layer, node.place))),
        links=tuple(attrs.evolve(link, way=way) for link, way in zip(state.links, ways, strict=True)),
    )


@lru_cache(16)
def places_of(
    nodes: tuple[str, ...], links: tuple[tuple[str, str], ...]
) -> tuple[dict[str, tuple[int, float]], tuple[tuple[float, ...], ...]]:
    """Return the layer and the place of each node, and the ways of the links; pages ask for the same ones often."""
    layout = lay_out_graph(dict.fromkeys(nodes, ONE), links, 1.0, GAP)
    layers = {along: layer for layer, along in enumerate(sorted({one.along for one in layout.places.values()}))}
    places = {node: (layers[place.along], round(place.across, 3)) for node, place in layout.places.items()}
    return places, tuple(tuple(round(place.middle, 3) for place in way or ()) for way in layout.ways)
