"""What the chapter predicts: the steady time per image, and the length of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.samples.images.predict import predict, schedule
from penstock.samples.images.record import Phase
from penstock.samples.images.settings import AtOnce, Mode, PhaseTimes, Settings

MEANS = {Phase.LOAD: 0.002, Phase.SCALE: 0.003, Phase.NOISE: 0.020, Phase.OUTPUT: 0.005}


@pytest.mark.parametrize(
    ("mode", "at_once", "filters", "workers", "governor", "seconds", "text"),
    [
        (Mode.SEQUENTIAL, 4, 4, 4, 1, 0.030, "sum of the phases: 30.0 ms"),
        (Mode.CONTROL_FLOW, 4, 4, 1, 9, 0.020, "slowest phase: filter 20.0 ms"),
        (Mode.CONTROL_FLOW, 4, 4, 4, 1, 0.030, "1 at a time in the pipeline: 30.0 ms ÷ 1"),
        (Mode.DATA_FLOW, 1, 4, 4, 9, 0.020, "slowest phase: filter 20.0 ms"),
        (Mode.DATA_FLOW, 2, 4, 4, 9, 0.010, "slowest phase: filter 20.0 ms ÷ 2"),
        (Mode.DATA_FLOW, 4, 4, 2, 9, 0.015, "all phases share 2 workers: 30.0 ms ÷ 2"),
        (Mode.DATA_FLOW, 4, 4, None, 9, 0.005, "slowest phase: filter 20.0 ms ÷ 4"),
        (Mode.DATA_FLOW, 4, 4, 4, 2, 0.015, "2 at a time in the pipeline: 30.0 ms ÷ 2"),
        (Mode.LOAD_BALANCED, 1, 2, 4, 9, 0.010, "slowest phase: filter 20.0 ms ÷ 2"),
        (Mode.LOAD_BALANCED, 1, 8, 8, 9, 0.005, "slowest phase: display 5.0 ms"),
    ],
)
def test_the_chapter_predicts(
    mode: Mode, at_once: int, filters: int, workers: int | None, governor: int, seconds: float, text: str
) -> None:
    settings = Settings(Path(), at_once=AtOnce.all(at_once), filters=filters, governor=governor)
    prediction = predict(mode, settings, MEANS, workers)
    assert prediction is not None
    assert prediction.seconds == pytest.approx(seconds)
    assert prediction.text == text


def test_nothing_is_predicted_before_all_phases_were_seen() -> None:
    assert predict(Mode.DATA_FLOW, Settings(Path()), {Phase.LOAD: 1.0}) is None


@pytest.mark.parametrize(
    ("mode", "filter_time", "filters", "governor", "length"),
    [
        (Mode.SEQUENTIAL, 1, 2, 20, 24),
        (Mode.CONTROL_FLOW, 1, 2, 20, 9),
        (Mode.DATA_FLOW, 1, 2, 20, 9),
        (Mode.DATA_FLOW, 2, 2, 20, 15),
        (Mode.LOAD_BALANCED, 2, 2, 20, 10),
        (Mode.LOAD_BALANCED, 4, 2, 20, 16),  # in pairs
        (Mode.DATA_FLOW, 1, 2, 1, 24),
        (Mode.DATA_FLOW, 1, 2, 3, 10),  # three at 4, 5 and 6 T, and three at 8, 9 and 10 T
    ],
)
def test_the_length_of_a_run_of_six_images(
    mode: Mode, filter_time: float, filters: int, governor: int, length: float
) -> None:
    settings = Settings(Path(), at_once=AtOnce.all(1), filters=filters, governor=governor)
    times = PhaseTimes(1, 1, filter_time, 1).by_phase
    assert schedule(mode, settings, times, 6).last == length
    assert schedule(mode, settings, times, 0).last == 0
    assert schedule(mode, settings, times, 1).steady is None
    assert schedule(mode, settings, times, 1).last == schedule(mode, settings, times, 6).first


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.value)
def test_a_run_of_many_images_is_not_followed_to_its_end(mode: Mode) -> None:
    settings = Settings(Path(), at_once=AtOnce.all(1), governor=3)
    times = PhaseTimes(1, 1, 2, 1).by_phase
    few, many = schedule(mode, settings, times, 20_000), schedule(mode, settings, times, 10**12)
    law = predict(mode, settings, times)
    assert law is not None
    assert few.steady == pytest.approx(law.seconds, rel=0.01)
    assert many.steady == pytest.approx(law.seconds, rel=0.01)
