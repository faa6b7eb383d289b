"""The network that runs, as the page draws it: its blocks or agents, what waits before them, and the three queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from penstock.blocks import AgentStatistics, BlockStatistics, LinkKind, Report, Statistics
from penstock.samples.images.gui.model import PHASE_LABELS, LinkRow, NodeRow, QueueRow
from penstock.samples.images.record import Phase
from penstock.samples.images.settings import Mode

__all__ = ["links_of", "nodes_of", "phases_as_nodes", "queues_of"]

_BUFFERS = ("loaded", "scaled", "noisy")  # of the control-flow mode
_LABELS = {phase.value: label for phase, label in PHASE_LABELS.items()} | {
    "output": "Write",
    "publish": "Display",
    "loaded": "Loaded",
    "scaled": "Scaled",
    "noisy": "Filtered",
    "in order": "In order",
}
_ERRORS = "failed"  # the block that reports what failed


def nodes_of(statistics: Statistics, means: Mapping[Phase, float], slowest: Phase | None) -> tuple[NodeRow, ...]:
    """Return the blocks and agents."""
    seconds = max(statistics.seconds, 1e-9)
    agents = [_agent(agent, means, slowest) for agent in statistics.agents]
    return (
        *agents,
        *(_block(block, means, seconds, slowest) for block in statistics.blocks if not _is_errors(block.name)),
    )


def _is_errors(name: str) -> bool:
    return name.split("-")[0] == _ERRORS


def _block(block: BlockStatistics, means: Mapping[Phase, float], seconds: float, slowest: Phase | None) -> NodeRow:
    lying_ready = _lying_ready(block)
    return NodeRow(
        id=block.name,
        label=_label(block.name),
        kind=block.kind,
        where=block.place,
        waiting=block.queued + lying_ready,
        most=max(block.most_queued, block.queued + lying_ready),
        in_work=block.in_work - lying_ready,
        done=block.emitted or block.consumed,
        service=_of_phase(block.name, means) or (block.service.mean if block.service.count else None),
        slowest=slowest is not None and block.name.split()[0] == slowest.value,
        busy=min(1.0, block.service.total / (seconds * max(1, block.at_once))),
    )


def _of_phase(name: str, means: Mapping[Phase, float]) -> float | None:
    """Return what the table of phases says, without images that failed; None for a block that is no whole phase."""
    return next((seconds for phase, seconds in means.items() if phase.value == name), None)


def _lying_ready(block: BlockStatistics) -> int:
    """Return how many images were handed to workers that are not free yet: for people these wait as well."""
    return max(0, block.in_work - block.at_once) if block.at_once else 0


def _agent(agent: AgentStatistics, means: Mapping[Phase, float], slowest: Phase | None) -> NodeRow:
    waited = agent.wait_for_input.total + agent.wait_for_output.total
    done = agent.emitted or agent.received
    return NodeRow(
        id=agent.name,
        label=_label(agent.name),
        kind="agent",
        where="",
        waiting=0,
        most=0,
        in_work=int(agent.status == "running"),
        done=done,
        service=_of_phase(agent.name, means),
        slowest=slowest is not None and agent.name == slowest.value,
        busy=min(1.0, max(0.0, 1 - waited / agent.seconds)) if agent.seconds > 0 else 0.0,
    )


def _label(name: str) -> str:
    stage, _, number = name.partition(" ")
    return _LABELS.get(name) or f"{_LABELS.get(stage, stage.capitalize())} {number}".strip()


def phases_as_nodes(
    counts: Sequence[int], means: Mapping[Phase, float], slowest: Phase | None, seconds: float
) -> tuple[NodeRow, ...]:
    """Return the phases of the sequential mode, which has neither blocks nor agents."""
    return tuple(
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
        )
        for phase, count in zip(Phase, counts, strict=True)
    )


def links_of(report: Report | None, counts: Sequence[int]) -> tuple[LinkRow, ...]:
    """Return who hands images to whom; `counts` says how many each phase has done."""
    if report is None:
        pairs = zip(pairwise(Phase), counts, strict=False)
        return tuple(LinkRow(one.value, other.value, count) for (one, other), count in pairs)
    return tuple(
        LinkRow(link.source, link.target, link.passed or 0)
        for link in report.links
        if link.kind not in (LinkKind.DEAD_LETTERS, LinkKind.BY_HAND) and not _is_errors(link.target)
    )


def queues_of(mode: Mode, statistics: Statistics, most: list[int]) -> tuple[QueueRow, ...]:
    """Return the three queues between the phases.

    Args:
        mode: one with a network.
        statistics: of the network.
        most: the largest size of each so far; it is brought up to date.
    """
    phases = [phase.value for phase in Phase]
    if mode is Mode.CONTROL_FLOW:
        found = [_of_buffer(statistics[name]) for name in _BUFFERS]
    else:
        found = [_between(statistics, source, target) for source, target in pairwise(phases)]
    rows: list[QueueRow] = []
    for number, (size, peak, room, items) in enumerate(found):
        most[number] = max(most[number], size, peak)
        capacity = 4 if mode is Mode.CONTROL_FLOW and number == 0 else None
        label = f"Queue {number + 1}"
        rows.append(QueueRow(label, phases[number], phases[number + 1], size, most[number], capacity, room, items))
    return tuple(rows)


_Queue = tuple[int, int, float, float]
"""Images in it, the most there were, seconds that producers waited for room and consumers for images."""


def _of_buffer(buffer: BlockStatistics) -> _Queue:
    return buffer.queued, buffer.most_queued, buffer.wait_for_output.total, buffer.wait_for_input.total


def _between(statistics: Statistics, source: str, target: str) -> _Queue:
    """What is between two phases: results that nobody has taken yet, and what waits before the second one."""
    before, after = _blocks(statistics, source), _blocks(statistics, target)
    helpers = [block for block in statistics.blocks if (block.name, source) in _ON_THE_WAY]
    size = sum(block.held - block.queued - block.in_work for block in before)
    size += sum(block.held for block in helpers) + sum(block.queued + _lying_ready(block) for block in after)
    room = sum(block.wait_for_output.total for block in before)
    items = sum(block.wait_for_input.total for block in after)
    return size, sum(block.most_queued for block in after), room, items


_ON_THE_WAY = {("loaded", "load"), ("in order", "noise")}


def _blocks(statistics: Statistics, phase: str) -> list[BlockStatistics]:
    """Return the blocks of a phase: one, or several that share it."""
    return [block for block in statistics.blocks if block.name.split()[0] == phase]
