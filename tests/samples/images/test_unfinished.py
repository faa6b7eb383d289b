"""The hidden folder of a run, and those of runs that were killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.samples.images.__main__ import main
from penstock.samples.images.settings import Settings
from penstock.samples.images.unfinished import unfinished


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_a_run_has_a_hidden_folder_as_long_as_it_lasts(settings: Settings) -> None:
    with unfinished(settings) as inner:
        assert inner.unfinished is not None
        (inner.unfinished / "half").touch()
        assert hidden(settings.output) == [inner.unfinished.name]
        assert not inner.halt.is_set
    assert hidden(settings.output) == []
    assert inner.halt.is_set


def test_another_run_leaves_the_folder_of_one_that_goes_on(settings: Settings) -> None:
    with unfinished(settings) as first, unfinished(settings) as second:
        assert first.unfinished is not None
        assert second.unfinished is not None
        assert first.unfinished.exists()
        assert second.unfinished.exists()


def test_what_is_called_like_a_folder_of_ours_and_is_none_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    (settings.output / ".a.unfinished").touch()
    (tmp_path / "elsewhere").mkdir()
    (settings.output / ".b.unfinished").symlink_to(tmp_path / "elsewhere")
    (settings.output / ".c.unfinished").mkdir()  # just made by another run, which has not locked it yet
    with unfinished(settings):
        pass
    assert sorted(hidden(settings.output)) == [".a.unfinished", ".b.unfinished", ".c.unfinished"]
    os.utime(settings.output / ".c.unfinished", (1, 1))
    with unfinished(settings):
        pass
    assert sorted(hidden(settings.output)) == [".a.unfinished", ".b.unfinished"]


def test_without_a_folder_of_its_own_a_run_goes_on(settings: Settings) -> None:
    settings.output.rmdir()
    with unfinished(settings) as inner:
        assert inner.unfinished is None


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be killed like that there")
def test_what_a_run_that_was_killed_has_left_is_removed_by_the_next(photo_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    (photo_folder / "photo 4.jpg").write_bytes(b"")  # when this is reported, the run is under way
    arguments = [str(photo_folder), "--output", str(output), "--size", "64x48"]
    command = [sys.executable, "-m", "penstock.samples.images", *arguments, "--repeat", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "photo 4.jpg" in process.stderr.readline()
        process.kill()
    assert len(hidden(output)) == 1
    assert main(arguments) == 1
    assert hidden(output) == []
