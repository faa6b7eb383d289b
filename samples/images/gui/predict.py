"""What the chapter predicts for the time an image when the pipeline is full, from what the phases take."""

# The chapter: the sum of the phases when sequential; the slowest phase when pipelined; the larger of the slowest single
# phase and filter ÷ n when balanced. The blocks of this sample may have several images in work at a time, and share
# their workers: no schedule has them all done sooner than the sum of the phases ÷ workers. And an image is in the
# pipeline for the sum of the phases at least, so with so many in it at a time no more than that ÷ sum come out a second
# (Little's law).

from __future__ import annotations

from collections.abc import Mapping

from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.model import PHASE_LABELS, Prediction
from penstock.samples.images.record import Phase
from penstock.samples.images.settings import Mode

__all__ = ["predict"]


def predict(form: Form, means: Mapping[Phase, float]) -> Prediction | None:
    """Return the prediction for a run, or None as long as not all phases have been measured.

    Args:
        form: the settings of the run.
        means: seconds that each phase takes an image.
    """
    if len(means) < len(Phase):
        return None
    total = sum(means.values())
    if form.mode is Mode.SEQUENTIAL:
        return Prediction(total, f"sum of the phases: {_ms(total)}")
    bounds = [_slowest(form, means), _shared(total, form.governor, f"{form.governor} at a time in the pipeline")]
    if form.mode.uses_executor:
        bounds.append(_shared(total, form.workers, f"all phases share {form.workers} workers"))
    return max(bounds, key=lambda bound: bound.seconds)


def _slowest(form: Form, means: Mapping[Phase, float]) -> Prediction:
    shares = dict.fromkeys(Phase, form.concurrency if form.mode.uses_executor else 1)
    if form.mode is Mode.LOAD_BALANCED:
        shares[Phase.NOISE] = form.filters
    slowest = max(Phase, key=lambda phase: means[phase] / shares[phase])
    divided = f" ÷ {shares[slowest]}" if shares[slowest] > 1 else ""
    text = f"slowest phase: {PHASE_LABELS[slowest].lower()} {_ms(means[slowest])}{divided}"
    return Prediction(means[slowest] / shares[slowest], text)


def _shared(total: float, number: int, why: str) -> Prediction:
    return Prediction(total / number, f"{why}: {_ms(total)} ÷ {number}")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
