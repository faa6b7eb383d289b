"""Records a run that has no network, from the stamps of its images, so that its chart stands beside those of others."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from penstock.blocks import Recording, Span
from penstock.samples.images.record import Phase, Stamp

__all__ = ["recorded_by_hand"]


def recorded_by_hand(
    name: str, images: Iterable[tuple[int, str, Iterable[Stamp]]], started: float, seconds: float
) -> Recording:
    """Return a recording with a row a phase.

    Args:
        name: what it is called.
        images: sequence number, name and stamps of each image that came out.
        started: when the run began, by the clock of the stamps.
        seconds: how long it took.
    """
    spans = [
        Span(phase, phase, sequence, stamp.started - started, stamp.finished - started, label=label)
        for sequence, label, stamps in images
        for stamp in stamps
        for phase in [stamp.phase.value]
    ]
    spans.sort(key=lambda span: span.end)
    phases = [phase.value for phase in Phase]
    return Recording.of(spans, network=name, seconds=seconds, stages=phases, links=pairwise(phases))
