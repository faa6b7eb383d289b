"""Where progress is shown: on a screen, or as lines."""

import io
import sys

import pytest
from rich.console import Console

from penstock.blocks.reports import progress_display
from penstock.blocks.reports.progress_display import Lines, Screen, line_of, screen_of
from penstock.blocks.reports.progress_view import StageView, View

VIEW = View(
    "photos",
    12.3,
    (StageView("load", 340, 1000, 2, 17, 81.25), StageView("[b]show\n", 1200, rate=0.0), StageView("none", 0, 0)),
)


def drawn(width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width).print(screen_of(VIEW, width))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def words(lines: list[str]) -> list[list[str]]:
    """The lines without their spacing, which is not the same in every version of rich."""
    return [line.split() for line in lines]


def test_a_wide_screen_has_bars_and_a_narrow_one_has_what_matters() -> None:
    assert words(drawn(80)) == words(
        [
            "photos, 12.3 s",
            "                                          done   in work    queued  per second",
            "load       ━━━━━━╸                 340 / 1,000         2        17      81.2",
            "[b]show\\n                                1,200         0         0",
            "none                                     0 / 0         0         0",
        ]
    )
    assert words(drawn(60)[1:3]) == words(
        [
            "                    done   in work    queued  per second",
            "load         340 / 1,000         2        17      81.2",
        ]
    )
    assert words(drawn(30)[1:3]) == [["done"], ["load", "340", "/", "1,000"]]
    assert drawn(8)[0] == "photos,…"


def test_a_screen_that_is_too_low_shows_the_last_stages() -> None:
    file = io.StringIO()
    Console(file=file, width=40).print(screen_of(VIEW, 40, most=2))
    assert [line.split()[0] for line in file.getvalue().splitlines()] == ["photos,", "done", "…", "[b]show\\n", "none"]
    assert "… 1 before" in file.getvalue()


def test_without_totals_there_are_no_bars() -> None:
    file = io.StringIO()
    Console(file=file, width=80).print(screen_of(View("n", 0.1, (StageView("load", 3),)), 80))
    assert "━" not in file.getvalue()


def test_a_line_says_it_all() -> None:
    assert line_of(VIEW) == "photos, 12.3 s: load 340 of 1,000, [b]show\\n 1,200, none 0 of 0 (0.00 per second)"
    assert line_of(VIEW, "done") == "photos, done after 12.3 s: load 340 of 1,000, [b]show\\n 1,200, none 0 of 0"
    assert line_of(View("empty", 0.001, ())) == "empty, 1.00 ms: "


def test_lines_are_printed_now_and_then_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress_display, "monotonic", lambda: now)
    file = io.StringIO()
    lines = Lines(Console(file=file, width=20))
    lines.begin(VIEW)
    for now in (100.2, 104.9, 105.1, 105.3, 110.0, 110.2):  # noqa: B007  # the clock looks at it
        lines.draw(VIEW)
    assert file.getvalue().splitlines() == [line_of(VIEW)] * 2
    lines.finish(VIEW, "done")
    lines.give_up()
    assert file.getvalue().splitlines()[2:] == [line_of(VIEW, "done")]


def test_names_are_printed_as_they_are() -> None:
    file = io.StringIO()
    Lines(Console(file=file, width=80)).finish(View("[b]:smile:", 1.0, ()), "done")
    assert file.getvalue().startswith("[b]:smile:, done after 1.00 s")


def test_a_screen_is_drawn_in_its_place_and_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # as in a program without a console
    file = io.StringIO()
    screen = Screen.on(Console(file=file, force_terminal=True, width=80))
    assert screen is not None
    screen.begin(VIEW)
    screen.draw(VIEW)
    screen.finish(VIEW, "done")
    assert file.getvalue().count("photos, 12.3 s") == 2
    assert file.getvalue().count("photos, done after 12.3 s") == 1


def test_there_is_one_screen_and_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True)
    screen = Screen.on(terminal)
    assert screen is not None
    screen.begin(VIEW)
    assert Screen.on(terminal) is None
    screen.give_up()
    screen.give_up()
    assert Screen.on(terminal) is not None
    assert Screen.on(Console(file=io.StringIO())) is None
    monkeypatch.setenv("TERM", "dumb")
    assert Screen.on(Console(file=io.StringIO(), force_terminal=True)) is None
