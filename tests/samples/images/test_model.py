"""The model gives the chapter's figures, to the second of a clock that only waits move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from penstock.samples.images.clock import clock
from penstock.samples.images.files import find_pictures
from penstock.samples.images.jobs import Jobs, list_jobs
from penstock.samples.images.model import Model, make_beforehand
from penstock.samples.images.observer import Observer
from penstock.samples.images.predict import predict, schedule
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase
from penstock.samples.images.run import Outcome, RunResult, run
from penstock.samples.images.settings import CHAPTER_MODES, AtOnce, Mode, PhaseTimes, Settings
from penstock.samples.images.stop import Stop

T = 10.0  # seconds
EQUAL, SLOW_FILTER = PhaseTimes(T, T, T, T), PhaseTimes(T, T, 2 * T, T)
every_mode = pytest.mark.parametrize("mode", CHAPTER_MODES, ids=lambda mode: mode.value)


@pytest.fixture
def virtual(autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch) -> trio.testing.MockClock:
    """A clock that only waits move; stamps have its time too."""
    monkeypatch.setattr(clock, "now", autojump_clock.current_time)
    return autojump_clock


async def run_model(
    mode: Mode, times: PhaseTimes, jobs: Jobs, settings: Settings, observer: Observer
) -> tuple[RunResult, Settings]:
    settings = attrs.evolve(settings, at_once=AtOnce.all(1))
    made = await make_beforehand(jobs.first_round, settings)
    settings = attrs.evolve(settings, model=Model(times, made))
    return await run(mode, jobs, settings, observer, Stop()), settings


def steady(result: RunResult) -> float:
    """Seconds per image from the first image to the last."""
    ends = [image.stamps[-1].finished for image in result.finished]
    return (ends[-1] - ends[0]) / (len(ends) - 1)


@pytest.mark.parametrize(
    ("mode", "times", "length", "per_image"),
    [
        (Mode.SEQUENTIAL, EQUAL, 24, 4),
        (Mode.CONTROL_FLOW, EQUAL, 9, 1),
        (Mode.DATA_FLOW, EQUAL, 9, 1),
        (Mode.LOAD_BALANCED, EQUAL, 9, 1),
        (Mode.SEQUENTIAL, SLOW_FILTER, 30, 5),
        (Mode.CONTROL_FLOW, SLOW_FILTER, 15, 2),
        (Mode.DATA_FLOW, SLOW_FILTER, 15, 2),
        (Mode.LOAD_BALANCED, SLOW_FILTER, 10, 1),
    ],
)
async def test_six_images_take_as_long_as_the_chapter_says(
    virtual: trio.testing.MockClock,
    mode: Mode,
    times: PhaseTimes,
    length: float,
    per_image: float,
    photo_folder: Path,
    settings: Settings,
    listener: Observer,
) -> None:
    result, settings = await run_model(mode, times, list_jobs(find_pictures(photo_folder)), settings, listener)
    assert result.seconds == pytest.approx(length * T)
    assert steady(result) == pytest.approx(per_image * T)
    prediction = predict(mode, settings, times.by_phase)
    assert prediction is not None
    assert prediction.seconds == pytest.approx(per_image * T)
    assert schedule(mode, settings, times.by_phase, 6).last == pytest.approx(length * T)


@pytest.mark.parametrize("governor", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("mode", [Mode.CONTROL_FLOW, Mode.DATA_FLOW, Mode.LOAD_BALANCED], ids=lambda mode: mode.value)
async def test_the_predicted_length_is_exact_with_any_governor(
    virtual: trio.testing.MockClock,
    mode: Mode,
    governor: int,
    photo_folder: Path,
    settings: Settings,
    listener: Observer,
) -> None:
    jobs = list_jobs(find_pictures(photo_folder), repeat=2)
    times = PhaseTimes(2 * T, T, 5 * T, 3 * T)
    settings = attrs.evolve(settings, governor=governor, filters=3)
    result, settings = await run_model(mode, times, jobs, settings, listener)
    expected = schedule(mode, settings, times.by_phase, len(jobs))
    assert result.seconds == pytest.approx(expected.last)
    assert steady(result) == pytest.approx(expected.steady)


@every_mode
async def test_the_pictures_are_those_of_a_run_that_works(
    virtual: trio.testing.MockClock, mode: Mode, photo_folder: Path, settings: Settings, listener: Observer
) -> None:
    jobs = list_jobs(find_pictures(photo_folder))
    real = await run(Mode.SEQUENTIAL, jobs, settings, listener, Stop())
    for file in settings.output.iterdir():
        file.unlink()
    result, _ = await run_model(mode, EQUAL, jobs, settings, listener)
    assert [image.digest for image in result.finished] == [image.digest for image in real.finished]
    assert [[stamp.phase for stamp in image.stamps] for image in result.finished] == [list(Phase)] * 6
    assert sorted(settings.output.iterdir()) == sorted(image.written for image in result.finished)


@every_mode
async def test_a_bad_picture_fails_in_the_phase_in_which_it_was_found(
    virtual: trio.testing.MockClock,
    mode: Mode,
    dirty_folder: Path,
    bad_files: dict[str, str],
    settings: Settings,
    listener: Observer,
) -> None:
    jobs = list_jobs(find_pictures(dirty_folder))
    result, _ = await run_model(mode, EQUAL, jobs, settings, listener)
    assert result.outcome is Outcome.DONE
    assert [failure.path.name for failure in result.failures] == list(bad_files)
    assert {failure.phase for failure in result.failures} == {Phase.LOAD}
    assert len(result.finished) == len(jobs) - len(bad_files)


async def test_a_picture_may_fail_later_than_in_the_first_phase(
    virtual: trio.testing.MockClock, settings: Settings, tmp_path: Path
) -> None:
    bad = Failure(1, tmp_path / "a.jpg", Phase.NOISE, "broken")
    job = Job(7, bad.path)
    model = Model(EQUAL, {bad.path: bad})
    item: Job | ImageInfo = job
    for phase in (Phase.LOAD, Phase.SCALE):
        item = await model.work(phase, item)
    with pytest.raises(Exception, match="broken") as caught:
        await model.work(Phase.NOISE, item)
    assert caught.value.args == (attrs.evolve(bad, sequence=7),)
    assert trio.current_time() == 3 * T


async def test_delays_of_a_busy_computer_do_not_add_up(
    virtual: trio.testing.MockClock,
    photo_folder: Path,
    settings: Settings,
    listener: Observer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each wait ends late; the whole run is only as late as its last wait."""
    late, sleep_until = T / 4, trio.sleep_until

    async def oversleep(deadline: float) -> None:
        await sleep_until(deadline + late)

    monkeypatch.setattr(trio, "sleep_until", oversleep)
    jobs = list_jobs(find_pictures(photo_folder))
    for mode, length in ((Mode.SEQUENTIAL, 24 * T), (Mode.DATA_FLOW, 9 * T)):
        result, _ = await run_model(mode, EQUAL, jobs, settings, listener)
        assert result.seconds == pytest.approx(length + late)


async def test_a_stopped_run_of_the_model_ends_at_once(
    virtual: trio.testing.MockClock, photo_folder: Path, settings: Settings, listener: Observer
) -> None:
    stop = Stop()
    jobs = list_jobs(find_pictures(photo_folder), repeat=100)
    made = await make_beforehand(jobs.first_round, settings)
    settings = attrs.evolve(settings, model=Model(EQUAL, made))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_after, 20.5 * T, stop.request)
        result = await run(Mode.SEQUENTIAL, jobs, settings, listener, stop)
    assert result.outcome is Outcome.STOPPED
    assert len(result.finished) == 5
    assert result.seconds == pytest.approx(20.5 * T)


async def _after(seconds: float, then: Callable[[], None]) -> None:
    await trio.sleep(seconds)
    then()


async def test_it_says_which_picture_it_makes(
    virtual: trio.testing.MockClock, photo_folder: Path, settings: Settings
) -> None:
    told: list[int] = []
    await make_beforehand(list_jobs(find_pictures(photo_folder)), settings, told.append)
    assert told == [1, 2, 3, 4, 5, 6]
    assert list(settings.output.iterdir()) == []
