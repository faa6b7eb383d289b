"""What a page draws of a run of which there is only a recording: its stages, with what their spans tell."""

from __future__ import annotations

from collections import defaultdict

import attrs

from ..base.activity import Activity
from ..base.units import printable
from ..charts.span import Span
from ..recording.recording import Recording
from .states import LinkRow, NetworkState, NodeRow, in_layers


def recorded_state(recording: Recording, run: int) -> NetworkState:
    """Return what a page draws of a recorded run.

    Args:
        recording: The recording.
        run: The number of the run on the page.
    """
    work: defaultdict[str, list[Span]] = defaultdict(list)
    for span in recording.spans:
        if span.activity is Activity.WORK:
            work[span.stage].append(span)
    seconds = max(recording.seconds, 1e-9)
    nodes = [node_of_stage(stage, work[stage], seconds) for stage in recording.stages]
    busiest = max((node.busy for node in nodes), default=0.0)
    items = {stage: {span.item for span in spans} for stage, spans in work.items()}
    state = NetworkState(
        run=run,
        seconds=recording.seconds,
        per_item=min((1 / node.rate for node in nodes if node.rate), default=None),
        nodes=tuple(attrs.evolve(node, slowest=node.busy == busiest > 0) for node in nodes),
        links=tuple(
            LinkRow(source, target, len(items.get(source, set()) & items.get(target, set())))
            for source, target in recording.links
        ),
    )
    return in_layers(state)


def node_of_stage(stage: str, work: list[Span], seconds: float) -> NodeRow:
    """Return the node of a stage, given its work."""
    total = sum(span.end - span.start for span in work)
    workers = len({span.worker for span in work})
    failed = sum(bool(span.error) for span in work)
    return NodeRow(
        id=stage,
        label=printable(stage),
        kind="stage",
        where="" if workers < 2 else f"{workers} workers",
        waiting=0,
        most=0,
        in_work=0,
        done=len(work) - failed,
        service=total / len(work) if work else None,
        slowest=False,
        busy=min(1.0, total / seconds / max(1, workers)),
        failed=failed,
        rate=(len(work) - failed) / seconds,
    )
