"""The chapter's prediction of the time per image with a full pipeline, from the times of the phases."""

# The chapter predicts the sum of the phases for the sequential mode, the slowest phase for a pipeline, and the larger
# of the slowest single phase and filter ÷ n for a balanced pipeline. The blocks of this sample may work on several
# images at once and share their workers, so the time is never below the sum of the phases ÷ workers. And an image stays
# in the pipeline for at least the sum of the phases, so with up to n images in the pipeline, the time is never below
# that sum ÷ n (Little's law).

from __future__ import annotations

from collections.abc import Mapping

from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.model import PHASE_LABELS, Prediction
from penstock.samples.images.record import Phase
from penstock.samples.images.settings import Mode

__all__ = ["predict"]


def predict(form: Form, means: Mapping[Phase, float]) -> Prediction | None:
    """Return the prediction for a run; None until all phases have been measured.

    Args:
        form: the settings of the run.
        means: seconds per image in each phase.
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
