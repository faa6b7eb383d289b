"""The options that let one look at a run: what they take, and what they refuse before anything begins."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from penstock.samples.observing import file_of_mode, record_file, seconds, why_unusable


@pytest.mark.parametrize("name", ["run.svg", "run.png", "run.json", "RUN.SVG", "my run.v2.json"])
def test_the_name_of_a_file_says_what_is_written(name: str, tmp_path: Path) -> None:
    assert record_file(str(tmp_path / name)) == tmp_path / name
    assert not os.listdir(tmp_path)


def test_a_file_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "run.svg").write_text("old")
    record_file(str(tmp_path / "run.svg"))
    assert (tmp_path / "run.svg").read_text() == "old"


@pytest.mark.parametrize("name", ["", "run", "run.pdf", "svg", ".svg", "run.svg.gz"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected a file called \*\.json, \*\.svg or \*\.png, got "):
        record_file(name)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("gone/run.svg", "there is no such folder"),
        ("file/run.svg", "there is no such folder"),
        ("folder.svg", "it is not a plain file"),
        ("odd\0name.svg", "there is no such folder"),
    ],
)
def test_files_that_cannot_be_written_are_refused(name: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "folder.svg").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(argparse.ArgumentTypeError, match=f"cannot write .*: {problem}"):
        record_file(str(tmp_path / name))


@pytest.mark.parametrize("exists", [True, False])
def test_what_is_not_ours_is_refused(exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if exists:
        (tmp_path / "run.svg").touch()
    asked: list[Path] = []

    def access(path: Path, mode: int) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr(os, "access", access)
    assert why_unusable(tmp_path / "run.svg") == "permission denied"
    assert asked == [tmp_path / "run.svg" if exists else tmp_path]

    def statvfs(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(f_flag=1)

    monkeypatch.setattr(os, "statvfs", statvfs, raising=False)
    monkeypatch.setattr(os, "ST_RDONLY", 1, raising=False)
    assert why_unusable(tmp_path / "run.svg") == "the file system can only be read"
    monkeypatch.delattr(os, "statvfs")  # as on Windows
    assert why_unusable(tmp_path / "run.svg") == "permission denied"


def no_module(name: str) -> None:
    del name


def test_a_png_needs_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_unusable(tmp_path / "run.png") is None
    monkeypatch.setattr(importlib.util, "find_spec", no_module)
    assert why_unusable(tmp_path / "run.png") == "Pillow is not installed; try: pip install 'penstock[png]'"
    assert why_unusable(tmp_path / "run.svg") is None


def test_each_mode_has_a_file_of_its_own() -> None:
    assert file_of_mode(Path("a/run.svg"), "data-flow") == Path("a/run-data-flow.svg")


def test_a_time_limit_is_a_number_of_seconds() -> None:
    assert seconds("0.5") == 0.5
    for text in ("", "0", "-1", "nan", "inf", "1 s", "soon"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a number of seconds > 0, got "):
            seconds(text)
