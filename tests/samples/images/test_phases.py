"""The phases as the pipelines call them: they can be sent anywhere, and failures have reasons in words for people."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from penstock.samples.images.load import UnreadableError
from penstock.samples.images.phases import explain, work_of
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase, PhaseError
from penstock.samples.images.settings import Settings


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnreadableError("the file is empty"), "the file is empty"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "no such file (or a link to nowhere)"),
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
        (MemoryError(), "not enough memory"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "no space left on the device"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError("image file is truncated (3 bytes not processed)"), "image file is truncated (3 bytes not processed)"),
        (OSError("decoder error -2"), "the file is damaged (decoder error -2)"),
        (ValueError("two\n lines"), "two lines"),
        (KeyError("tag"), "KeyError: 'tag'"),
        (IndexError(), "IndexError"),
    ],
)
def test_reasons(error: Exception, expected: str) -> None:
    assert explain(error) == expected


def test_a_phase_and_its_failure_survive_a_journey(settings: Settings, tmp_path: Path) -> None:
    load = pickle.loads(pickle.dumps(work_of(Phase.LOAD, settings)))
    with pytest.raises(PhaseError) as caught:
        load(Job(7, tmp_path / "gone.jpg"))
    error = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(error, PhaseError)
    assert error.failure == Failure(7, tmp_path / "gone.jpg", Phase.LOAD, "no such file (or a link to nowhere)")
    assert error.failure.exception == "FileNotFoundError"
    assert str(error) == "'gone.jpg': load: no such file (or a link to nowhere)"


def test_the_pixels_of_an_image_travel_beside_the_record(
    make_job: Callable[..., Job], make_info: Callable[..., ImageInfo], settings: Settings
) -> None:
    done: Job | ImageInfo = make_job("photo.jpg")
    for phase in Phase:
        done = work_of(phase, settings)(done)
        buffers: list[pickle.PickleBuffer] = []
        data = pickle.dumps(done, protocol=5, buffer_callback=buffers.append)
        assert len(data) < 1500
        assert [buffer.raw().nbytes for buffer in buffers] == [done.pixels.size]
        there = pickle.loads(data, buffers=buffers)
        assert there.stamps == done.stamps
        assert np.array_equal(there.pixels, done.pixels)


def test_a_stamp_tells_the_processor_time(make_job: Callable[..., Job], settings: Settings) -> None:
    (stamp,) = work_of(Phase.LOAD, settings)(make_job("photo.jpg")).stamps
    assert 0 < stamp.cpu <= stamp.finished - stamp.started + 0.02  # clocks of both kinds have steps


def test_a_record_is_shown_without_its_pixels(make_info: Callable[..., ImageInfo]) -> None:
    assert "pixels" not in repr(make_info())
