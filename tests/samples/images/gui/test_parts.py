"""The small parts behind the page: states, predictions, numbers of images, folders, drops."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import Recording, Span
from penstock.samples.images.files import find_pictures
from penstock.samples.images.gui import folders as folders_module
from penstock.samples.images.gui.folders import FolderError, Folders
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.live import Live
from penstock.samples.images.gui.status import Event, Status, controls_of, next_status
from penstock.samples.images.gui.uploads import DropError, Drops, safe_name
from penstock.samples.images.record import Failure, Phase
from penstock.samples.images.settings import Mode
from tests.samples.images.gui.serving import photographs

# States


def test_every_state_knows_what_may_happen_in_it() -> None:
    assert {status: {event for event in Event if next_status(status, event)} for status in Status} == {
        Status.IDLE: {Event.START, Event.COMPARE, Event.QUIT},
        Status.RUNNING: {Event.STOP, Event.ENDED, Event.QUIT},
        Status.COMPARING: {Event.STOP, Event.ENDED, Event.QUIT},
        Status.STOPPING: {Event.STOP, Event.ENDED, Event.QUIT},
        Status.QUITTING: {Event.STOP, Event.ENDED, Event.QUIT},
    }


@pytest.mark.parametrize("status", Status)
def test_a_control_can_be_used_where_it_leads_somewhere(status: Status) -> None:
    controls = controls_of(status)
    assert controls["start"] == (next_status(status, Event.START) is not None)
    assert controls["compare"] == (next_status(status, Event.COMPARE) is not None)
    assert controls["stop"] == (status in (Status.RUNNING, Status.COMPARING))
    assert controls["quit"] == (status is not Status.QUITTING)


# Numbers


def test_in_control_flow_a_bar_has_the_number_of_its_image_although_others_could_not_be_loaded() -> None:
    live = Live(1, Form(mode=Mode.CONTROL_FLOW), None)
    recording = live.watch.recording = Recording()
    for sequence in (1, 4):
        live.on_error(Failure(sequence, Path("bad.png"), Phase.LOAD, "no picture"))
    live.on_error(Failure(5, Path("full.png"), Phase.OUTPUT, "it is full"))  # this one was loaded
    for item in range(1, 5):
        recording.add(Span("scale", "scale", item, item, item + 1))
    live.collect()
    assert [bar[1] for bar in live.timeline.since(0)] == [2, 3, 5, 6]


# Folders


def test_links_that_lead_out_are_left_out(tmp_path: Path) -> None:
    start = photographs(tmp_path / "start", 1)
    outside = photographs(tmp_path / "outside", 2)
    (start / "out").symlink_to(outside)
    (start / "in").symlink_to(photographs(start / "below", 1))
    (start / "loop").symlink_to(start / "loop")
    (start / "stolen.jpg").symlink_to(outside / "photo 1.jpg")
    folders = Folders(start)
    assert folders.listing("").folders == ("below", "in")
    assert [path.name for path in folders.pictures("")] == ["photo 1.jpg"]
    assert len(folders.pictures("in")) == 1
    only = start / "only"
    only.mkdir()
    (only / "x.jpg").symlink_to(outside / "photo 1.jpg")
    with pytest.raises(FolderError, match="point out of"):
        folders.pictures("only")
    with pytest.raises(FolderError, match="no pictures in"):
        Folders(tmp_path).pictures("")
    assert folders.find(str(start / "below")) == start / "below"


def test_a_listing_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        (tmp_path / f"folder {number}").mkdir()
    monkeypatch.setattr(folders_module, "_MAX_LISTED", 5)
    listing = Folders(tmp_path).listing("")
    assert (len(listing.folders), listing.more) == (5, True)
    monkeypatch.setattr(folders_module, "_MAX_LOOKED_AT", 3)
    assert len(Folders(tmp_path).listing("").folders) == 3


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="who is root may read everything")
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(FolderError, match="closed"):
        Folders(tmp_path).listing("closed")


# Dropped files


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "a.jpg"),
        ("../../etc/a.jpg", "a.jpg"),
        ("C:\\Windows\\a.PNG", "a.PNG"),
        ("...hidden.jpg", "hidden.jpg"),
        ("a\nb\0c.jpg", "a_b_c.jpg"),
        ("con.jpg", "con_.jpg"),
        ("x" * 500 + ".jpg", "x" * 80 + ".jpg"),
        ("a?*.jpg", "a__.jpg"),
        ("dot. .jpg", "dot.jpg"),
    ],
)
def test_names_are_made_safe(name: str, expected: str) -> None:
    assert safe_name(name) == expected


@given(st.text())
def test_any_name_is_safe_or_refused(text: str) -> None:
    try:
        name = safe_name(f"{text}.jpg")
    except DropError:
        return
    assert name == Path(name).name
    assert not name.startswith(".")
    assert len(name.encode()) < 255


@pytest.mark.parametrize("name", ["", "jpg", ".jpg", "a.exe", "a.jpg.exe", "a/", ".."])
def test_what_is_not_called_a_picture_is_refused(name: str) -> None:
    with pytest.raises(DropError, match="expected a picture") as caught:
        safe_name(name)
    assert caught.value.status == 415


async def chunks(*parts: bytes) -> AsyncGenerator[bytes]:
    for part in parts:
        yield part


async def test_drops_are_limited(tmp_path: Path) -> None:
    drops = Drops(tmp_path, max_bytes=10, max_files=2, max_total=14)
    with pytest.raises(DropError, match="drop-begin"):
        await drops.add("a.jpg", chunks())
    await drops.begin()
    with pytest.raises(DropError, match="larger") as caught:
        await drops.add("a.jpg", chunks(b"12345", b"123456"))
    assert caught.value.status == 413
    assert await drops.add("a.jpg", chunks(b"12345", b"12345")) == 1
    with pytest.raises(DropError, match="at a time"):
        await drops.add("b.jpg", chunks(b"12345"))
    assert await drops.add("A.jpg", chunks(b"1234")) == 2
    with pytest.raises(DropError, match="at most 2 files"):
        await drops.add("c.jpg", chunks())
    assert sorted(path.name for path in drops.folder.iterdir()) == ["A (2).jpg", "a.jpg"]
    before = drops.folder
    drops.end()
    await drops.begin()
    assert not before.exists()
    assert drops.count == 0


async def test_a_file_is_not_seen_before_all_of_it_is_there(tmp_path: Path) -> None:
    async def slow() -> AsyncGenerator[bytes]:
        yield b"1"
        seen.append(find_pictures(drops.folder))
        yield b"2"

    seen: list[list[Path]] = []
    drops = Drops(tmp_path)
    await drops.begin()
    await drops.add("first.jpg", chunks(b"1"))
    await drops.add("second.jpg", slow())
    assert [path.name for path in seen[0]] == ["first.jpg"]
    assert [path.name for path in find_pictures(drops.folder)] == ["first.jpg", "second.jpg"]


async def test_a_file_that_comes_late_is_no_part_of_the_next_drop(tmp_path: Path) -> None:
    async def overtaken() -> AsyncGenerator[bytes]:
        yield b"1"
        await drops.begin()
        yield b"2"

    drops = Drops(tmp_path, max_total=4)
    await drops.begin()
    with pytest.raises(DropError, match="before another drop was begun") as caught:
        await drops.add("a.jpg", overtaken())
    assert caught.value.status == 410
    assert drops.count == 0
    assert await drops.add("a.jpg", chunks(b"1234")) == 1
    with pytest.raises(DropError, match="at a time"):
        await drops.add("b.jpg", chunks(b"5"))
    assert [path.name for path in drops.folder.iterdir()] == ["a.jpg"]
