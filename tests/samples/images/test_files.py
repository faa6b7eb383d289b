"""Finding pictures, and making jobs of them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from penstock.samples.images.files import NoPicturesError, find_pictures, list_jobs


def test_pictures_are_found_by_extension_and_sorted_by_name(tmp_path: Path) -> None:
    for name in ("b.jpg", "A.JPG", "é.WebP", "a.png", "10.tif", "9.gif", ".hidden.jpg", "notes.txt", "jpg"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "gone")
    names = [path.name for path in find_pictures(tmp_path)]
    assert names == ["10.tif", "9.gif", "A.JPG", "a.png", "b.jpg", "nowhere.jpg", "é.WebP"]


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoPicturesError, match=r"no such folder: .*gone"):
        find_pictures(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(NoPicturesError, match=r"not a folder: .*file"):
        find_pictures(tmp_path / "file")
    with pytest.raises(NoPicturesError, match=r"no pictures in .* \(1 other entries; looked for .*\.jpg"):
        find_pictures(tmp_path)


def test_a_folder_that_may_not_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(NoPicturesError, match=r"cannot read the folder .*: Permission denied"):
        find_pictures(tmp_path)


def test_jobs_are_numbered_through_limit_and_repetition() -> None:
    pictures = [Path("a.jpg"), Path("b.jpg"), Path("c.jpg")]
    assert [(job.sequence, job.path.name) for job in list_jobs(pictures)] == [
        (1, "a.jpg"),
        (2, "b.jpg"),
        (3, "c.jpg"),
    ]
    jobs = list_jobs(pictures, limit=2, repeat=2)
    assert [(job.sequence, job.path.name) for job in jobs] == [
        (1, "a.jpg"),
        (2, "b.jpg"),
        (3, "a.jpg"),
        (4, "b.jpg"),
    ]
    assert len(list_jobs(pictures, limit=10)) == 3
    with pytest.raises(IndexError, match="from 0 to 3, got 4"):
        jobs[4]
    with pytest.raises(TypeError):
        jobs[:2]


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

    (tmp_path / "a.jpg").touch()
    monkeypatch.setattr(Path, "stat", refuse)
    assert [path.name for path in find_pictures(tmp_path)] == ["a.jpg"]
