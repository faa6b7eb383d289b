"""The four modes do the same work: in order, to the byte, past bad files, and to an end when told."""

from __future__ import annotations

import errno
import os
import pickle
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import attrs
import pytest
import trio
from PIL import Image

from penstock.blocks import Threads, WorkerDied
from penstock.samples.images import contact_sheet, stages
from penstock.samples.images.files import find_pictures
from penstock.samples.images.jobs import list_jobs
from penstock.samples.images.load import load
from penstock.samples.images.noise import add_noise
from penstock.samples.images.observer import Observer
from penstock.samples.images.phases import FUNCTIONS
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase
from penstock.samples.images.run import Outcome, RunResult, run
from penstock.samples.images.settings import HaltedError, Mode, OnError, Settings, SheetPlan
from penstock.samples.images.stop import Stop

PIPELINED = [Mode.CONTROL_FLOW, Mode.DATA_FLOW, Mode.LOAD_BALANCED]
every_mode = pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.value)

PATIENCE = 60  # seconds; only a test that fails waits so long


class Listener(Observer, Protocol):
    """What the fixture `listener` is."""

    progress: list[tuple[Phase, int]]
    images: list[ImageInfo]
    failures: list[Failure]
    hook: Callable[[ImageInfo], None]


def assert_whole(result: RunResult, settings: Settings) -> None:
    """Everything that is said to be finished is on disk, can be opened, and there is nothing else."""
    written = [image.written for image in result.finished]
    assert sorted(settings.output.iterdir()) == sorted(written)
    for path in written:
        with Image.open(path) as image:
            image.load()


