"""What is said about files that cannot be checked; no message has a traceback of the program in it."""

from pathlib import Path

import pytest

from penstock.samples.workshop.exercise import find_exercise
from penstock.samples.workshop.judging import judge
from penstock.samples.workshop.verdict import Outcome, Verdict


def verdict_on(folder: Path, text: str | bytes, number: int = 1) -> Verdict:
    exercise = find_exercise(number)
    assert exercise is not None
    path = folder / exercise.file_name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    verdict = judge(exercise, path)
    assert verdict.hint
    assert "Traceback" not in verdict.seen
    return verdict


def solution(old: str, new: str) -> str:
    exercise = find_exercise(1)
    assert exercise is not None
    assert old in exercise.solution()
    return exercise.solution().replace(old, new)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("x = 1\ndef f(:\n    pass\n", "line 2: invalid syntax\n    def f(:"),
        ("if True:\nx = 1", "line 2: expected an indented block"),
    ],
)
def test_a_file_that_python_cannot_read(text: str, seen: str, tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, text)
    assert verdict.outcome is Outcome.BROKEN
    assert seen in verdict.seen
    assert "Correct line" in verdict.hint


@pytest.mark.parametrize("text", [b"x = '\xff'\n", b"x = 1\0\n"])
def test_a_file_that_is_no_text(text: bytes, tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, text)
    assert verdict.outcome is Outcome.BROKEN
    assert verdict.seen == "01_own_stage.py is not plain text in UTF-8"
    assert "Save it as text in UTF-8" in verdict.hint


@pytest.mark.parametrize(
    ("text", "seen", "hint"),
    [
        ("import trio\n\nprint(treo)\n", "NameError: name 'treo' is not defined", "python 01_own_stage.py"),
        ("import penstock.nothing\n", "ModuleNotFoundError: No module named 'penstock.nothing'", "correct its name"),
        ("raise SystemExit(3)\n", "SystemExit: 3", "Leave out `exit`"),
        ("exit()\n", "SystemExit: None", "Leave out `exit`"),
        ("raise MemoryError\n", "MemoryError", "keeps too much"),
        ("raise ExceptionGroup('two', [ValueError('a'), ValueError('b')])\n", "ValueError: a", "whole traceback"),
    ],
)
def test_a_file_that_raises(text: str, seen: str, hint: str, tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, text)
    assert verdict.outcome is Outcome.BROKEN
    assert seen in verdict.seen
    assert f"line {text.count(chr(10))}, in <module>: " in verdict.seen
    assert hint in verdict.hint


def test_an_exception_in_the_code_names_the_line_of_the_learner(tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, solution("            before = phrase.lower()", "            before = phrase.low()"))
    assert verdict.outcome is Outcome.BROKEN
    assert "AttributeError: 'str' object has no attribute 'low'" in verdict.seen
    assert ", in run: before = phrase.low()" in verdict.seen
    assert "in DropRepeats" in verdict.seen


def test_what_is_still_to_be_written_is_named(tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, solution('before = ""\n', "raise NotImplementedError\n"))
    assert verdict.outcome is Outcome.BROKEN
    assert ", in run: raise NotImplementedError" in verdict.seen
    assert "still to be written" in verdict.hint


@pytest.mark.parametrize(
    ("text", "seen"), [("x = 1\n", "there is no `make_agents`"), ("make_agents = 5\n", "`make_agents` is 5")]
)
def test_a_part_that_is_missing_is_named(text: str, seen: str, tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, text)
    assert verdict.outcome is Outcome.REFUSED
    assert verdict.seen == seen


def test_a_run_that_does_not_end_is_reported_with_the_lines_at_which_it_waits(tmp_path: Path) -> None:
    text = solution('before = ""\n', "await trio.sleep_forever()\n")
    verdict = verdict_on(tmp_path, text)
    line = 1 + text[: text.index("await trio.sleep_forever")].count("\n")
    assert verdict.outcome is Outcome.REFUSED
    assert verdict.seen.startswith("it still runs; it waits at line ")
    assert f"line {line}" in verdict.seen


def test_a_result_that_the_check_cannot_use_is_reported_as_that(tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, solution("    return [\n", "    return 5\n    [\n"))
    assert verdict.outcome is Outcome.BROKEN
    assert "TypeError" in verdict.seen
    assert "cannot use what your code returns" in verdict.hint


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    assert "one" in verdict_on(tmp_path, "raise ValueError('one')\n").seen
    assert "two" in verdict_on(tmp_path, "raise ValueError('two')\n").seen


def test_dataclasses_work_in_a_learners_file(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"
    assert verdict_on(tmp_path, text).seen == "there is no `make_agents`"


def test_no_recording_or_half_a_recording_is_no_answer(tmp_path: Path) -> None:
    exercise = find_exercise(2)
    assert exercise is not None
    assert "there is no 02_run.json" in verdict_on(tmp_path, exercise.skeleton(), 2).seen
    (tmp_path / "02_run.json").write_text("{}")
    verdict = verdict_on(tmp_path, exercise.skeleton(), 2)
    assert verdict.outcome is Outcome.REFUSED
    assert "Delete 02_run.json" in verdict.hint


def test_a_verdict_goes_to_another_process_and_back() -> None:
    verdict = Verdict(Outcome.REFUSED, "came 'ä'", "look", "order", "printed")
    assert Verdict.from_json(verdict.to_json()) == verdict
