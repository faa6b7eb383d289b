"""Each checker accepts all right answers that are known, and refuses each wrong answer with a hint of its own."""

import importlib
from pathlib import Path

import pytest

from penstock.blocks import Recording, Span
from penstock.samples.workshop.exercise import EXERCISES, Exercise, find_exercise
from penstock.samples.workshop.judging import judge
from penstock.samples.workshop.verdict import Outcome, Verdict

Edits = tuple[tuple[str, str], ...]

WRONG: dict[int, dict[str, Edits]] = {
    each.number: importlib.import_module(f"tests.samples.workshop.wrong.{each.name}").WRONG for each in EXERCISES
}
RIGHT: dict[int, dict[str, Edits]] = {
    each.number: importlib.import_module(f"tests.samples.workshop.right.{each.name}").RIGHT for each in EXERCISES
}
TIMES = {"load": 0.15, "scale": 0.15, "noise": 0.4, "show": 0.15}


def exercise(number: int) -> Exercise:
    found = find_exercise(number)
    assert found is not None
    return found


def record(folder: Path) -> None:
    """A run of exercise 2 with the times above: noise is the slowest."""
    spans: list[Span] = []
    ready = dict.fromkeys(TIMES, 0.0)
    for item in range(1, 7):
        at = 0.0
        for stage, seconds in TIMES.items():
            start = max(at, ready[stage])
            at = ready[stage] = start + seconds
            spans.append(Span(stage, stage, item, start, at))
    Recording.of(spans).save(folder / "02_run.json")


def verdict_on(number: int, text: str, folder: Path) -> Verdict:
    record(folder)
    path = folder / exercise(number).file_name
    path.write_text(text, "utf-8")
    return judge(exercise(number), path)


def edited(text: str, edits: Edits) -> str:
    for old, new in edits:
        assert old in text, f"the solution has no {old!r}"
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize("number", WRONG)
def test_the_solution_is_accepted(number: int, tmp_path: Path) -> None:
    verdict = verdict_on(number, exercise(number).solution(), tmp_path)
    assert verdict.outcome is Outcome.SOLVED, verdict


@pytest.mark.slow  # dozens of answers; the solution is one of the right ones
@pytest.mark.parametrize("number", RIGHT)
def test_other_right_answers_are_accepted(number: int, tmp_path: Path) -> None:
    for title, edits in RIGHT[number].items():
        verdict = verdict_on(number, edited(exercise(number).solution(), edits), tmp_path)
        assert verdict.outcome is Outcome.SOLVED, (title, verdict)


@pytest.mark.parametrize("number", WRONG)
def test_the_skeleton_is_not_accepted_as_it_is(number: int, tmp_path: Path) -> None:
    verdict = verdict_on(number, exercise(number).skeleton(), tmp_path)
    assert verdict.outcome is not Outcome.SOLVED
    assert verdict.hint


@pytest.mark.parametrize("number", WRONG)
def test_each_wrong_answer_is_refused_with_a_hint_of_its_own(number: int, tmp_path: Path) -> None:
    hints: dict[str, str] = {}
    for title, edits in WRONG[number].items():
        verdict = verdict_on(number, edited(exercise(number).solution(), edits), tmp_path)
        assert verdict.outcome is Outcome.REFUSED, (title, verdict)
        assert verdict.law
        assert verdict.seen
        assert verdict.hint not in hints, (title, hints[verdict.hint], verdict)
        hints[verdict.hint] = title
    assert len(hints) >= 3
