"""What a page shows of a network besides its chart: blocks and agents, the items that wait there, and the links."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from penstock.blocks import AgentStatistics, BlockStatistics, LinkKind, Report

__all__ = ["LinkRow", "NetworkState", "NodeRow", "lying_ready", "network_state"]


@attrs.frozen
class NodeRow:
    """A block or an agent, as the graph shows it; `service` is seconds per item, `busy` a share of the time."""

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


@attrs.frozen
class LinkRow:
    """A link from one node to another, as the graph shows it."""

    source: str
    target: str
    passed: int


@attrs.frozen
class NetworkState:
    """A network at one moment.

    Args:
        run: the number of the run, from 1, for a page that sees several runs; 0 for none.
        running: whether the run has not ended.
        calm: whether the page should draw seldom, because something is measured.
        seconds: seconds from the start of the run until now or until its end.
        per_item: seconds from one finished item to the next; the page chooses the time that its chart shows from this.
            None if it is not known yet.
        nodes: the blocks and agents.
        links: the links between them.
    """

    run: int = 0
    running: bool = False
    calm: bool = False
    seconds: float = 0.0
    per_item: float | None = None
    nodes: tuple[NodeRow, ...] = ()
    links: tuple[LinkRow, ...] = ()


def network_state(
    report: Report,
    run: int = 1,
    label: Callable[[str], str] = str,
    shows: Callable[[str], bool] = lambda name: True,
) -> NetworkState:
    """Return what a page shows of a network.

    Args:
        report: the report of the network.
        run: the number of the run.
        label: returns what the page calls a block or an agent.
        shows: whether to show a block or an agent.
    """
    statistics = report.statistics
    slowest = None if report.bottleneck is None else report.bottleneck.name
    nodes = [_agent(agent, label) for agent in statistics.agents]
    nodes += [_block(block, label, max(statistics.seconds, 1e-9)) for block in statistics.blocks]
    return NetworkState(
        run=run,
        running=statistics.is_running,
        seconds=statistics.seconds,
        nodes=tuple(attrs.evolve(node, slowest=node.id == slowest) for node in nodes if shows(node.id)),
        links=tuple(
            LinkRow(link.source, link.target, link.passed or 0)
            for link in report.links
            if link.kind not in (LinkKind.DEAD_LETTERS, LinkKind.BY_HAND) and shows(link.source) and shows(link.target)
        ),
    )


def _block(block: BlockStatistics, label: Callable[[str], str], seconds: float) -> NodeRow:
    ready = lying_ready(block)
    return NodeRow(
        id=block.name,
        label=label(block.name),
        kind=block.kind,
        where=block.place,
        waiting=block.queued + ready,
        most=max(block.most_queued, block.queued + ready),
        in_work=block.in_work - ready,
        done=block.emitted or block.consumed,
        service=block.service.mean if block.service.count else None,
        slowest=False,
        busy=min(1.0, block.service.total / (seconds * max(1, block.at_once))),
    )


def lying_ready(block: BlockStatistics) -> int:
    """Return the number of items that were handed to workers but have not begun, because no worker is free."""
    return max(0, block.in_work - block.at_once) if block.at_once else 0


def _agent(agent: AgentStatistics, label: Callable[[str], str]) -> NodeRow:
    waited = agent.wait_for_input.total + agent.wait_for_output.total
    return NodeRow(
        id=agent.name,
        label=label(agent.name),
        kind="agent",
        where="",
        waiting=0,
        most=0,
        in_work=0,  # it is not known whether it works or waits
        done=agent.emitted or agent.received,
        service=None,
        slowest=False,
        busy=min(1.0, max(0.0, 1 - waited / agent.seconds)) if agent.seconds > 0 else 0.0,
    )
