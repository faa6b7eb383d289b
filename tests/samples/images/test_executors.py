"""The blocks' work in threads, in processes, on a Dask cluster: the same thumbnails, failures and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import attrs
import pytest

from penstock.blocks import WorkerDied
from penstock.samples.images import executors
from penstock.samples.images.executors import UnusableWorkersError, open_executor
from penstock.samples.images.files import find_pictures
from penstock.samples.images.jobs import list_jobs
from penstock.samples.images.observer import Observer
from penstock.samples.images.record import Failure, ImageInfo, Phase
from penstock.samples.images.run import Outcome, run
from penstock.samples.images.settings import AtOnce, Mode, OnError, Settings, Workers
from penstock.samples.images.stop import Stop

MODES = [Mode.DATA_FLOW, Mode.LOAD_BALANCED]
both_modes = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
has_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed")
# Dask's own: it reads a file of the system that it does not close, and wakes a loop that has ended.
quiet_dask = pytest.mark.filterwarnings("ignore")
KINDS = [Workers.THREADS, Workers.PROCESSES, pytest.param(Workers.DASK, marks=[has_dask, quiet_dask])]


class Listener(Observer, Protocol):
    """What the fixture `listener` is."""

    images: list[ImageInfo]
    failures: list[Failure]
    hook: Callable[[ImageInfo], None]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.value)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Two workers of each kind, who stay for all tests of this file."""
    with open_executor(request.param, 2) as workers:
        yield workers


@both_modes
async def test_thumbnails_are_those_of_the_sequential_mode_and_in_order(
    mode: Mode, executor: Executor, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    jobs = list_jobs(find_pictures(photo_folder), repeat=3)
    expected = await run(Mode.SEQUENTIAL, jobs, settings, listener, Stop())
    result = await run(mode, jobs, settings, listener, Stop(), executor)
    assert [image.sequence for image in result.finished] == list(range(1, 19))
    assert [image.digest for image in result.finished] == [image.digest for image in expected.finished]
    assert sorted(settings.output.iterdir()) == sorted(image.written for image in result.finished)
    for image in result.finished:
        times = [time for stamp in image.stamps for time in (stamp.started, stamp.finished)]
        assert times == sorted(times), "all workers of one machine have the same clock"


@both_modes
async def test_a_bad_file_is_skipped_with_its_reason(
    mode: Mode, executor: Executor, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    (photo_folder / "photo 2.jpg").write_bytes(b"")
    (photo_folder / "photo 5.jpg").write_text("Dear diary")
    result = await run(mode, list_jobs(find_pictures(photo_folder)), settings, listener, Stop(), executor)
    assert [image.sequence for image in result.finished] == [1, 3, 4, 6]
    assert list(result.failures) == [
        Failure(2, photo_folder / "photo 2.jpg", Phase.LOAD, "the file is empty"),
        Failure(5, photo_folder / "photo 5.jpg", Phase.LOAD, "not a picture in a format that can be read"),
    ]


@both_modes
async def test_a_bad_file_can_end_the_run(
    mode: Mode, executor: Executor, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    (photo_folder / "photo 3.jpg").write_bytes(b"")
    settings = attrs.evolve(settings, on_error=OnError.FAIL)
    jobs = list_jobs(find_pictures(photo_folder), repeat=20)
    result = await run(mode, jobs, settings, listener, Stop(), executor)
    assert result.outcome is Outcome.FAILED
    assert {failure.reason for failure in result.failures} == {"the file is empty"}
    assert [image.sequence for image in result.finished] == [1, 2][: len(result.finished)]
    assert sorted(settings.output.iterdir()) == sorted(image.written for image in result.finished)


@both_modes
async def test_the_stop_command_leaves_what_was_reported_and_nothing_else(
    mode: Mode, executor: Executor, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    stop = Stop()

    def stop_at_three(info: ImageInfo) -> None:
        if info.sequence == 3:
            stop.request()

    listener.hook = stop_at_three
    jobs = list_jobs(find_pictures(photo_folder), repeat=50)
    result = await run(mode, jobs, settings, listener, stop, executor)
    assert result.outcome is Outcome.STOPPED
    assert 3 <= len(result.finished) < 300
    assert sorted(settings.output.iterdir()) == sorted(image.written for image in result.finished)


@both_modes
@pytest.mark.parametrize("at_once", [AtOnce.all(1), AtOnce(load=4, scale=1, noise=3, output=2)], ids=str)
async def test_any_concurrency_will_do(
    mode: Mode, at_once: AtOnce, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    settings = attrs.evolve(settings, at_once=at_once)
    result = await run(mode, list_jobs(find_pictures(photo_folder), repeat=3), settings, listener, Stop())
    assert [image.sequence for image in result.finished] == list(range(1, 19))


class DeadlyExecutor(Executor):
    """None of its workers lives long enough to do anything."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(WorkerDied("killed"))
        return future


@both_modes
@pytest.mark.parametrize("on_error", OnError, ids=lambda on_error: on_error.value)
async def test_an_image_that_costs_a_worker_its_life_has_failed(
    mode: Mode, on_error: OnError, photo_folder: Path, settings: Settings, listener: Listener
) -> None:
    settings = attrs.evolve(settings, on_error=on_error)
    jobs = list_jobs(find_pictures(photo_folder))
    result = await run(mode, jobs, settings, listener, Stop(), DeadlyExecutor())
    assert result.outcome is (Outcome.DONE if on_error is OnError.SKIP else Outcome.FAILED)
    assert {(failure.phase, failure.reason) for failure in result.failures} == {
        (Phase.LOAD, "its worker process has died")
    }


def import_nothing(name: str) -> None:
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def import_in_vain(name: str) -> None:
    import_nothing("msgpack")


def test_without_dask_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "import_module", import_nothing)
    with pytest.raises(UnusableWorkersError, match="pip install distributed"), open_executor(Workers.DASK, 1):
        pass


def test_a_scheduler_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str) -> None:
        raise TimeoutError("timed out")

    config = {"scheduler-address": "tcp://nowhere:1"}
    modules = {"distributed": SimpleNamespace(Client=refuse), "dask": SimpleNamespace(config=config)}
    monkeypatch.setattr(executors, "import_module", modules.__getitem__)
    expected = "cannot reach the Dask scheduler at tcp://nowhere:1: timed out"
    with pytest.raises(UnusableWorkersError, match=expected), open_executor(Workers.DASK, 1):
        pass


def test_a_dask_that_is_broken_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "import_module", import_in_vain)
    with pytest.raises(ModuleNotFoundError, match="msgpack"), open_executor(Workers.DASK, 1):
        pass
