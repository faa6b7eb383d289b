"""Output: whole files with names that sort as the images do."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from PIL import Image

from penstock.samples.images.names import printable, shown_name, thumbnail_name
from penstock.samples.images.output import output, publish, write_whole
from penstock.samples.images.record import ImageInfo
from penstock.samples.images.settings import Settings

if sys.platform != "win32":
    import resource

MakeInfo = Callable[..., ImageInfo]


def test_a_thumbnail_is_a_jpeg_named_by_number_and_stem(make_info: MakeInfo, settings: Settings) -> None:
    done = publish(output(make_info(sequence=7, name="Ünï 写真.tar.PNG"), settings), settings)
    assert done.written is not None
    assert done.written == settings.output / thumbnail_name(Path("Ünï 写真.tar.PNG"), "Ünï 写真.tar.PNG")
    assert done.digest == hashlib.sha256(done.written.read_bytes()).hexdigest()
    with Image.open(done.written) as written:
        assert (written.format, written.size) == ("JPEG", (120, 80))
    assert [path.name for path in settings.output.iterdir()] == [done.written.name]


def test_a_stem_that_is_too_long_is_cut(make_info: MakeInfo, settings: Settings) -> None:
    done = publish(output(make_info(name="写" * 80 + ".png"), settings), settings)
    assert done.written is not None
    assert done.written.exists()
    assert done.written.name.startswith("写写写")
    assert len(os.fsencode(done.written.name)) <= 255


def test_a_name_is_made_from_the_picture_alone() -> None:
    names = [
        thumbnail_name(Path(path), path, turn)
        for path, turn in [("x/a.png", 1), ("x/a.png", 2), ("x/a.jpg", 1), ("y/a.png", 1), ("x/A.png", 1)]
    ]
    assert len({name.casefold() for name in names}) == 5, "no two are the same, upper or lower case"
    assert names[0] == thumbnail_name(Path("x/a.png"), "x/a.png")
    assert re.fullmatch("a-[0-9a-f]{8}[.]jpg", names[0])
    assert names[1] == names[0].replace(".jpg", "-2.jpg")


def test_nobody_sees_a_thumbnail_before_it_is_published(
    make_info: MakeInfo, settings: Settings, tmp_path: Path
) -> None:
    written = output(make_info(), settings).written
    assert written is not None
    assert written.parent == settings.output
    assert written.name.startswith(".")
    elsewhere = output(make_info(), attrs.evolve(settings, unfinished=tmp_path)).written
    assert elsewhere is not None
    assert elsewhere.parent == tmp_path


def test_a_thumbnail_that_cannot_have_its_place_leaves_nothing_behind(make_info: MakeInfo, settings: Settings) -> None:
    (settings.output / make_info().name / "in the way").mkdir(parents=True)
    done = output(make_info(), settings)
    with pytest.raises(OSError):  # noqa: PT011  # which one depends on the system
        publish(done, settings)
    assert [path.name for path in settings.output.iterdir()] == [make_info().name]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to the size of files there")
def test_a_file_of_which_the_disk_took_a_part_is_noticed(make_info: MakeInfo, settings: Settings) -> None:
    whole = output(make_info(), settings).written
    assert whole is not None
    size = whole.stat().st_size
    whole.unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, before[1]))
        with pytest.raises(OSError, match="No space left"):
            output(make_info(), settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(settings.output.iterdir()) == []


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_a_file_that_cannot_be_finished_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*paths: object) -> None:
        raise error

    (tmp_path / "old.jpg").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(error)):
        write_whole(tmp_path / "old.jpg", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old.jpg", b"old")]


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.jpg", b"old")
    write_whole(tmp_path / "a.jpg", b"new")
    assert (tmp_path / "a.jpg").read_bytes() == b"new"


def test_names_can_be_printed_whatever_they_are() -> None:
    assert shown_name(Path("folder/Ünï 写真 📷.jpg")) == "Ünï 写真 📷.jpg"
    assert shown_name(Path(os.fsdecode(b"caf\xe9.jpg"))) == r"caf\xe9.jpg"
    assert printable("line\nbreak\x1b[31m") == r"line\nbreak\x1b[31m"
    assert printable("👨\u200d👩 می\u200cخواهم") == "👨\u200d👩 می\u200cخواهم"
