"""Finding pictures, saying what is left out, and making jobs of them."""

from __future__ import annotations

import os
import sys
from itertools import islice
from pathlib import Path

import pytest

from penstock.samples.images import formats
from penstock.samples.images.__main__ import main
from penstock.samples.images.files import NoPicturesError, find_all, find_pictures
from penstock.samples.images.formats import EXTENSIONS
from penstock.samples.images.inputs import read_list
from penstock.samples.images.jobs import list_jobs
from penstock.samples.images.natural import natural_order


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_pictures_are_found_by_extension_in_natural_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "A.JPG", "é.WebP", "a.png", "10.tif", "9.gif", ".hidden.jpg", "notes.txt", "jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "gone")
    assert names(find_pictures(tmp_path)) == ["9.gif", "10.tif", "A.JPG", "a.png", "b.jpg", "nowhere.jpg", "é.WebP"]


def test_numbers_in_names_count_as_numbers() -> None:
    ordered = ["1.jpg", "a/img2.jpg", "a/img10.jpg", "a2/img1.jpg", "a10/x.jpg", "IMG3.jpg", "img3a.jpg", "img٣.jpg"]
    assert sorted(map(Path, reversed(ordered)), key=natural_order) == list(map(Path, ordered))


def test_everything_that_pillow_reads_by_itself_is_a_picture() -> None:
    assert {
        ".jpg",
        ".png",
        ".ppm",
        ".pgm",
        ".psd",
        ".tga",
        ".ico",
        ".jp2",
        ".pcx",
        ".dds",
        ".sgi",
    } <= EXTENSIONS
    assert not {".eps", ".ps", ".wmf", ".mpg", ".grib", ".h5", ".pdf"} & EXTENSIONS, "those take an outside program"


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoPicturesError, match=r"no such folder: .*gone"):
        find_pictures(tmp_path / "gone")
    touch(tmp_path, "file")
    with pytest.raises(NoPicturesError, match=r"not a folder: .*file"):
        find_pictures(tmp_path / "file")
    with pytest.raises(NoPicturesError, match=r"no pictures in .*; left out: 1 without a suffix"):
        find_pictures(tmp_path)


def test_a_folder_that_may_not_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(NoPicturesError, match=r"cannot read the folder .*: Permission denied"):
        find_pictures(tmp_path)


def test_what_is_left_out_is_counted_by_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.jpg", "b.txt", "c.TXT", "d.cr2", "e.eps", "f", ".g.jpg", "h/i.jpg", "j/k.jpg", "l.heic")
    monkeypatch.setattr("penstock.samples.images.files.EXTENSIONS", EXTENSIONS - {".heic"})  # whether there is an extra
    found = find_all([tmp_path], recursive=False, outputs=[])
    assert names(found.pictures) == ["a.jpg"]
    assert sorted(str(found.left_out).split(", ")) == [
        "1 .cr2 (raw data of a camera are not read)",
        "1 .eps (not read by Pillow alone)",
        "1 .heic (try pip install 'penstock[heic]')",
        "1 hidden",
        "1 without a suffix",
        "2 .txt",
        "2 folders (--recursive looks into them)",
    ]


def test_of_many_kinds_the_most_frequent_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", *(f"{n}.kind{n}" for n in range(30)), "x.kind7")
    shown = str(find_all([tmp_path], recursive=False, outputs=[]).left_out)
    assert shown.startswith("2 .kind7, ")
    assert shown.endswith(", 18 of other kinds")


