"""Makes a recording of a run without a network from the stamps of its images, so that its chart can be compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

from penstock.blocks import Recording, Span
from penstock.samples.images.contact_sheet import SheetPage
from penstock.samples.images.record import Phase, Stamp

__all__ = ["recorded_by_hand"]

_SHEET = "contact sheet"


def recorded_by_hand(
    name: str,
    images: Iterable[tuple[int, str, Iterable[Stamp]]],
    pages: Collection[SheetPage],
    started: float,
    seconds: float,
) -> Recording:
    """Return a recording with a row per phase, and a row for the contact sheet if there is one.

    Args:
        name: the name of the recording.
        images: the sequence number, name and stamps of each image that came out.
        pages: the pages of the contact sheet.
        started: when the run began, by the clock of the stamps.
        seconds: the length of the run.
    """
    spans = [
        Span(phase, phase, sequence, stamp.started - started, stamp.finished - started, label=label)
        for sequence, label, stamps in images
        for stamp in stamps
        for phase in [stamp.phase.value]
    ]
    spans += [
        Span(_SHEET, _SHEET, page.number, page.started - started, page.finished - started, label=f"page {page.number}")
        for page in pages
    ]
    spans.sort(key=lambda span: span.end)
    stages = [phase.value for phase in Phase] + ([_SHEET] if pages else [])
    return Recording.of(spans, network=name, seconds=seconds, stages=stages, links=pairwise(stages))
