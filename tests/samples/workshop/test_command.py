"""`penstock-workshop` as a learner uses it: from an empty folder to a solved exercise, mistakes, Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from penstock.samples.workshop.__main__ import main
from penstock.samples.workshop.exercise import EXERCISES, Exercise, find_exercise

COMMAND = [sys.executable, "-m", "penstock.samples.workshop"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(shutil, "which", {"penstock-workshop": "there", "python": sys.executable}.get)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    try:
        ended: object = main(arguments)
    except SystemExit as exit:
        ended = exit.code
    assert ended == status
    out, err = capsys.readouterr()
    if status == 2:
        assert out == ""
        assert err.startswith("penstock-workshop: ")
        assert err.count("\n") == 1
        return err
    assert err == ""
    return out


def solution(number: int) -> str:
    exercise = find_exercise(number)
    assert exercise is not None
    return exercise.solution()


def test_from_an_empty_folder_to_a_solved_exercise(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "list")
    assert "  1  Write a stage of your own" in out
    assert "Begin: penstock-workshop start 1" in out
    assert os.listdir() == []

    out = run(capsys, "start", "1")
    assert out.startswith("# 1. Write a stage of your own")
    assert "the tutorial (docs/tutorial-agents.md)" in out
    assert "\n(The folder docs/ is in your checkout of Penstock.)\n" in out
    assert out.endswith("Run it: python 01_own_stage.py\nThen: penstock-workshop check 1\n")
    assert sorted(os.listdir()) == ["01_own_stage.md", "01_own_stage.py", "penstock-workshop.json"]

    out = run(capsys, "check", "1", status=1)
    assert out.startswith("exercise 1, write a stage of your own: not yet\n  law     your stage is in the pipeline\n")

    assert "Hint 1 of 4" in run(capsys, "hint", "1")
    Path("01_own_stage.py").write_text(solution(1), "utf-8")
    out = run(capsys, "check", "1")
    assert "exercise 1, write a stage of your own: solved" in out
    assert "Next: penstock-workshop start 2" in out

    out = run(capsys, "list")
    assert "solved after 1 hint" in out
    assert "Begin: penstock-workshop start 2" in out


def test_starting_again_keeps_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "start", "1")
    Path("01_own_stage.py").write_text("mine")
    assert "was there already and stays as it is" in run(capsys, "start", "1")
    assert Path("01_own_stage.py").read_text() == "mine"
    assert "01_own_stage.py.old" in run(capsys, "start", "1", "--again")
    assert Path("01_own_stage.py.old").read_text() == "mine"
    assert "class DropRepeats" in Path("01_own_stage.py").read_text("utf-8")


def test_hints_come_one_by_one_and_then_lead_to_the_solution(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Hint 1 of 4" in run(capsys, "hint", "1")
    out = run(capsys, "hint", "1")
    assert out.startswith("Hint 1 of 4: ")
    assert "\nHint 2 of 4: " in out
    run(capsys, "hint", "1")
    for _ in range(2):
        assert run(capsys, "hint", "1").endswith("An answer: penstock-workshop solution 1\n")


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.name)
def test_the_solution_is_printed_as_a_program(exercise: Exercise, capsys: pytest.CaptureFixture[str]) -> None:
    number = exercise.number
    assert run(capsys, "solution", str(number)) == solution(number)
    entries = json.loads(Path("penstock-workshop.json").read_text())["exercises"]
    assert entries[str(number)]["saw_solution"]


def test_another_folder_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    run(capsys, "start", "1", "--folder", "mine")
    assert os.listdir() == ["mine"]
    assert len(os.listdir("mine")) == 3


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("begin",), "invalid choice: 'begin'"),
        (("start",), "start needs the number of an exercise, such as: start 1"),
        (("check", "one"), "expected a whole number >= 1, got 'one'"),
        (("check", "99"), f"there is no exercise 99; they go from 1 to {len(EXERCISES)}"),
        (("list", "1"), "list takes no number"),
        (("check", "1", "--again"), "--again goes with start only"),
        (("start", "1", "--folder", "gone"), "there is no folder 'gone'"),
        (("check", "1", "--time-limit", "0"), "expected a number of seconds > 0"),
        (("check", "1"), "there is no file 01_own_stage.py; penstock-workshop start 1 makes it"),
    ],
)
def test_wrong_use_is_one_line(arguments: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert problem in run(capsys, *arguments, status=2)
    assert os.listdir() == []


def test_a_damaged_progress_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("penstock-workshop.json").write_text("{")
    error = run(capsys, "list", status=2)
    assert "penstock-workshop.json is damaged (line 1: " in error
    assert "mend it or delete it" in error


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    os.chmod(".", 0o500)
    try:
        assert "Permission denied" in run(capsys, "start", "1", status=2)
    finally:
        os.chmod(".", 0o700)


def test_a_folder_in_the_place_of_the_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("01_own_stage.md").mkdir()
    assert "cannot use 01_own_stage.md: Is a directory" in run(capsys, "start", "1", status=2)


def test_a_syntax_error_is_shown_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("01_own_stage.py").write_text("print('hello')\nclass DropRepeats(\n")
    out = run(capsys, "check", "1", status=1)
    assert "line 2: '(' was never closed" in out
    assert "hint    Python cannot read the file. Correct line 2." in out
    assert "Traceback" not in out


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_a_check_with_one_line(number: signal.Signals, status: int) -> None:
    Path("01_own_stage.py").write_text("from pathlib import Path\nPath('runs').touch()\nwhile True:\n    pass\n")
    process = subprocess.Popen([*COMMAND, "check", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not Path("runs").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert out == ""
    assert err == "\npenstock-workshop: stopped\n"
    assert sorted(os.listdir()) == ["01_own_stage.py", "runs"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_reader_that_goes_away_is_no_error() -> None:
    process = subprocess.run(
        f"'{sys.executable}' -m penstock.samples.workshop solution 1 | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.stderr == ""
    assert len(process.stdout) == 10


ENDS = {
    6: "OSError: disk full",
    7: "NotImplementedError",
    8: "NotImplementedError",
    10: "LookupError: no price",
}
"""How the files of some exercises end before the learner has changed them."""


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.name)
def test_the_file_runs_as_a_program_before_and_after(exercise: Exercise, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "start", str(exercise.number))
    command = [sys.executable, exercise.file_name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if exercise.number in ENDS:
        assert ENDS[exercise.number] in done.stderr
    else:
        assert done.returncode == 0, done.stderr  # a busy machine may give a warning there
    Path(exercise.file_name).write_text(exercise.solution(), "utf-8")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if exercise.number == 4:
        assert "in a circle:" in done.stderr
    else:
        assert done.returncode == 0, done.stderr  # a busy machine may give a warning there