def test_folders_of_folders_are_looked_into_but_for_hidden_ones_links_and_the_output(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a/10.jpg", "a/9.jpg", "a/deep/1.jpg", ".secret/1.jpg", "out/1.jpg", "out/sub/2.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    found = find_all([tmp_path], recursive=True, outputs=[tmp_path / "out"])
    assert [str(path.relative_to(tmp_path)) for path in found.pictures] == [
        os.path.join("a", "9.jpg"),
        os.path.join("a", "10.jpg"),
        os.path.join("a", "deep", "1.jpg"),
        "b.jpg",
    ]
    assert sorted(str(found.left_out).split(", ")) == ["1 hidden", "1 link to a folder", "2 in the output folder"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything may be read")
def test_a_folder_below_that_may_not_be_read_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "closed/b.jpg")
    (tmp_path / "closed").chmod(0)
    try:
        assert str(find_all([tmp_path], recursive=True, outputs=[]).left_out) == "1 folder that cannot be read"
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_folders_files_and_patterns_come_in_the_order_in_which_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "one/b.jpg", "one/a.jpg", "two/x10.png", "two/x9.png", "two/x.txt", "scan", ".hidden.jpg")
    monkeypatch.chdir(tmp_path)
    sources = [Path("two/x*"), Path("scan"), Path("one"), Path("one/a.jpg"), Path(".hidden.jpg")]
    found = find_all(sources, [Path("gone.jpg"), Path("./scan")], recursive=False, outputs=[])
    assert names(found.pictures) == ["x9.png", "x10.png", "scan", "a.jpg", "b.jpg", ".hidden.jpg", "gone.jpg"]
    assert str(found.left_out) == "2 named twice, 1 .txt"


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPicturesError, match=r"no such file or folder: .*gone"):
        find_all([tmp_path / "gone"], recursive=False, outputs=[])
    with pytest.raises(NoPicturesError, match=r"no such file or folder: .*\*\.jpg"):
        find_all([tmp_path / "*.jpg"], recursive=False, outputs=[])
    with pytest.raises(NoPicturesError, match=r"no pictures anywhere$"):
        find_all([tmp_path, tmp_path], recursive=False, outputs=[])


def test_a_list_has_a_name_a_line_or_null_characters_between_them() -> None:
    assert read_list(b"a.jpg\nb c.jpg\r\n\nd.jpg") == [Path("a.jpg"), Path("b c.jpg"), Path("d.jpg")]
    assert read_list(b"a\nb.jpg\0c.jpg\0") == [Path("a\nb.jpg"), Path("c.jpg")]
    assert os.fsencode(read_list(b"caf\xe9.jpg")[0]) == b"caf\xe9.jpg"
    with pytest.raises(NoPicturesError, match="the list on standard input is empty"):
        read_list(b"\n")


def test_a_standard_input_that_is_closed_is_an_empty_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["-", "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "penstock-images: no pictures: the list on standard input is empty\n"


def test_formats_that_are_hard_to_tell_are_tried_by_name_only() -> None:
    assert "TGA" in formats.formats_for(".TGA")
    assert "TGA" not in formats.formats_for(".jpg")
    assert "EPS" not in formats.formats_for(".eps")
    assert formats.formats_for("") == formats.formats_for(".jpg")


def test_jobs_are_numbered_through_limit_and_repetition() -> None:
    pictures = [Path("a.jpg"), Path("b.jpg"), Path("c.jpg")]
    assert [(job.sequence, job.number, job.path.name) for job in list_jobs(pictures)] == [
        (1, 1, "a.jpg"),
        (2, 2, "b.jpg"),
        (3, 3, "c.jpg"),
    ]
    jobs = list_jobs(pictures, limit=2, repeat=2)
    assert [(job.sequence, job.path.name) for job in jobs] == [
        (1, "a.jpg"),
        (2, "b.jpg"),
        (3, "a.jpg"),
        (4, "b.jpg"),
    ]
    assert len({job.name for job in jobs}) == 4
    assert len(list_jobs(pictures, limit=10)) == 3
    with pytest.raises(IndexError, match="from 0 to 3, got 4"):
        jobs[4]
    with pytest.raises(TypeError):
        jobs[:2]


def test_names_stay_when_pictures_are_added_and_however_the_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [tmp_path / "b.jpg", tmp_path / "d.jpg"]
    before = {job.path.name: job.name for job in list_jobs(pictures)}
    monkeypatch.chdir(tmp_path)
    after = {job.path.name: job.name for job in list_jobs([Path(f"{name}.jpg") for name in "abcd"])}
    assert before == {name: after[name] for name in before}
    painted = [list_jobs([tmp_path / root / "1.jpg"], root=tmp_path / root)[0].name for root in ("x", "y")]
    assert painted[0] == painted[1]


@pytest.mark.parametrize("repeat", [10**12, None])
def test_jobs_are_made_when_they_are_asked_for(repeat: int | None) -> None:
    jobs = list_jobs([Path("a"), Path("b")], repeat=repeat)
    assert len(jobs) >= 2 * 10**12
    assert [(job.sequence, job.path.name) for job in islice(jobs, 3)] == [(1, "a"), (2, "b"), (3, "a")]


def test_a_file_that_may_not_be_looked_at_is_a_picture_until_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied")

    touch(tmp_path, "a.jpg")
    monkeypatch.setattr(Path, "stat", refuse)
    assert names(find_pictures(tmp_path)) == ["a.jpg"]
