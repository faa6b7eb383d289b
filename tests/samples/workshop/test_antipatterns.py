"""The anti-patterns do harm, and their cures cure it; what depends on the machine is not compared."""

import pytest

from penstock.samples.workshop.antipatterns import unbounded_growth
from penstock.samples.workshop.antipatterns.__main__ import ANTI_PATTERNS, main
from penstock.samples.workshop.antipatterns.figures import table_of
from penstock.samples.workshop.antipatterns.infinite_waits import INFINITE_WAITS
from penstock.samples.workshop.antipatterns.shared_state import SHARED_STATE
from penstock.samples.workshop.antipatterns.small_stages import add_all, add_one, figures_of
from penstock.samples.workshop.antipatterns.unbounded_growth import UNBOUNDED_GROWTH


def test_calls_that_share_a_total_lose_most_of_it() -> None:
    assert SHARED_STATE.harm() == {"items": 1000, "counted": 250}
    assert SHARED_STATE.cure() == {"items": 1000, "counted": 1000}


def test_one_answer_that_never_comes_holds_all_others() -> None:
    assert INFINITE_WAITS.harm() == {"items": 100, "answers": 10, "seconds until the end": 3600}
    assert INFINITE_WAITS.cure() == {"items": 100, "answers": 99, "seconds until the end": 104}


def test_a_buffer_without_a_bound_takes_everything_and_makes_nothing_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbounded_growth, "ITEMS", 500)  # instead of 10,000
    harm, cure = UNBOUNDED_GROWTH.harm(), UNBOUNDED_GROWTH.cure()
    assert harm["images in the buffer, at most"] == 499
    assert cure["images in the buffer, at most"] == 7
    assert harm["seconds until the end"] == cure["seconds until the end"] == 1000


def test_small_steps_are_handed_over_often() -> None:
    assert figures_of(*[add_one] * 12, on_the_loop=20, in_threads=5)["hand-overs per item"] == 12
    assert figures_of(add_all, on_the_loop=20, in_threads=5)["hand-overs per item"] == 1


def test_the_figures_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shared-state", "waits"]) == 0
    out = capsys.readouterr().out
    assert "Shared state\n" in out
    assert "  counted           250         1,000\n" in out
    assert "Infinite waits\n" in out


def test_a_name_that_there_is_not_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["goto"])
    err = capsys.readouterr().err
    assert err.startswith("antipatterns: there is no anti-pattern 'goto'; there are copies, small-stages, ")
    assert err.count("\n") == 1


def test_numbers_are_short() -> None:
    lines = table_of({"a": 1234567.0, "b": 12.345, "c": 0.01234}, {"a": 1.0, "b": 99.96, "c": 2.0}).splitlines()
    assert [line.split() for line in lines] == [
        ["harm", "cure"],
        ["a", "1,234,567", "1"],
        ["b", "12.3", "100.0"],
        ["c", "0.012", "2"],
    ]


def test_all_five_have_a_lesson() -> None:
    assert len(ANTI_PATTERNS) == 5
    assert all(pattern.lesson.endswith(".") for pattern in ANTI_PATTERNS.values())
