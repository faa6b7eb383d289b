"""The manifest, and a second run that does only what is to be done."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from PIL import Image

from penstock.samples.images.__main__ import main
from penstock.samples.images.manifest import Entry, read_manifest, write_manifest
from penstock.samples.images.settings import CHAPTER_MODES, Settings

every_mode = pytest.mark.parametrize("mode", [mode.value for mode in CHAPTER_MODES])


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def rows(output: Path) -> list[dict[str, str]]:
    with open(output / "manifest.csv", newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def changes(output: Path) -> dict[str, int]:
    """When each thumbnail was written."""
    return {path.name: path.stat().st_mtime_ns for path in output.glob("photo*.jpg")}


def test_the_manifest_says_what_each_picture_has_become(photo_folder: Path, output: Path) -> None:
    (photo_folder / "photo 2.jpg").write_bytes(b"")
    assert run(photo_folder, "--output", output) == 1
    found = rows(output)
    assert [row["source"] for row in found] == [str(photo_folder / f"photo {n}.jpg") for n in range(1, 7)]
    assert [row["error"] for row in found] == ["", "load: the file is empty", "", "", "", ""]
    assert found[1]["thumbnail"] == ""
    for row in found[2:]:
        assert (output / row["thumbnail"]).exists()
        assert len(row["digest"]) == 64
        assert all(float(row[f"{phase}_seconds"]) > 0 for phase in ("load", "scale", "noise", "output"))
    images = json.loads((output / "manifest.json").read_text())["images"]
    assert [image["source"] for image in images] == [row["source"] for row in found]
    assert [image["digest"] for image in images] == [row["digest"] for row in found]


@every_mode
def test_what_is_up_to_date_is_not_done_again(
    mode: str, photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo_folder, "--output", output, "--mode", mode) == 0
    before, sheet, lines = changes(output), (output / "contact-sheet.jpg").read_bytes(), rows(output)
    Image.new("RGB", (90, 60), "red").save(photo_folder / "photo 3.jpg")  # another picture
    os.utime(photo_folder / "photo 3.jpg", ns=(1, 1))
    Image.new("RGB", (90, 60), "lime").save(photo_folder / "photo 0.jpg")
    os.utime(photo_folder / "photo 0.jpg", ns=(1, 1))
    (photo_folder / "photo 5.jpg").unlink()
    capsys.readouterr()
    assert run(photo_folder, "--output", output, "--mode", mode, "--resume") == 0
    out, after = capsys.readouterr().out, changes(output)
    (gone,) = (row["thumbnail"] for row in lines if "photo 5" in row["source"])
    assert f"{mode}: 2 of 2 images came out, 4 were up to date\n" in out
    assert f"  no longer belongs: {gone}\n" in out
    changed = {name[:7] for name in after if after[name] != before.get(name)}
    assert changed == {"photo 0", "photo 3"}
    assert (output / "contact-sheet.jpg").read_bytes() != sheet
    assert [Path(row["source"]).name for row in rows(output)] == [f"photo {n}.jpg" for n in (0, 1, 2, 3, 4, 6)]
    written = {path.name: path.read_bytes() for path in output.glob("*.jpg")}
    assert run(photo_folder, "--output", output, "--mode", mode) == 0
    assert {path.name: path.read_bytes() for path in output.glob("*.jpg")} == written, "as if all was done at once"


def test_with_nothing_to_do_nothing_is_written(
    photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo_folder, "--output", output) == 0
    before = {path: path.stat().st_mtime_ns for path in output.glob("*.jpg")}
    assert run(photo_folder, "--output", output, "--resume") == 0
    assert "nothing to do, all 6 images are up to date\n" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in output.glob("*.jpg")} == before


@pytest.mark.parametrize("change", [["--size", "64x48"], ["--noise", "3"], ["--layers", "2"]])
def test_other_settings_make_all_thumbnails_out_of_date(
    change: list[str], photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo_folder, "--output", output) == 0
    capsys.readouterr()
    assert run(photo_folder, "--output", output, "--resume", *change) == 0
    assert "data-flow: 6 of 6 images came out\n" in capsys.readouterr().out


@pytest.mark.parametrize("harm", ["cut off", "gone", "touched"])
def test_a_thumbnail_that_is_harmed_and_a_picture_that_is_touched_are_done_again(
    harm: str, photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo_folder, "--output", output) == 0
    thumbnail = next(output.glob("photo 4*.jpg"))
    match harm:
        case "cut off":
            os.truncate(thumbnail, 100)
        case "gone":
            thumbnail.unlink()
        case _:
            os.utime(photo_folder / "photo 4.jpg", ns=(5, 5))
    assert run(photo_folder, "--output", output, "--resume") == 0
    assert "1 of 1 images came out, 5 were up to date" in capsys.readouterr().out


def test_what_has_failed_is_tried_again(photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photo_folder / "photo 2.jpg").write_bytes(b"")
    assert run(photo_folder, "--output", output) == 1
    assert run(photo_folder, "--output", output, "--resume") == 1
    assert "0 of 1 images came out, 5 were up to date, 1 skipped" in capsys.readouterr().out
    assert [row["error"] for row in rows(output)][1] == "load: the file is empty"


def test_pages_that_are_too_many_no_longer_belong(
    photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output.mkdir()
    (output / "contact-sheet-2.jpg").touch()
    (output / "holiday.jpg").touch()
    assert run(photo_folder, "--output", output, "--resume") == 0
    out = capsys.readouterr().out
    assert "no longer belongs: contact-sheet-2.jpg" in out
    assert "holiday" not in out, "which is none of ours"


def test_a_manifest_is_read_as_it_was_written(settings: Settings) -> None:
    entries = [
        Entry("/a/b.jpg", "b-0123abcd.jpg", "d", {"load": 0.25}, size=3, modified=4, length=5),
        Entry(os.fsdecode(b'/caf\xe9,\n"x".jpg'), "x.jpg", error='it\'s "so"'),
    ]
    write_manifest(settings.output, entries, settings)
    assert read_manifest(settings.output, settings) == {entry.thumbnail: entry for entry in entries}
    assert [row["source"] for row in rows(settings.output)] == [entry.source for entry in entries]
    assert read_manifest(settings.output, attrs.evolve(settings, seed=7)) == {}


HARM: dict[str, Callable[[Any], object]] = {
    "no images": lambda data: data.pop("images"),
    "no source": lambda data: data["images"][0].pop("source"),
    "a size that is no number": lambda data: data["images"][0].update(size="large"),
    "seconds that are no table": lambda data: data["images"][0].update(seconds=7),
    "a name that is no text": lambda data: data["images"][0].update(thumbnail=["a"]),
    "a name that is a path": lambda data: data["images"][0].update(thumbnail="../a.jpg"),
    "more than there should be": lambda data: data["images"][0].update(more=1),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_manifest_that_is_not_ours_counts_for_nothing(settings: Settings, harm: str) -> None:
    write_manifest(settings.output, [Entry("/a.jpg", "a.jpg", size=1, modified=1, length=1)], settings)
    path = settings.output / "manifest.json"
    data = json.loads(path.read_text())
    assert len(read_manifest(settings.output, settings)) == 1
    HARM[harm](data)
    path.write_text(json.dumps(data))
    assert read_manifest(settings.output, settings) == {}


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, '{"settings": 1}', "\x00"])
def test_a_manifest_that_is_broken_counts_for_nothing(settings: Settings, text: str) -> None:
    (settings.output / "manifest.json").write_text(text)
    assert read_manifest(settings.output, settings) == {}
    (settings.output / "manifest.json").unlink()
    assert read_manifest(settings.output, settings) == {}
