"""The network of the image pipeline as the page shows it, with the chapter's names and the queues between phases."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import attrs

from penstock.blocks import BlockStatistics, GovernorStatistics, Report, Statistics
from penstock.blocks.dashboard import LinkRow, NetworkState, NodeRow, network_state
from penstock.samples.images.gui.model import QueueRow
from penstock.samples.images.predict import PHASE_LABELS
from penstock.samples.images.record import Phase
from penstock.samples.images.settings import Mode

__all__ = ["governor_row", "network_of", "phases_as_network", "queues_of", "row_name"]

_BUFFERS = ("loaded", "scaled", "noisy")  # of the control-flow mode
_LABELS = {phase.value: label for phase, label in PHASE_LABELS.items()} | {
    "publish": "Move files",
    "loaded": "Loaded",
    "scaled": "Scaled",
    "noisy": "Filtered",
    "in order": "In order",
}
_ERRORS = "failed"  # the block that reports failures
_REPORTER = "loaded"  # of the modes with blocks; in the control-flow mode a buffer has this name
_SMALL = (*_BUFFERS, "in order")
_APART = ("publish",)
_INDEX = {phase: number for number, phase in enumerate(Phase)}


def row_name(stage: str) -> str:
    """Return the name of a stage or a worker in the chart: the chapter calls noise filter, and output display."""
    return re.sub(r"^output\b", "display", re.sub(r"^noise\b", "filter", stage))


def network_of(report: Report, means: Mapping[Phase, float], slowest: Phase | None) -> NetworkState:
    """Return the network of a run. The four phases are boxes of their own; everything else is smaller.

    Args:
        report: the report of the network.
        means: seconds per image in each phase; failed images do not count.
        slowest: the slowest phase.
    """
    state = network_state(report, label=_label, shows=lambda name: name.split("-")[0] != _ERRORS)
    state = _without_reporter(state)
    return attrs.evolve(state, nodes=tuple(_of_phase(node, means, slowest) for node in state.nodes))


def _without_reporter(state: NetworkState) -> NetworkState:
    """Leave out the block that only reports loaded images; its links become one."""
    reporter = next((node.id for node in state.nodes if node.id == _REPORTER and node.kind == "transformer"), None)
    if reporter is None:
        return state
    target = {link.source: link.target for link in state.links}[reporter]
    links = [link for link in state.links if link.source != reporter]
    links = [attrs.evolve(link, target=target) if link.target == reporter else link for link in links]
    return attrs.evolve(state, nodes=tuple(n for n in state.nodes if n.id != reporter), links=tuple(links))


def _of_phase(node: NodeRow, means: Mapping[Phase, float], slowest: Phase | None) -> NodeRow:
    """Give a node the figures of its phase, so that the graph and the table of phases agree."""
    service = next((seconds for phase, seconds in means.items() if phase.value == node.id), node.service)
    return attrs.evolve(
        node,
        service=service,
        slowest=slowest is not None and node.id.split()[0] == slowest.value,
        small=node.id in (*_SMALL, *_APART),
        apart=node.id in _APART,
    )


def _label(name: str) -> str:
    stage, _, number = name.partition(" ")
    return _LABELS.get(name) or f"{_LABELS.get(stage, stage.capitalize())} {number}".strip()


def phases_as_network(
    counts: Sequence[int], means: Mapping[Phase, float], slowest: Phase | None, seconds: float
) -> NetworkState:
    """Return the phases of the sequential mode as a network; `counts` has the number of images per phase."""
    nodes = [
        NodeRow(
            id=phase.value,
            label=_label(phase.value),
            kind="phase",
            where="",
            waiting=0,
            most=0,
            in_work=0,
            done=count,
            service=means.get(phase),
            slowest=phase is slowest,
            busy=min(1.0, count * means.get(phase, 0.0) / max(seconds, 1e-9)),
            layer=_INDEX[phase],
        )
        for phase, count in zip(Phase, counts, strict=True)
    ]
    links = [
        LinkRow(one.value, other.value, count) for (one, other), count in zip(pairwise(Phase), counts, strict=False)
    ]
    return NetworkState(nodes=tuple(nodes), links=tuple(links))


def queues_of(
    mode: Mode, statistics: Statistics, most: list[int], stages: Sequence[str], named: Callable[[str], str] = row_name
) -> tuple[QueueRow, ...]:
    """Return the queues between the stages, of which each does a phase, or several.

    Args:
        mode: a mode that has a network.
        statistics: the statistics of the network.
        most: the largest size of each queue so far; it is updated.
        stages: the names of the stages.
        named: returns the page's name of a stage.
    """
    if mode is Mode.CONTROL_FLOW:
        found = [_of_buffer(statistics[name]) for name in _BUFFERS]
    else:
        firsts = [stage.split()[0] for stage in stages]
        found = [_between(statistics, source, target) for source, target in pairwise(firsts)]
    rows: list[QueueRow] = []
    for number, (size, peak, room, items) in enumerate(found):
        most[number] = max(most[number], size, peak)
        capacity = 4 if mode is Mode.CONTROL_FLOW and number == 0 else None
        route = f"{named(stages[number])} → {named(stages[number + 1])}"
        rows.append(QueueRow(f"Queue {number + 1}", route, size, most[number], capacity, room, items))
    return tuple(rows)


def governor_row(governor: GovernorStatistics, held: float) -> QueueRow:
    """Return the row of the governor, which holds images back before the first phase."""
    used, limit, most = int(governor.in_flight), int(governor.limit), int(governor.most_in_flight)
    return QueueRow("Governor", f"before {Phase.LOAD.value}", used, most, limit, held, None)


_Queue = tuple[int, int, float, float]
"""Of a queue: its size, its largest size, and the seconds that producers waited for room and consumers for images."""


def _of_buffer(buffer: BlockStatistics) -> _Queue:
    return buffer.queued, buffer.most_queued, buffer.wait_for_output.total, buffer.wait_for_input.total


def _between(statistics: Statistics, source: str, target: str) -> _Queue:
    """Return the queue between two phases: results still in the first phase, and images waiting before the second."""
    before, after = _blocks(statistics, source), _blocks(statistics, target)
    helpers = [block for block in statistics.blocks if (block.name, source) in _ON_THE_WAY]
    size = sum(block.held - block.queued - block.in_work for block in before)
    size += sum(block.held for block in helpers) + sum(block.queued for block in after)
    room = sum(block.wait_for_output.total for block in before)
    items = sum(block.wait_for_input.total for block in after)
    return size, sum(block.most_queued for block in after), room, items


_ON_THE_WAY = {("loaded", "load"), ("in order", "noise")}
"""The blocks between two phases, each with the phase before it."""


def _blocks(statistics: Statistics, phase: str) -> list[BlockStatistics]:
    """Return the blocks of a phase: one block, or several that share the phase."""
    return [block for block in statistics.blocks if block.name.split()[0] == phase]
