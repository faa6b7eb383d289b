"""A recorded run on a terminal."""

import re
from collections.abc import Iterable
from io import StringIO
from typing import Literal

from rich.console import Console

from penstock.blocks import Recording, Span
from penstock.blocks.recording.player import HELP, Player
from tests.blocks.recording.recordings import WAIT_FOR_INPUT, WAIT_FOR_RATE, many, small


class Terminal:
    """Types what it is told to, and keeps what is printed and how long somebody slept."""

    def __init__(self, recording: Recording, typed: Iterable[str] = (), *, colours: bool = False) -> None:
        self.file = StringIO()
        self.slept: list[float] = []
        self.prompts: list[str] = []
        self._typed = iter(typed)
        system: Literal["truecolor"] | None = "truecolor" if colours else None
        console = Console(file=self.file, width=100, highlight=False, force_terminal=colours, color_system=system)
        self.player = Player(recording, console, self._ask, self.slept.append)

    def _ask(self, prompt: str) -> str:
        self.prompts.append(prompt)
        try:
            return next(self._typed)
        except StopIteration:
            raise EOFError from None

    def browse(self) -> str:
        self.player.browse()
        return self.file.getvalue()

    def play(self, delay: float = 0.0) -> list[str]:
        self.player.play(delay)
        return self.file.getvalue().splitlines()


def sentences(text: str) -> list[str]:
    return [line.partition(" ms  ")[2] for line in text.splitlines() if " ms  " in line]


def test_all_steps_are_printed_a_line_each() -> None:
    heading, first, second, *rest = Terminal(small()).play()
    assert heading == "images: 600 ms, 10 steps"
    assert first == "       0.000 ms  load begins item 1  one.jpg"
    assert second == "       0.000 ms  filter waits for an item"
    assert rest[-1] == "     500.000 ms  filter 2 fails with item 2: ValueError('dark')  two.jpg"


def test_it_plays_by_itself_with_a_pause_after_each_step() -> None:
    terminal = Terminal(small())
    terminal.play(0.5)
    assert terminal.slept == [0.5] * 10


def test_on_a_terminal_that_plays_by_itself_the_steps_roll_by_above_how_everything_is() -> None:
    terminal = Terminal(small(), colours=True)
    shown = re.sub(r"\x1b\[[\d;?]*\w", "", "\n".join(terminal.play(0.5)))
    assert terminal.slept == [0.5] * 10
    assert len(sentences(shown)) == 10
    assert [line.split() for line in shown.splitlines() if line.startswith("load")][-1] == [
        "load",
        "│",
        "│",
        "│",
        "1",
        "2",
    ]


def test_the_heading_says_how_much_is_missing() -> None:
    assert Terminal(Recording.of([], dropped=3)).play() == ["network: 0 s, 0 steps; 3 older spans were dropped"]


def test_enter_shows_the_next_step_and_how_everything_is_then() -> None:
    shown = Terminal(small(), ["", "q"]).browse()
    assert sentences(shown) == ["load begins item 1  one.jpg"]
    assert [line.split() for line in shown.splitlines() if line.startswith("load")] == [["load", "│", "1", "│", "│"]]


def test_a_number_skips_so_many_and_b_goes_back() -> None:
    terminal = Terminal(small(), ["", "4", "b", "B ", "q"])
    assert sentences(terminal.browse()) == [
        "load begins item 1  one.jpg",
        "filter 1 begins item 1  one.jpg",
        "load begins item 2  two.jpg",
        "load has done item 1  one.jpg",
    ]
    assert terminal.prompts == ["0/10 > ", "1/10 > ", "5/10 > ", "4/10 > ", "3/10 > "]


def test_items_between_two_stages_and_those_who_wait_are_shown() -> None:
    shown = Terminal(small(), ["7", "q"]).browse()
    rows = [[cell.strip() for cell in line.split("│")] for line in shown.splitlines() if "│" in line]
    assert rows == [
        ["load", "", "1 to hand one on", "1 2"],
        ["→ filter", "2", "", ""],
        ["filter", "1", "", ""],
        ["show", "", "", ""],
    ]
    assert "1 for an item" in Terminal(small(), ["2"]).browse()
    waits = Recording.of([Span("ask", "ask", 0, 0, 1, wait) for wait in (WAIT_FOR_RATE, WAIT_FOR_INPUT)])
    assert "1 for an item, 1 for the rate" in Terminal(waits, ["2"]).browse()


def test_nothing_lies_before_the_first_step_or_behind_the_last() -> None:
    shown = Terminal(small(), ["b", "b", "99", "", "q"]).browse()
    assert sentences(shown) == [
        "load begins item 1  one.jpg",
        "filter 2 fails with item 2: ValueError('dark')  two.jpg",
    ]
    assert shown.count("That was all. " + HELP) == 2


def test_a_recording_without_steps_can_be_browsed() -> None:
    terminal = Terminal(Recording.of([]), ["", "b", "q"])
    terminal.browse()
    assert terminal.prompts == ["0/0 > "] * 3


def test_what_is_not_understood_is_answered_with_help() -> None:
    assert HELP in Terminal(small(), ["x", "-1", "q"]).browse()


def test_the_end_of_the_input_ends_it() -> None:
    assert Terminal(small(), [""]).browse().endswith("\n\n")


def test_of_many_items_the_last_ones_are_named() -> None:
    assert "99 items: … 93 94 95 96 97 98 99 100" in Terminal(many(100), ["9999"]).browse()


def test_an_item_has_its_colour_and_failures_are_red() -> None:
    text = "\n".join(Terminal(small(), colours=True).play())
    assert re.search(r"begins \x1b\[[\d;]+mitem 1\x1b\[0m", text)  # how exactly, is up to the terminal
    assert "\x1b[1;31m" in text


def test_work_on_no_item_is_a_dot() -> None:
    recording = Recording.of([Span("body", "body", 0, 0, 1)])
    assert "body  │ ·" in Terminal(recording, [""]).browse()
