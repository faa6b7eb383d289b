"""The chapter's prediction of the time per image with a full pipeline, from the times of the phases."""

# The chapter predicts the sum of the phases for the sequential mode, the slowest phase for a pipeline, and the larger
# of the slowest single phase and filter ÷ n for a balanced pipeline. The blocks of this sample may work on several
# images at once and share their workers, so the time is never below the sum of the phases ÷ workers. And an image stays
# in the pipeline for at least the sum of the phases, so with up to n images in the pipeline, the time is never below
# that sum ÷ n (Little's law).

from __future__ import annotations

import heapq
from collections.abc import Mapping

import attrs

from penstock.samples.images.record import Phase
from penstock.samples.images.settings import Mode, Settings

__all__ = ["PHASE_LABELS", "Prediction", "Schedule", "predict", "schedule"]

_MOST = 10_000  # images that are followed one by one
_LAST = 1000  # of these, the ones from which the time of the others is known

PHASE_LABELS = {Phase.LOAD: "Load", Phase.SCALE: "Scale", Phase.NOISE: "Filter", Phase.OUTPUT: "Display"}


@attrs.frozen
class Prediction:
    """A prediction of the steady time per image, in seconds, a text that explains it, and what has made it."""

    seconds: float
    text: str
    by: str = "Chapter"


def predict(
    mode: Mode, settings: Settings, means: Mapping[Phase, float], workers: int | None = None
) -> Prediction | None:
    """Return the prediction for a run; None until all phases have been measured.

    Args:
        mode: the mode of the run.
        settings: its settings.
        means: seconds per image in each phase.
        workers: the workers that all blocks share; None if no phase ever waits for a worker.
    """
    if len(means) < len(Phase):
        return None
    total = sum(means.values())
    if mode is Mode.SEQUENTIAL:
        return Prediction(total, f"sum of the phases: {_ms(total)}")
    governor = settings.governor
    bounds = [_slowest(mode, settings, means), _shared(total, governor, f"{governor} at a time in the pipeline")]
    if mode.uses_executor and workers is not None:
        bounds.append(_shared(total, workers, f"all phases share {workers} workers"))
    return max(bounds, key=lambda bound: bound.seconds)


@attrs.frozen
class Schedule:
    """When the first and the last image of a run leave, in seconds; the last one ends the run."""

    images: int
    first: float
    last: float

    @property
    def steady(self) -> float | None:
        """Seconds per image from the first image to the last; None for one image."""
        return (self.last - self.first) / (self.images - 1) if self.images > 1 else None


def schedule(mode: Mode, settings: Settings, times: Mapping[Phase, float], images: int) -> Schedule:
    """Return the schedule of a run in which each phase always takes its time and never waits for a worker.

    This follows each image through the phases, so it counts the time to fill and to drain the pipeline.
    """
    if mode is Mode.SEQUENTIAL:
        each = sum(times.values())
        return Schedule(images, min(1, images) * each, images * each)
    left = _follow(mode, settings, times, min(images, _MOST))
    if not left:
        return Schedule(0, 0.0, 0.0)
    more = images - len(left)
    return Schedule(images, left[0], left[-1] + (more * (left[-1] - left[-1 - _LAST]) / _LAST if more else 0.0))


def _follow(mode: Mode, settings: Settings, times: Mapping[Phase, float], images: int) -> list[float]:
    """Return when each image leaves the pipeline."""
    shares = _shares(mode, settings)
    free = {phase: [0.0] * shares[phase] for phase in Phase}  # when each worker of a phase is free again
    done = dict.fromkeys(Phase, 0.0)  # when the image before has left the phase: images keep their order
    left: list[float] = []
    for number in range(images):
        now = left[number - settings.governor] if number >= settings.governor else 0.0
        for phase in Phase:
            end = max(now, free[phase][0]) + times[phase]
            heapq.heapreplace(free[phase], end)
            now = done[phase] = max(end, done[phase])
        left.append(now)
    return left


def _shares(mode: Mode, settings: Settings) -> dict[Phase, int]:
    """Return how many images each phase works on at once."""
    shares = {phase: settings.at_once.of(phase) if mode.uses_executor else 1 for phase in Phase}
    if mode is Mode.LOAD_BALANCED:
        shares[Phase.NOISE] = settings.filters
    return shares


def _slowest(mode: Mode, settings: Settings, means: Mapping[Phase, float]) -> Prediction:
    shares = _shares(mode, settings)
    slowest = max(Phase, key=lambda phase: means[phase] / shares[phase])
    divided = f" ÷ {shares[slowest]}" if shares[slowest] > 1 else ""
    text = f"slowest phase: {PHASE_LABELS[slowest].lower()} {_ms(means[slowest])}{divided}"
    return Prediction(means[slowest] / shares[slowest], text)


def _shared(total: float, number: int, why: str) -> Prediction:
    return Prediction(total / number, f"{why}: {_ms(total)} ÷ {number}")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
