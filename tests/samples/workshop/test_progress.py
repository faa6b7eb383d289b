"""The progress of a learner: what is kept, and what a damaged file leads to."""

import json
import os
from pathlib import Path

import pytest

from penstock.samples.workshop.progress import FILE_NAME, Entry, Progress, UnreadableProgress


def test_a_folder_without_a_file_has_no_progress(tmp_path: Path) -> None:
    assert Progress.read(tmp_path).entries == {}
    assert os.listdir(tmp_path) == []


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    progress = Progress().with_entry(2, Entry(checks=3)).with_entry(1, Entry(1, 2, True, True))
    progress.write(tmp_path)
    assert Progress.read(tmp_path) == progress
    assert list(json.loads((tmp_path / FILE_NAME).read_text())["exercises"]) == ["1", "2"]


def test_fields_of_a_later_version_are_left_out(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"version": 2, "exercises": {"1": {"checks": 4, "seconds": 7.5}}}')
    assert Progress.read(tmp_path).entries == {1: Entry(checks=4)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "line 1: "),
        (b'{\n "exercises": ', "line 2: "),
        (b"\xff", "not UTF-8"),
        (b"[]", "form"),
        (b"{}", "form"),
        (b'{"exercises": []}', "form"),
        (b'{"exercises": {"one": {}}}', "form"),
        (b'{"exercises": {"1": 5}}', "form"),
        (b'{"exercises": {"1": {"checks": "many"}}}', "form"),
        (b'{"exercises": {"1": {"is_solved": 1}}}', "form"),
    ],
)
def test_a_damaged_file_is_reported_in_words(text: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(text)
    with pytest.raises(UnreadableProgress, match=problem):
        Progress.read(tmp_path)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry(), "begun"),
        (Entry(checks=1, hints=2), "begun, 1 check"),
        (Entry(checks=2, saw_solution=True), "begun, 2 checks"),
        (Entry(checks=2, is_solved=True), "solved"),
        (Entry(is_solved=True, hints=1), "solved after 1 hint"),
        (Entry(is_solved=True, hints=3, saw_solution=True), "solved after 3 hints and a look at the solution"),
    ],
)
def test_an_entry_says_how_far_the_learner_is(entry: Entry, words: str) -> None:
    assert str(entry) == words
