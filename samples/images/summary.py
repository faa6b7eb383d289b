"""Computes the figures of a run: the time in phases, the time in queues, and the lengths of the queues."""

# An image is in the queue of a phase from the end of the phase before until the start of this phase. By Little's law,
# the mean length of the queue is the sum of these times divided by the length of the run. The largest length is the
# deepest overlap of the intervals. Nothing has to be sampled.

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from penstock.samples.images.record import Phase, Stamp
from penstock.samples.images.run import RunResult
from penstock.samples.images.settings import Mode

__all__ = ["PhaseFigures", "Summary", "deepest_overlap", "same_pictures", "summarise"]

Interval = tuple[float, float]


@attrs.frozen
class PhaseFigures:
    """The figures of one phase: milliseconds per image in work and in the queue before it, and the queue's length."""

    work_ms: float
    wait_ms: float
    queue_mean: float
    queue_max: int


@attrs.frozen
class Summary:
    """The figures of one run; if no image came out, `phases` is empty and `ms_per_image` is None.

    The contact sheet has figures of its own: the number of pages, and milliseconds per page.
    """

    mode: Mode
    phases: dict[Phase, PhaseFigures]
    seconds: float
    images: int
    skipped: int
    pages: int = 0
    page_ms: float = 0.0

    @property
    def ms_per_image(self) -> float | None:
        """Wall-clock milliseconds per image that came out."""
        return 1000 * self.seconds / self.images if self.images else None

    @property
    def work_ms(self) -> float:
        """Milliseconds of work per image, all phases together."""
        return sum(figures.work_ms for figures in self.phases.values())


def summarise(result: RunResult) -> Summary:
    """Return the figures of `result`."""
    histories = [image.stamps for image in result.finished]
    phases: dict[Phase, PhaseFigures] = {}
    if histories:
        for index, phase in enumerate(Phase):
            work = [history[index].finished - history[index].started for history in histories]
            queued = [] if index == 0 else _queued(histories, index)
            waited = sum(end - start for start, end in queued)
            phases[phase] = PhaseFigures(
                work_ms=1000 * sum(work) / len(work),
                wait_ms=1000 * waited / len(histories),
                queue_mean=waited / result.seconds if result.seconds else 0.0,
                queue_max=deepest_overlap(queued),
            )
    pages = [page.finished - page.started for page in result.pages]
    return Summary(
        result.mode,
        phases,
        result.seconds,
        len(result.finished),
        len(result.failures),
        pages=len(pages),
        page_ms=1000 * sum(pages) / len(pages) if pages else 0.0,
    )


def _queued(histories: Sequence[Sequence[Stamp]], index: int) -> list[Interval]:
    return [(history[index - 1].finished, history[index].started) for history in histories]


def deepest_overlap(intervals: Iterable[Interval]) -> int:
    """Return the largest number of half-open `intervals` that overlap at one time."""
    events = sorted(
        event for start, end in intervals if end > start for event in ((start, 1), (end, -1))
    )  # ends come before starts at the same time
    deepest = depth = 0
    for _, change in events:
        depth += change
        deepest = max(deepest, depth)
    return deepest


def same_pictures(results: Sequence[RunResult]) -> bool:
    """Whether every run wrote the same thumbnails, byte for byte, in the same order."""
    written = [[(image.sequence, image.digest) for image in result.finished] for result in results]
    return all(one == written[0] for one in written)