@every_mode
async def test_images_come_out_in_order_and_the_same_in_every_mode(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    jobs = list_jobs(find_pictures(photo_folder), repeat=3)
    expected = await run(Mode.SEQUENTIAL, jobs, settings, listener, Stop())
    listener.images.clear()
    listener.progress.clear()
    result = await run(mode, jobs, settings, listener, Stop())
    assert result.outcome is Outcome.DONE
    assert [image.sequence for image in listener.images] == list(range(1, 19))
    assert [image.path.name for image in result.finished] == [f"photo {n}.jpg" for n in range(1, 7)] * 3
    assert [image.digest for image in result.finished] == [image.digest for image in expected.finished]
    assert sorted(listener.progress, key=lambda p: (p[1], list(Phase).index(p[0]))) == [
        (phase, number) for number in range(1, 19) for phase in Phase
    ]
    assert [[stamp.phase for stamp in image.stamps] for image in result.finished] == [list(Phase)] * 18
    assert_whole(result, settings)


@every_mode
async def test_a_dirty_folder_costs_its_bad_files_and_nothing_else(
    mode: Mode, dirty_folder: Path, bad_files: dict[str, str], settings: Settings, listener: Listener
) -> None:
    jobs = list_jobs(find_pictures(dirty_folder))
    result = await run(mode, jobs, settings, listener, Stop())
    assert result.outcome is Outcome.DONE
    assert [failure.path.name for failure in result.failures] == list(bad_files)
    for failure in result.failures:
        assert failure.phase is Phase.LOAD
        assert bad_files[failure.path.name] in failure.reason
    assert sorted(listener.failures, key=lambda failure: failure.sequence) == list(result.failures)
    good = [job.path for job in jobs if job.path.name not in bad_files]
    assert [image.path for image in result.finished] == good
    assert_whole(result, settings)


@every_mode
@pytest.mark.parametrize("phase", Phase, ids=lambda phase: phase.value)
async def test_an_image_may_fail_in_any_phase(
    mode: Mode,
    phase: Phase,
    photo_folder: Path,
    settings: Settings,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = FUNCTIONS[phase]

    def fail_at_times(item: Job | ImageInfo, settings: Settings) -> ImageInfo:
        if item.sequence in (1, 4, 5, 12):
            raise ValueError(f"not number {item.sequence}")
        return work(item, settings)

    monkeypatch.setitem(FUNCTIONS, phase, fail_at_times)
    jobs = list_jobs(find_pictures(photo_folder), repeat=2)
    result = await run(mode, jobs, attrs.evolve(settings, governor=3), listener, Stop())
    assert [image.sequence for image in result.finished] == [2, 3, 6, 7, 8, 9, 10, 11]
    assert [(f.sequence, f.reason) for f in result.failures] == [(n, f"not number {n}") for n in (1, 4, 5, 12)]
    assert {failure.phase.value for failure in result.failures} == {phase.value}
    assert_whole(result, settings)


@every_mode
async def test_a_bad_file_ends_the_run_if_the_user_wants_that(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    (photo_folder / "photo 3.jpg").write_text("not a photograph")
    jobs = list_jobs(find_pictures(photo_folder), repeat=5)
    result = await run(mode, jobs, attrs.evolve(settings, on_error=OnError.FAIL), listener, Stop())
    assert result.outcome is Outcome.FAILED
    assert [(failure.sequence, failure.phase) for failure in result.failures] == [(3, Phase.LOAD)]
    assert listener.failures == list(result.failures)
    assert [image.sequence for image in result.finished] == [1, 2][: len(result.finished)]
    assert_whole(result, settings)


@every_mode
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.ENOENT], ids=errno.errorcode.__getitem__)
async def test_an_output_folder_that_takes_no_more_ends_the_run_at_once(
    mode: Mode,
    number: int,
    photo_folder: Path,
    settings: Settings,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = FUNCTIONS[Phase.OUTPUT]

    def full(info: ImageInfo, settings: Settings) -> ImageInfo:
        if info.sequence >= 3:
            raise OSError(number, os.strerror(number))
        return work(info, settings)

    monkeypatch.setitem(FUNCTIONS, Phase.OUTPUT, full)
    result = await run(mode, list_jobs(find_pictures(photo_folder), repeat=50), settings, listener, Stop())
    assert result.outcome is Outcome.FAILED
    assert result.failures[0].phase is Phase.OUTPUT
    assert (result.failures[0].reason == "the output folder is gone") is (number == errno.ENOENT)
    assert len(result.failures) <= settings.governor
    assert [image.sequence for image in result.finished] == [1, 2][: len(result.finished)]
    assert_whole(result, settings)


@every_mode
async def test_one_name_that_cannot_be_written_costs_one_image(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    jobs = list_jobs(find_pictures(photo_folder))
    (settings.output / jobs[1].name / "in the way").mkdir(parents=True)
    result = await run(mode, jobs, settings, listener, Stop())
    assert result.outcome is Outcome.DONE
    assert [failure.sequence for failure in result.failures] == [2]
    assert len(result.finished) == 5


@every_mode
async def test_the_stop_command_ends_the_run_with_whole_files(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    stop = Stop()

    def stop_at_three(info: ImageInfo) -> None:
        if info.sequence == 3:
            stop.request()

    listener.hook = stop_at_three
    jobs = list_jobs(find_pictures(photo_folder), repeat=50)
    result = await run(mode, jobs, settings, listener, stop)
    assert (result.outcome, result.failures, result.total) == (Outcome.STOPPED, (), 300)
    numbers = [image.sequence for image in result.finished]
    assert numbers == list(range(1, len(numbers) + 1))
    assert 3 <= len(numbers) < 3 + settings.governor  # those behind the third may have been written, too
    assert_whole(result, settings)
    again = await run(mode, jobs, settings, listener, stop)
    assert (again.outcome, again.finished) == (Outcome.STOPPED, ())


@every_mode
async def test_the_contact_sheet_is_the_same_in_every_mode_and_never_drawn_on_the_loop(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()

    def noted(file: Path, cell: tuple[int, int]) -> Image.Image | None:
        threads.add(threading.get_ident())
        return thumbnail_of(file, cell)

    thumbnail_of = contact_sheet._thumbnail
    monkeypatch.setattr(contact_sheet, "_thumbnail", noted)
    (photo_folder / "photo 3.jpg").write_bytes(b"")
    jobs = list_jobs(find_pictures(photo_folder), repeat=3)
    settings = attrs.evolve(settings, sheet=SheetPlan(columns=2, rows=3))
    expected = await run(Mode.SEQUENTIAL, jobs, settings, listener, Stop())
    sheets = [page.file.read_bytes() for page in expected.pages]
    result = await run(mode, jobs, settings, listener, Stop())
    assert [page.file.read_bytes() for page in result.pages] == sheets
    assert [[entry.number for entry in page.entries] for page in result.pages] == [
        [1, 2, 4, 5, 6, 7],
        [8, 10, 11, 12, 13, 14],
        [16, 17, 18],
    ]
    assert threading.get_ident() not in threads


@every_mode
async def test_a_run_that_is_stopped_has_all_on_its_sheet_that_came_out(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    stop = Stop()
    listener.hook = lambda info: stop.request() if info.sequence == 3 else None
    settings = attrs.evolve(settings, sheet=SheetPlan(columns=2, rows=1))
    result = await run(mode, list_jobs(find_pictures(photo_folder), repeat=50), settings, listener, stop)
    on_sheet = [entry.number for page in result.pages for entry in page.entries]
    assert on_sheet == [image.sequence for image in result.finished]


async def test_a_page_whose_worker_dies_is_drawn_at_the_end(
    photo_folder: Path, settings: Settings, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(entries: object, settings: Settings) -> None:
        raise WorkerDied("killed")

    monkeypatch.setattr(stages, "draw_page", die)
    settings = attrs.evolve(settings, sheet=SheetPlan(columns=2, rows=2))
    result = await run(Mode.DATA_FLOW, list_jobs(find_pictures(photo_folder)), settings, listener, Stop())
    assert [len(page.entries) for page in result.pages] == [4, 2]
    assert result.outcome is Outcome.DONE


@every_mode
async def test_no_jobs_are_no_trouble(mode: Mode, settings: Settings, listener: Listener) -> None:
    result = await run(mode, [], settings, listener, Stop())
    assert (result.outcome, result.finished, result.failures) == (Outcome.DONE, (), ())


@every_mode
@pytest.mark.parametrize(("governor", "filters"), [(1, 1), (1, 4), (2, 3), (50, 8)])
async def test_any_number_of_slots_and_filters_will_do(
    mode: Mode, governor: int, filters: int, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    settings = attrs.evolve(settings, governor=governor, filters=filters)
    result = await run(mode, list_jobs(find_pictures(photo_folder), repeat=2), settings, listener, Stop())
    assert [image.sequence for image in result.finished] == list(range(1, 13))


@pytest.mark.parametrize("mode", PIPELINED, ids=lambda mode: mode.value)
async def test_phases_of_different_images_overlap(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first image cannot leave the noise phase before the third is being loaded."""
    third_is_loading = threading.Event()

    def announcing_load(job: Job, settings: Settings) -> ImageInfo:
        if job.sequence == 3:
            third_is_loading.set()
        return load(job, settings)

    def waiting_noise(info: ImageInfo, settings: Settings) -> ImageInfo:
        assert info.sequence != 1 or third_is_loading.wait(PATIENCE)
        return add_noise(info, settings)

    monkeypatch.setitem(FUNCTIONS, Phase.LOAD, announcing_load)
    monkeypatch.setitem(FUNCTIONS, Phase.NOISE, waiting_noise)
    result = await run(mode, list_jobs(find_pictures(photo_folder)), settings, listener, Stop())
    assert [image.sequence for image in result.finished] == [1, 2, 3, 4, 5, 6]


async def test_filters_share_the_work_and_the_multiplexer_restores_the_order(
    photo_folder: Path, settings: Settings, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first image cannot leave its filter before three others have left theirs."""
    others = threading.Semaphore(0)

    def holding_noise(info: ImageInfo, settings: Settings) -> ImageInfo:
        done = add_noise(info, settings)
        if info.sequence == 1:
            assert all(others.acquire(timeout=PATIENCE) for _ in range(3))
        else:
            others.release()
        return done

    monkeypatch.setitem(FUNCTIONS, Phase.NOISE, holding_noise)
    jobs = list_jobs(find_pictures(photo_folder))
    result = await run(Mode.LOAD_BALANCED, jobs, settings, listener, Stop())
    assert [image.sequence for image in result.finished] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("mode", PIPELINED, ids=lambda mode: mode.value)
async def test_the_governor_bounds_the_images_in_flight(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flight: list[int] = []
    most = 0

    def counting_load(job: Job, settings: Settings) -> ImageInfo:
        nonlocal most
        in_flight.append(job.sequence)
        most = max(most, len(in_flight))
        return load(job, settings)

    monkeypatch.setitem(FUNCTIONS, Phase.LOAD, counting_load)
    listener.hook = lambda info: in_flight.remove(info.sequence)
    jobs: Sequence[Job] = list_jobs(find_pictures(photo_folder), repeat=3)
    await run(mode, jobs, attrs.evolve(settings, governor=3), listener, Stop())
    assert most <= 3
    assert in_flight == []


@every_mode
async def test_our_own_mistakes_are_not_taken_for_bad_files(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    def stumble(info: ImageInfo) -> None:
        raise ZeroDivisionError

    listener.hook = stumble
    jobs = list_jobs(find_pictures(photo_folder))
    with pytest.raises((ZeroDivisionError, ExceptionGroup)) as caught:
        await run(mode, jobs, settings, listener, Stop())
    error: BaseException = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ZeroDivisionError)


@every_mode
async def test_work_that_is_left_behind_gives_up(
    mode: Mode, photo_folder: Path, settings: Settings, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def noise(info: ImageInfo, given: Settings) -> ImageInfo:
        begun.set()
        try:
            while True:
                info = add_noise(info, given)
        except HaltedError:
            ended.set()
            raise

    async def stop_soon() -> None:
        await trio.to_thread.run_sync(begun.wait, PATIENCE)
        stop.request()

    monkeypatch.setitem(FUNCTIONS, Phase.NOISE, noise)
    jobs, stop = list_jobs(find_pictures(photo_folder)), Stop()
    executor = Threads(2, abandon_on_cancel=True) if mode.uses_executor else None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_soon)
        result = await run(mode, jobs, attrs.evolve(settings, abandons=True), listener, stop, executor)
    assert result.outcome is Outcome.STOPPED
    assert listener.failures == []
    assert await trio.to_thread.run_sync(ended.wait, PATIENCE)


def test_in_another_process_there_is_nothing_to_give_up(settings: Settings) -> None:
    settings.halt.is_set = True
    with pytest.raises(HaltedError):
        settings.halt.check()
    pickle.loads(pickle.dumps(settings)).halt.check()
