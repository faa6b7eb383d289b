"""What the chapter predicts for the time an image when the pipeline is full, from what the phases take."""

# The chapter: the sum of the phases when sequential; the slowest phase when pipelined; the larger of the slowest single
# phase and filter ÷ n when balanced. The blocks of this sample may have several images in work at a time, and share
# their workers: no schedule has them all done sooner than the sum of the phases ÷ workers.

from __future__ import annotations

from collections.abc import Mapping

from penstock.samples.images.gui.model import PHASE_LABELS, Prediction
from penstock.samples.images.record import Phase
from penstock.samples.images.settings import Mode

__all__ = ["predict"]


def predict(mode: Mode, means: Mapping[Phase, float], at_once: int, filters: int, workers: int) -> Prediction | None:
    """Return the prediction for `mode`, or None as long as not all phases have been measured.

    Args:
        mode: one of the four.
        means: seconds that each phase takes an image.
        at_once: how many images a phase has in work at a time, in the modes that have blocks.
        filters: the number of filter blocks in the load-balanced mode.
        workers: how many workers the blocks share.
    """
    if len(means) < len(Phase):
        return None
    total = sum(means.values())
    if mode is Mode.SEQUENTIAL:
        return Prediction(total, f"sum of the phases: {_ms(total)}")
    with_blocks = mode in (Mode.DATA_FLOW, Mode.LOAD_BALANCED)
    shares = dict.fromkeys(Phase, at_once if with_blocks else 1)
    if mode is Mode.LOAD_BALANCED:
        shares[Phase.NOISE] = filters
    slowest = max(Phase, key=lambda phase: means[phase] / shares[phase])
    seconds, share = means[slowest] / shares[slowest], shares[slowest]
    if with_blocks and total / workers > seconds:
        return Prediction(total / workers, f"all phases share {workers} workers: {_ms(total)} ÷ {workers}")
    divided = f" ÷ {share}" if share > 1 else ""
    return Prediction(seconds, f"slowest phase: {PHASE_LABELS[slowest].lower()} {_ms(means[slowest])}{divided}")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
