"""--quiet: no progress and no table, only what went wrong and what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.samples.images import report
from penstock.samples.images.__main__ import main


@pytest.fixture
def folders(photo_folder: Path, tmp_path: Path) -> list[str]:
    return [str(photo_folder), "--output", str(tmp_path / "out"), "--quiet", "--size", "64x48"]


def test_a_run_that_goes_well_says_nothing(folders: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(folders) == 0
    assert capfd.readouterr() == ("", "")


def test_pictures_are_painted_without_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--quiet", "--limit", "1", "--output", str(tmp_path / "out")]) == 0
    assert capfd.readouterr() == ("", "")


def test_pictures_that_failed_are_named(
    folders: list[str], photo_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(30):
        (photo_folder / f"empty {number}.jpg").touch()
    assert main(folders) == 1
    out, err = capfd.readouterr()
    assert out == ""
    *named, more = err.splitlines()
    assert len(named) == 20
    assert all(line.endswith(".jpg: load: the file is empty") for line in named)
    assert more == "failed  and more; --errors FILE writes all of them"


def test_what_ended_the_run_is_said(folders: list[str], photo_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (photo_folder / "photo 1.jpg").write_bytes(b"")
    assert main([*folders, "--on-error", "fail"]) == 1
    assert capfd.readouterr().err.splitlines() == [
        "failed  photo 1.jpg: load: the file is empty",
        "penstock-images: data-flow: ended by an error; 0 of 6 images came out before it",
    ]
    assert main([*folders, "--time-limit", "1e-6"]) == 124
    lines = capfd.readouterr().err.splitlines()
    first, second, *_ = (line for line in lines if not line.startswith("failed"))  # which it may do before the limit
    assert first.startswith("penstock-images: data-flow: ended by the time limit; 0 of 6 images came out")
    assert "1e-06 s" in second


def test_what_could_not_be_written_is_said(
    folders: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "contact-sheet.jpg").mkdir(parents=True)
    assert main(folders) == 2
    assert capfd.readouterr().err.startswith("penstock-images: contact sheet not written: ")


def test_a_report_that_is_asked_for_is_printed(folders: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*folders, "--report"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("network 'images, data flow'")
    assert "ratio" not in out
    assert err == ""


def test_modes_that_differ_are_no_secret(
    folders: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = [*folders, "--compare", "--layers", "1", "--limit", "1"]
    assert main(arguments) == 0
    assert capfd.readouterr() == ("", "")

    def differ(results: object) -> bool:
        del results
        return False

    monkeypatch.setattr(report, "same_pictures", differ)
    main(arguments)
    assert capfd.readouterr().err == "penstock-images: The modes wrote DIFFERENT thumbnails, compared byte for byte.\n"
